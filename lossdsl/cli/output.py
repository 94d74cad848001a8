"""What the commands print, and the exit code that follows from what was found."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from enum import StrEnum

from rich.console import Console
from rich.text import Text

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.diagnostics.render import layout, render_all
from lossdsl.diagnostics.snippet import Line

CLEAN, ERRORS, USAGE, LIMIT = 0, 1, 2, 3


class OutputFormat(StrEnum):
    """How diagnostics are printed."""

    full = "full"
    concise = "concise"
    json = "json"
    github = "github"
    sarif = "sarif"


class PageFormat(StrEnum):
    """What is printed of a function: its page, its formula alone, or all as JSON."""

    full = "full"
    latex = "latex"
    unicode = "unicode"
    json = "json"


def exit_code(diagnostics: Iterable[Diagnostic]) -> int:
    """Return 0 without errors, 3 if a limit was met, else 1."""
    codes = [diagnostic.code for diagnostic in diagnostics if diagnostic.severity == "error"]
    if any(code.startswith("LD6") for code in codes):
        return LIMIT
    return ERRORS if codes else CLEAN


def defect(error: Exception) -> int:
    """Print what no command should raise, with a request to report it; return the exit code."""
    traceback.print_exception(error)
    diagnostic = at(
        "LD999",
        f"a defect of lossdsl: {type(error).__name__}",
        None,
        help="please report it, with the text that leads here",
    )
    show([diagnostic], error=True)
    return ERRORS


def say(*lines: Line, error: bool = False) -> None:
    """Print styled lines: in color on a terminal, unless `NO_COLOR` is set."""
    console = Console(stderr=error, highlight=False, soft_wrap=True, markup=False, emoji=False)
    for line in lines:
        console.print(Text.assemble(*line))


def show(
    diagnostics: Sequence[Diagnostic], format: OutputFormat = OutputFormat.full, error: bool = False
) -> None:
    """Print diagnostics; formats for programs print something even where nothing was found."""
    if format is OutputFormat.full:
        for diagnostic in diagnostics:
            say(*layout(diagnostic), [], error=error)
        return
    text = render_all(diagnostics, format.value)
    if text:
        say([(text, "")], error=error)
