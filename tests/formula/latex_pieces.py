"""LaTeX, held against mathtext piece by piece: it knows no cases, and no more than one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from matplotlib.mathtext import MathTextParser

GROUP = re.compile(r"(?<!\\)\{((?:[^{}\\]|\\.)*)\}")
HIDDEN = "\0"
CASES = re.compile(r"\\begin\{cases\}((?:(?!\\begin\{cases\}).)*?)\\end\{cases\}")


def hold_latex(line: str) -> None:
    """Hold that an equation is mathematics."""
    bare = re.sub(r"\\[{}]", "", line)
    assert bare.count("{") == bare.count("}")
    assert line.count(r"\left") == line.count(r"\right")
    for group in (group for piece in pieces(line) for group in groups(piece)):
        typeset(group)


def pieces(text: str) -> Iterator[str]:
    """Yield what mathtext can set of a formula: the cells of cases apart from what is around."""
    while match := CASES.search(text):
        yield from (cell.strip() for row in match[1].split(r" \\ ") for cell in row.split(" & "))
        text = f"{text[: match.start()]}x{text[match.end() :]}"
    yield text


def groups(piece: str) -> Iterator[str]:
    """Yield the groups of a piece, then the piece, all with `x` for each group inside of them.

    A piece is mathematics just if all of these are, and most of them are those of other pieces.
    """
    while match := GROUP.search(piece):
        yield match[1].replace(HIDDEN, "{x}")
        piece = f"{piece[: match.start()]}{HIDDEN}{piece[match.end() :]}"
    yield piece.replace(HIDDEN, "{x}")


@cache
def typeset(text: str) -> None:
    """Hold that mathtext sets a text."""
    MathTextParser("path").parse(f"${text}$")
