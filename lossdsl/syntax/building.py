"""What the tree builder needs beside the tokens: the text, the limits, and a place for findings."""

from __future__ import annotations

import math
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, Fix, at
from lossdsl.limits import Limits
from lossdsl.polynomial import Polynomial
from lossdsl.source import Source, Span
from lossdsl.syntax.ast import Comment
from lossdsl.syntax.lalr import Token
from lossdsl.syntax.names import read_name


@dataclass
class Building:
    """One parse in progress. The builder of the tree is shared, so this lives beside it."""

    source: Source
    limits: Limits
    comments: tuple[Comment, ...]
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @cached_property
    def _docs(self) -> dict[int, str]:
        return {
            self.source.line_of(comment.span.start): comment.text
            for comment in self.comments
            if comment.own_line and comment.text.startswith("##")
        }

    def doc_above(self, offset: int) -> str:
        """Return the text of the `##` lines directly above the line of `offset`."""
        line = self.source.line_of(offset) - 1
        lines: list[str] = []
        while line in self._docs:
            lines.append(self._docs[line].removeprefix("##").removeprefix(" "))
            line -= 1
        return "\n".join(reversed(lines))


BUILDING: ContextVar[Building] = ContextVar("BUILDING")


def span_of(first: Any, last: Any | None = None) -> Span:
    """Return the span from one token or node to another."""
    start, end = _ends(first)
    if last is not None:
        end = _ends(last)[1]
    return Span(BUILDING.get().source, start, end)


def _ends(item: Any) -> tuple[int, int]:
    if isinstance(item, Token):
        return item.start, item.end
    return item.span.start, item.span.end


def widened(node: Any, first: Token, last: Token) -> Any:
    """Return a node whose span takes in the parentheses around it."""
    return replace(node, span=span_of(first, last))


def name_of(token: Token) -> str:
    """Return the normalized name in a token, noting what is wrong with it."""
    name, problem = read_name(span_of(token))
    if problem is not None:
        BUILDING.get().diagnostics.append(problem)
    return name


def text_of(token: Token) -> str:
    """Return what a quoted string holds."""
    return str(token[1:-1])


def zeros_first(span: Span) -> Diagnostic:
    """Return the finding that a whole number begins with zeros."""
    plain = span.text.lstrip("0")
    return at(
        "LD037",
        f"`{span.text}` begins with a zero, which other readers take for base 8",
        span,
        help=f"write `{plain}`",
        fix=Fix(span, plain),
    )


def small(size: Polynomial, span: Span) -> Polynomial:
    """Return a size that is written, noting one of too many products or symbols."""
    if size.is_small:
        return size
    help = "give the size a name of its own: `N`"
    problem = at("LD612", "a size that multiplies too many symbols or sums", span, help=help)
    BUILDING.get().diagnostics.append(problem)
    return Polynomial()


def number_of(token: Token) -> int | float:
    """Return the value of a number, noting one that is too long or does not fit a double."""
    building = BUILDING.get()
    allowed = building.limits.number_length
    if len(token) > allowed:
        building.diagnostics.append(
            at("LD604", f"a number of {len(token)} characters; at most {allowed}", span_of(token))
        )
        return 0
    match token.type:
        case "INT":
            if token[0] == "0" and token.strip("0"):
                building.diagnostics.append(zeros_first(span_of(token)))
            return int(token)
        case "INF":
            return math.inf
        case "NAN":
            return math.nan
        case _:
            value = float(token)
    mantissa = token.lower().partition("e")[0]
    if math.isinf(value) or (value == 0 and mantissa.strip("0.")):
        building.diagnostics.append(
            at("LD501", f"`{token}` does not fit 64 bits: it would be {value:g}", span_of(token))
        )
    return value
