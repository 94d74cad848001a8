"""Pages of styled lines, and the page of a code, derived from its row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from textwrap import fill

from lossdsl.diagnostics.code import Code
from lossdsl.diagnostics.codes import CODES
from lossdsl.diagnostics.snippet import Line
from lossdsl.frozen import dataclass

WIDTH = 88
HEAD, NAME = "bold", "bold cyan"


@dataclass(frozen=True)
class Page:
    """Styled lines; `found` is false where they say that there is no such page."""

    lines: tuple[Line, ...]
    found: bool = True


def missing(kind: str, name: str, known: Iterable[str]) -> Page:
    """Return the page that says that there is none, and which ones were perhaps meant."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(f'`{word}`' for word in close)}?" if close else ""
    return Page(([(f"there is no {kind} `{name}`{hint}", "")],), found=False)


def code_page(name: str) -> Page:
    """Return why a code is what it is, with its examples."""
    row = CODES.get(name.upper())
    return missing("code", name, CODES) if row is None else Page(tuple(_code(row)))


def _code(row: Code) -> Iterator[Line]:
    style = "bold red" if row.severity == "error" else "bold yellow"
    yield [(f"{row.severity}[{row.code}]", style), (f": {row.title}", HEAD)]
    yield from paragraph(row.why)
    declared = "\n".join(f"{name}: {kind}" for name, kind in row.inputs.items())
    yield from section("Inputs", declared)
    yield from section("Wrong", row.bad)
    yield from section("Right", row.good)


def paragraph(text: str, width: int = WIDTH) -> Iterator[Line]:
    """Yield a wrapped text after an empty line, or nothing for no text."""
    if text:
        yield []
        yield from ([(line, "")] for line in fill(text, width).splitlines())


def section(title: str, text: str, longest: int | None = 2 * WIDTH) -> Iterator[Line]:
    """Yield a heading and an indented text, its endless lines cut, or nothing for no text."""
    if text:
        yield []
        yield [(title, HEAD)]
        yield from ([(f"  {_cut(line, longest)}".rstrip(), "")] for line in text.splitlines())


def _cut(line: str, longest: int | None) -> str:
    return (
        line
        if longest is None or len(line) <= longest
        else f"{line[:WIDTH]} … ({len(line):,} characters)"
    )
