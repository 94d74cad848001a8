"""What the commands print, and the exit code that follows from what was found."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TextIO

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.diagnostics.render import layout, render_all
from lossdsl.diagnostics.snippet import Line

CLEAN, ERRORS, USAGE, LIMIT = 0, 1, 2, 3

# What makes rich write colors where there is no terminal.
_COLORING = ("FORCE_COLOR", "TTY_COMPATIBLE")


class OutputFormat(StrEnum):
    """How diagnostics are printed."""

    full = "full"
    concise = "concise"
    json = "json"
    github = "github"
    sarif = "sarif"


class DiffFormat(StrEnum):
    """How the difference of two specs is printed."""

    full = "full"
    json = "json"


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
    import traceback

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
    stream: TextIO | None = sys.stderr if error else sys.stdout
    texts = ["".join(text for text, _ in line) for line in lines]
    if stream is None or _is_colored(stream) or not all(map(_is_printable, texts)):
        say_colored(lines, error)
    else:
        stream.writelines(f"{text}\n" for text in texts)
        stream.flush()


def _is_colored(stream: TextIO) -> bool:
    return stream.isatty() or any(os.environ.get(name) for name in _COLORING)


def _is_printable(text: str) -> bool:
    return all(map(str.isprintable, text.split("\n")))


def say_colored(lines: Iterable[Line], error: bool) -> None:
    """Print styled lines by rich: in color where it finds that they can be."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=error, highlight=False, soft_wrap=True, markup=False, emoji=False)
    for line in lines:
        console.print(Text.assemble(*line))


def closed() -> int:
    """Return the exit code where nobody reads on; what is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ERRORS


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
