"""Where a function's parameters may lie, as its declaration says: `delta in (0, inf)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isinf

from lossdsl.frozen import dataclass

_DOMAIN = re.compile(r"\s*(\w+) in ([\[(])([^,]+),([^\])]+)([\])])\s*")


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of numbers in the usual notation: `[` and `]` belong to it, `(` and `)` do not."""

    low: float
    high: float
    opening: str = "["
    closing: str = "]"

    def __contains__(self, number: float) -> bool:
        above = number > self.low if self.opening == "(" else number >= self.low
        below = number < self.high if self.closing == ")" else number <= self.high
        return above and below

    def holds(self, other: Interval) -> bool:
        """Say whether every finite number of another interval is in this one.

        >>> positive = Interval(0, 2, "(")
        >>> positive.holds(Interval(0, 1, "(")), positive.holds(Interval(0, 1))
        (True, False)
        """
        low = self.low < other.low or (
            self.low == other.low
            and (isinf(self.low) or self.opening == "[" or other.opening == "(")
        )
        high = self.high > other.high or (
            self.high == other.high
            and (isinf(self.high) or self.closing == "]" or other.closing == ")")
        )
        return low and high

    def __str__(self) -> str:
        return f"{self.opening}{self.low:g}, {self.high:g}{self.closing}"


@dataclass(frozen=True, slots=True)
class Positions:
    """Whole numbers that count something: from `low` up to a size, and one value beside these.

    `size` and `beside` name a dim or a static parameter of the signature; `closed` says that the
    size itself is allowed, as for a length.
    """

    low: int
    size: str
    closed: bool = False
    beside: str | None = None


_POSITIONS = re.compile(r"\s*(\w+) in \[\s*(-?\d+)\s*,\s*([A-Za-z]\w*)\s*([\])])(?: or (\w+))?\s*")


def _is_positions(part: str) -> bool:
    match = _POSITIONS.fullmatch(part)
    return match is not None and match[3] != "inf"


def read_domains(text: str) -> Mapping[str, Interval]:
    """Return the range of each parameter that a declaration restricts by numbers.

    >>> domains = read_domains("smoothing in [0, 1]; delta in (0, inf); y in [0, K)")
    >>> 0 in domains["smoothing"], 0 in domains["delta"], str(domains["delta"])
    (True, False, '(0, inf)')
    >>> list(domains)
    ['smoothing', 'delta']
    """
    domains: dict[str, Interval] = {}
    for part in filter(str.strip, text.split(";")):
        if _is_positions(part):
            continue
        match = _DOMAIN.fullmatch(part)
        if match is None:
            raise ValueError(f"`{part}` is no domain; expected such as `delta in (0, inf)`")
        name, opening, low, high, closing = match.groups()
        domains[name] = Interval(float(low), float(high), opening, closing)
    return domains


def read_positions(text: str) -> Mapping[str, Positions]:
    """Return the range of each parameter that a declaration restricts by a size.

    >>> read_positions("y in [0, K) or ignore_index; lengths in [1, T]")["y"]
    Positions(low=0, size='K', closed=False, beside='ignore_index')
    """
    positions: dict[str, Positions] = {}
    for part in filter(_is_positions, text.split(";")):
        match = _POSITIONS.fullmatch(part)
        assert match is not None
        name, low, size, closing, beside = match.groups()
        positions[name] = Positions(int(low), size, closing == "]", beside)
    return positions
