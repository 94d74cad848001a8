"""What can be said of a text before it is parsed: size, characters, brackets, comments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

from lossdsl.diagnostics.diagnostic import Diagnostic, Fix, Label, at
from lossdsl.frozen import dataclass
from lossdsl.limits import Limits
from lossdsl.source import Source, Span
from lossdsl.syntax.ast import Comment

_PIECE = re.compile(
    r"""(?P<comment>\#[^\r\n]*)
      | (?P<string>"[^"\r\n]*" | '[^'\r\n]*')
      | (?P<unterminated>["'][^\r\n]*)
      | (?P<opening>[(\[{])
      | (?P<closing>[)\]}])""",
    re.VERBOSE,
)
# Control characters, lone surrogates, and marks that change the direction or hide in other text.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u00ad\u061c\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\uffff]"
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}
# The bracket of a range, `in [0, 1)`, which either kind of bracket closes.
_RANGE = re.compile(r"\bin\s*[\[(]")


@dataclass(frozen=True)
class Scan:
    """What a text holds beside its tokens, and what is wrong with it."""

    comments: tuple[Comment, ...]
    diagnostics: tuple[Diagnostic, ...]


def scan(source: Source, limits: Limits) -> Scan:
    """Look a text over; when it has findings, it is not worth parsing."""
    length = len(source.text)
    if length > limits.text_length:
        return Scan((), (_too_long(source, length, limits.text_length),))
    hidden = tuple(_hidden(source))[: limits.diagnostics]
    if hidden:
        return Scan((), hidden)
    told: list[Comment] = []
    diagnostics: list[Diagnostic] = []
    open_brackets: list[Span] = []
    ranges = {match.end() - 1 for match in _RANGE.finditer(source.text)}
    for piece in _PIECE.finditer(source.text):
        span = Span(source, piece.start(), piece.end())
        match piece.lastgroup:
            case "comment":
                told.append(_comment(span))
            case "unterminated":
                return Scan((), (*diagnostics, _unterminated(span)))
            case "opening":
                open_brackets.append(span)
                if len(open_brackets) > limits.nesting:
                    return Scan((), (*diagnostics, too_deep(span, limits)))
            case "closing":
                problem = _close(open_brackets, span, ranges)
                if problem is not None:
                    return Scan((), (*diagnostics, problem))
            case _:
                pass
    if open_brackets:
        diagnostics.append(_unclosed(open_brackets[-1]))
    return Scan(tuple(told), tuple(diagnostics))


def comments(source: Source, begin: int, end: int) -> tuple[Comment, ...]:
    """Return the comments of a part of a text."""
    pieces = _PIECE.finditer(source.text, begin, end)
    spans = (
        Span(source, piece.start(), piece.end()) for piece in pieces if piece.lastgroup == "comment"
    )
    return tuple(map(_comment, spans))


def _comment(span: Span) -> Comment:
    return Comment(span.text.rstrip(), _begins_line(span), span)


def too_deep(span: Span, limits: Limits) -> Diagnostic:
    """Return the finding that brackets or operators nest deeper than allowed."""
    return at(
        "LD602",
        f"nested more than {limits.nesting} levels deep",
        span,
        help="name a part of it with a binding",
    )


def _too_long(source: Source, length: int, allowed: int) -> Diagnostic:
    return at(
        "LD601",
        f"a text of {length} characters; at most {allowed} are read",
        Span(source, 0, min(length, 1)),
        help="a spec is one loss; pass data as inputs",
    )


def _hidden(source: Source) -> Iterator[Diagnostic]:
    for match in _HIDDEN.finditer(source.text):
        name = unicodedata.name(match[0], "control character").lower()
        span = Span(source, match.start(), match.end())
        yield at(
            "LD003",
            f"U+{ord(match[0]):04X}, {name}, cannot be seen and is not allowed",
            span,
            help="delete it",
            fix=Fix(span, ""),
        )


def _begins_line(span: Span) -> bool:
    source = span.source
    start = source.line_start(source.line_of(span.start))
    return not source.text[start : span.start].strip()


def _unterminated(span: Span) -> Diagnostic:
    quote = span.text[0]
    return at(
        "LD013",
        f"a string that does not end on its line; expected `{quote}`",
        span,
        "begins here",
        help="strings are selectors and options, without escapes",
    )


def _unclosed(opening: Span) -> Diagnostic:
    expected = _CLOSES[opening.text]
    return at("LD005", f"`{opening.text}` is never closed; expected `{expected}`", opening)


def _close(open_brackets: list[Span], closing: Span, ranges: Collection[int]) -> Diagnostic | None:
    """Take the bracket that `closing` ends off the stack, or say why it ends none."""
    if not open_brackets:
        return at(
            "LD006",
            f"`{closing.text}` closes nothing",
            closing,
            help="delete it",
            fix=Fix(closing, ""),
        )
    opening = open_brackets.pop()
    expected = _CLOSES[opening.text]
    if closing.text == expected or (opening.start in ranges and closing.text in ")]"):
        return None
    labels = (Label(closing, f"expected `{expected}`", primary=True), Label(opening, "opened here"))
    return Diagnostic("LD006", f"`{opening.text}` is closed by `{closing.text}`", labels)
