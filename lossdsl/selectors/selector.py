"""Selectors as data, and the text that they are written in.

A pattern is the tuple of its segments, matched from the root to the leaf: one that may start at
any segment begins with `**`. So `kernel` and `**/kernel` are one pattern, and `/tau` is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from lossdsl.frozen import dataclass
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.types.types import Path

Pattern = tuple[str, ...]

RUN = "**"
EVERYTHING: tuple[Pattern, ...] = ((RUN,),)


@dataclass(frozen=True, slots=True)
class Selector:
    """Which leaves of a tree are meant; equal selectors have equal canonical text.

    `exact` is one path from the root, and `patterns` match what lies below it. A leaf is selected
    when a pattern matches it, no exclusion does, its rank passes every comparison of `ndim`, and
    it has the dtype asked for. With `optional`, selecting nothing is legal.
    """

    patterns: tuple[Pattern, ...] = EVERYTHING
    exclusions: tuple[Pattern, ...] = ()
    exact: Path | None = None
    ndim: tuple[tuple[str, int], ...] = ()
    dtype: str | None = None
    optional: bool = False

    def with_below(self) -> Selector:
        """Return the selector of what this one selects, and of what lies below that.

        >>> Selector((("**", "head"),), exclusions=(("**", "bias"),)).with_below().text
        '["head | head/** !bias"]'
        """
        below = ((*pattern, RUN) for pattern in self.patterns if pattern[-1] != RUN)
        return replace(self, patterns=_canonical((*self.patterns, *below)))

    @property
    def pattern_text(self) -> str:
        """The patterns and exclusions as one would write them in quotes."""
        patterns = " | ".join(map(pattern_text, self.patterns))
        return " ".join(
            [patterns, *(f"!{pattern_text(exclusion)}" for exclusion in self.exclusions)]
        )

    @property
    def text(self) -> str:
        """The canonical text, as it follows the name of a tree.

        >>> Selector(exact=("encoder", "0")).text, Selector(ndim=((">=", 2),)).text
        ('.encoder[0]', '["**", ndim >= 2]')
        """
        exact = "".join(
            f"[{segment}]" if is_index(segment) else f".{segment}" for segment in self.exact or ()
        )
        filters = [
            *(f"ndim {comparison} {rank}" for comparison, rank in self.ndim),
            *([f"dtype={self.dtype}"] if self.dtype else []),
            *(["optional=true"] if self.optional else []),
        ]
        if not filters and not self.exclusions and self.patterns == EVERYTHING:
            return exact
        return exact + "[" + ", ".join([f'"{self.pattern_text}"', *filters]) + "]"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the text of a selector, at an offset into it.

    `limit` tells a selector that costs too much from one that says nothing sensible.
    """

    message: str
    offset: int
    help: str | None = None
    limit: bool = False


def parse_selector(text: str, limits: Limits = DEFAULT_LIMITS) -> Selector | Problem:
    """Read the text between the quotes: patterns joined by `|`, and exclusions after `!`.

    >>> parse_selector("/encoder/**/kernel | weight !norm*/**").text
    '["/encoder/**/kernel | weight !norm*/**"]'
    """
    if len(text) > limits.selector_length:
        return Problem(
            f"a selector of {len(text)} characters; at most {limits.selector_length} are allowed",
            limits.selector_length,
            limit=True,
        )
    patterns: list[Pattern] = []
    exclusions: list[Pattern] = []
    runs = 0
    pending: tuple[str, int] | None = None
    for offset, token in _tokens(text):
        if token in ("|", "!"):
            if pending or (token == "|" and not patterns):
                return Problem(f"expected a pattern before `{token}`", offset)
            pending = token, offset
            continue
        read = _pattern(token, offset)
        if isinstance(read, Problem):
            return read
        pattern, written = read
        runs += written
        if runs > limits.selector_runs:
            return Problem(
                f"a selector with more than {limits.selector_runs} `**`", offset, limit=True
            )
        match pending:
            case ("!", _):
                exclusions.append(pattern)
            case None if patterns:
                return Problem(
                    f"expected `|` or `!` before `{token}`",
                    offset,
                    help=f"`| {token}` selects it too, `!{token}` leaves it out",
                )
            case _:
                patterns.append(pattern)
        pending = None
    if pending:
        return Problem(f"expected a pattern after `{pending[0]}`", pending[1])
    if not patterns:
        help = f"`** {text.strip()}` leaves it out of everything" if exclusions else None
        return Problem("expected a pattern that selects something", 0, help=help)
    return Selector(_canonical(patterns), _canonical(exclusions))


def pattern_text(pattern: Pattern) -> str:
    """Return the shortest text of a pattern."""
    if pattern[0] != RUN:
        return "/" + "/".join(pattern)
    return "/".join(pattern[1:]) or RUN


def pieces(segment: str) -> Iterator[str]:
    """Split a segment into what one character each must match: `*`, `?`, `[ab]` or itself.

    >>> list(pieces("w*_[0-9]"))
    ['w', '*', '_', '[0-9]']
    """
    at = 0
    while at < len(segment):
        end = _class_end(segment, at) or at + 1
        yield segment[at:end]
        at = end


def is_index(segment: str) -> bool:
    """Say whether a segment is the index of a sequence, counted from either end."""
    return segment.removeprefix("-").isdecimal()


def _canonical(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    return tuple(sorted(set(patterns), key=pattern_text))


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Yield `|`, `!` and patterns with their offsets; a class may hold any of these characters."""
    at = 0
    while at < len(text):
        start = at
        if text[at].isspace():
            at += 1
            continue
        if text[at] in "|!":
            at += 1
        else:
            while at < len(text) and not (text[at].isspace() or text[at] in "|!"):
                at = _class_end(text, at) or at + 1
        yield start, text[start:at]


def _class_end(text: str, at: int) -> int | None:
    """Return the offset behind the class that opens at `at`, if a complete one does.

    As in fnmatch, a `]` that comes first is a member.
    """
    if text[at] != "[":
        return None
    members = at + 1 + text.startswith("!", at + 1)
    return text.find("]", members + 1) + 1 or None


def _pattern(token: str, offset: int) -> tuple[Pattern, int] | Problem:
    """Return the pattern and how many `**` were written, or what is wrong with it."""
    anchored = token.startswith("/")
    segments: list[str] = [] if anchored else [RUN]
    written = 0
    at = offset + anchored
    for segment in token[anchored:].split("/"):
        parts = [] if segment == RUN else list(pieces(segment))
        if not segment:
            return Problem(f"an empty segment in `{token}`", at)
        if "[" in parts:
            place = sum(map(len, parts[: parts.index("[")]))
            return Problem(f"`[` without `]` in `{segment}`", at + place)
        if ("*", "*") in pairwise(parts):
            return Problem(
                f"`**` inside the segment `{segment}`",
                at,
                help="`*` matches within a segment; `**` stands alone between slashes",
            )
        written += segment == RUN
        if segment != RUN or segments[-1:] != [RUN]:
            segments.append(segment)
        at += len(segment) + 1
    return tuple(segments), written
