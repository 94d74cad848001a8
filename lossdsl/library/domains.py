"""Where a function's parameters may lie, as its declaration says: `delta in (0, inf)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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

    def __str__(self) -> str:
        return f"{self.opening}{self.low:g}, {self.high:g}{self.closing}"


def read_domains(text: str) -> Mapping[str, Interval]:
    """Return the range of each parameter that a declaration restricts.

    >>> domains = read_domains("smoothing in [0, 1]; delta in (0, inf)")
    >>> 0 in domains["smoothing"], 0 in domains["delta"], str(domains["delta"])
    (True, False, '(0, inf)')
    """
    found: dict[str, Interval] = {}
    for part in filter(str.strip, text.split(";")):
        match = _DOMAIN.fullmatch(part)
        if match is None:
            raise ValueError(f"`{part}` is no domain; expected such as `delta in (0, inf)`")
        name, opening, low, high, closing = match.groups()
        found[name] = Interval(float(low), float(high), opening, closing)
    return found
