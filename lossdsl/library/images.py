"""Where the values of a function lie, given where its operands lie, and where it is infinite.

An operand of which nothing is known is None, and so is what nothing follows for. Values are those
of exact arithmetic: `exp` is above 0, though in f32 it is 0 below -104.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from lossdsl.frozen import dataclass
from lossdsl.library.domains import Interval

Image = Callable[..., Interval | None]


@dataclass(frozen=True, slots=True)
class Reach:
    """A number that an operand can be, at which the function or its derivative is infinite.

    `below` says that it is any number below.
    """

    operand: int
    number: float
    below: bool = False

    def __str__(self) -> str:
        return f"below {self.number:g}" if self.below else f"{self.number:g}"


Finite = Callable[..., Reach | None]


def interval(text: str) -> Interval:
    """Return an interval as it is written.

    >>> str(interval("(0, inf)")), 0 in interval("(0, inf)")
    ('(0, inf)', False)
    """
    low, high = text[1:-1].split(",")
    return Interval(float(low), float(high), text[0], text[-1])


def joined(*operands: Interval | None) -> Interval | None:
    """Return the smallest interval that holds all operands.

    >>> str(joined(interval("[0, 1]"), interval("(2, 3)")))
    '[0, 3)'
    """
    known = [operand for operand in operands if operand is not None]
    if not known or len(known) < len(operands):
        return None
    low = min(known, key=lambda operand: (operand.low, operand.opening == "("))
    high = max(known, key=lambda operand: (operand.high, operand.closing == "]"))
    return Interval(low.low, high.high, low.opening, high.closing)


def within(*texts: str, operand: int = 0) -> Finite:
    """Return that a function is finite where an operand lies in one of some intervals."""
    allowed = [interval(text) for text in texts]

    def finite(*operands: Interval | None) -> Reach | None:
        given = operands[operand]
        if given is None:
            return None
        for edge in sorted({part.low for part in allowed} | {part.high for part in allowed}):
            if math.isfinite(edge) and edge in given and not any(edge in part for part in allowed):
                return Reach(operand, edge)
        least = min(part.low for part in allowed)
        return Reach(operand, least, below=True) if given.low < least else None

    return finite


def always(text: str) -> Image:
    """Return that the values of a function lie in an interval, whatever its operands are."""
    values = interval(text)
    return lambda *_: values


def rising(function: Callable[[float], float]) -> Image:
    """Return the image of a function that never falls, by its values at the ends."""

    def image(operand: Interval | None, *_: Interval | None) -> Interval | None:
        if operand is None:
            return None
        try:
            low, high = function(operand.low), function(operand.high)
        except (ValueError, OverflowError):
            return None
        return Interval(low, high, operand.opening, operand.closing)

    return image


def exponential(x: float) -> float:
    """Return a power of e; of what is finite one that is above 0 and finite.

    >>> exponential(-1e6) > 0, exponential(1e6) < math.inf, exponential(-math.inf)
    (True, True, 0.0)
    """
    return math.exp(x) if math.isinf(x) else math.exp(min(max(x, -_STEEP), _STEEP))


# The exponent of what is bounded, though by no number that is known.
_STEEP = 230.0


def logarithm(x: float) -> float:
    """Return the natural logarithm, also of 0 and infinity."""
    return -math.inf if x == 0 else math.log(x)


def added(a: Interval | None, b: Interval | None) -> Interval | None:
    """Return where sums lie."""
    if a is None or b is None:
        return None
    opening = "(" if "(" in (a.opening, b.opening) else "["
    closing = ")" if ")" in (a.closing, b.closing) else "]"
    return Interval(a.low + b.low, a.high + b.high, opening, closing)


def negated(x: Interval | None) -> Interval | None:
    """Return where negatives lie."""
    if x is None:
        return None
    opening, closing = "([)]"[")]".index(x.closing)], ")]"["([".index(x.opening)]
    return Interval(0.0 - x.high, 0.0 - x.low, opening, closing)


def subtracted(a: Interval | None, b: Interval | None) -> Interval | None:
    """Return where differences lie."""
    return added(a, negated(b))


def multiplied(a: Interval | None, b: Interval | None) -> Interval | None:
    """Return where products lie."""
    if a is None or b is None:
        return None
    zeros = {(0, False)}
    edges = [
        (_product(x[0], y[0]), (x[1] or y[1]) and zeros.isdisjoint((x, y)))
        for x in _edges(a)
        for y in _edges(b)
    ]
    return _hull(edges)


def divided(a: Interval | None, b: Interval | None) -> Interval | None:
    """Return where quotients lie; None where the divisor can be of both signs."""
    if a is None or b is None or not (b.low >= 0 or b.high <= 0):
        return None
    edges = [
        (_quotient(x, y, b), (x_open or y_open or y == 0) and not (x == 0 and not x_open))
        for x, x_open in _edges(a)
        for y, y_open in _edges(b)
    ]
    return _hull(edges)


def powered(a: Interval | None, b: Interval | None) -> Interval | None:
    """Return where powers lie: of a number of known sign, or by an even number."""
    exponent = b.low if b is not None and b.low == b.high else None
    if exponent is not None and exponent % 2 == 0 and exponent > 0:
        return even(lambda x: _power(x, exponent))(a)
    if a is None or a.low < 0:
        return None
    unit = a.high <= 1 and b is not None and b.low >= 0
    low = "(0" if 0 not in a else "[0"
    return interval(f"{low}, 1]" if unit else f"{low}, inf)")


def _power(x: float, exponent: float) -> float:
    try:
        return float(x**exponent)
    except OverflowError:
        return math.inf


def power_is_finite(a: Interval | None, b: Interval | None) -> Reach | None:
    """Return the base at which a power by a number, or its derivative, is infinite."""
    if b is None or b.low != b.high:
        return None
    exponent = b.low
    if math.isinf(exponent):
        return None
    if exponent == int(exponent):
        return None if exponent >= 0 else within("(-inf, 0)", "(0, inf)")(a)
    return within("(0, inf)" if exponent < 1 else "[0, inf)")(a)


def even(function: Callable[[float], float]) -> Image:
    """Return the image of a function of the distance from 0 that grows with it and is 0 there.

    >>> str(even(abs)(interval("(-2, 1]"))), str(even(abs)(None))
    ('[0, 2)', '[0, inf)')
    """

    def image(x: Interval | None, *_: Interval | None) -> Interval:
        if x is None:
            return interval("[0, inf)")
        near, far = sorted(_edges(x), key=lambda edge: (abs(edge[0]), not edge[1]))
        if x.low < 0 < x.high:
            near = (0.0, False)
        ends = [(function(abs(edge)), is_open) for edge, is_open in (near, far)]
        return _hull(ends)

    return image


def squared(x: float) -> float:
    """Return the square of a number, also of a large one."""
    return x * x


def larger(a: Interval | None, b: Interval | None) -> Interval | None:
    """Return where the larger of two lies: what is known of one bounds it from below."""
    known = [operand for operand in (a, b) if operand is not None]
    if not known:
        return None
    low = max(known, key=lambda operand: (operand.low, operand.opening == "("))
    whole = joined(a, b)
    high, closing = (math.inf, ")") if whole is None else (whole.high, whole.closing)
    return Interval(low.low, high, low.opening, closing)


def smaller(a: Interval | None, b: Interval | None) -> Interval | None:
    """Return where the smaller of two lies."""
    return negated(larger(negated(a), negated(b)))


def clipped(x: Interval | None, low: Interval | None, high: Interval | None) -> Interval | None:
    """Return where a value that is moved between two bounds lies."""
    return smaller(larger(x, low), high)


def _edges(x: Interval) -> tuple[tuple[float, bool], tuple[float, bool]]:
    """Return the ends of an interval, and whether they are left out."""
    return (x.low, x.opening == "("), (x.high, x.closing == ")")


def _product(x: float, y: float) -> float:
    return 0.0 if 0 in (x, y) else x * y


def _quotient(x: float, y: float, divisor: Interval) -> float:
    if y == 0:
        sign = 1 if divisor.high > 0 else -1
        return 0.0 if x == 0 else math.copysign(math.inf, x * sign)
    return 0.0 if x == 0 or math.isinf(y) else x / y


def _hull(edges: list[tuple[float, bool]]) -> Interval:
    """Return the interval between the least and the greatest of some ends."""
    low = min(edges)
    high = max(edges, key=lambda edge: (edge[0], not edge[1]))
    return Interval(low[0], high[0], "(" if low[1] else "[", ")" if high[1] else "]")
