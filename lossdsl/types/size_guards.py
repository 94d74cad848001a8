"""Sizes of a call that are not looked at unless something depends on them.

Core is made at the types of one call. What it read of their sizes is noted, symbol by symbol, and
what was made serves every call that agrees in these, whatever its other sizes are: a loss is
elaborated once for all sizes of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lossdsl.polynomial import Polynomial, added, multiplied


@dataclass
class Guards:
    """The sizes of a call by symbol, at least 2 and no two alike, and which of them were read."""

    sizes: dict[str, int] = field(default_factory=dict[str, int])
    read: set[str] = field(default_factory=set[str])
    _symbols: dict[int, str] = field(default_factory=dict[int, str])

    def symbol(self, number: int) -> str | int:
        """Return the symbol of a size, one for all that are equal; 0 and 1 are numbers."""
        if number < 2:
            return number
        if number not in self._symbols:
            symbol = self._symbols[number] = f"size{len(self._symbols)}"
            self.sizes[symbol] = number
        return self._symbols[number]

    def size(self, number: int) -> int:
        """Return the size of an axis, guarded."""
        symbol = self.symbol(number)
        if isinstance(symbol, int):
            return number
        return GuardedSize(number, Polynomial(0, (((symbol,), 1),)), self)

    def hold(self, sizes: Mapping[str, int]) -> bool:
        """Say whether what was made with these guards serves a call of other sizes."""
        return all(sizes[symbol] == self.sizes[symbol] for symbol in tuple(self.read))


def _reading(name: str) -> Any:
    """Return an operation on sizes that depends on their numbers."""

    def operation(self: GuardedSize, *others: Any) -> Any:
        return getattr(int, name)(self.read(), *map(_number, others))

    return operation


class GuardedSize(int):
    """A size that knows of which sizes of the call it was made; to read its number is noted.

    What follows for all sizes from how it was made, such as that it is not 1, is no reading.
    Python asks a float on its left first, which takes the number unnoted: sizes meet floats as
    `Dim.known`, or stand on the left.

    >>> guards = Guards()
    >>> batch = guards.size(128)
    >>> batch == 1, 2 * batch == batch + batch, guards.read
    (False, True, set())
    >>> batch < 200, sorted(guards.read)
    (True, ['size0'])
    """

    polynomial: Polynomial
    guards: Guards
    least: int | None
    """What it is at least, whatever the sizes of a call are; None where that is open."""

    def __new__(cls, number: int, polynomial: Polynomial, guards: Guards) -> GuardedSize:
        """Return a number that is what a polynomial of the sizes of a call is worth."""
        made = super().__new__(cls, number)
        made.polynomial, made.guards = polynomial, guards
        made.least = None
        if all(factor > 0 for _, factor in polynomial.terms):
            sizes = (factor * 2 ** len(of) for of, factor in polynomial.terms)
            made.least = polynomial.constant + sum(sizes)
        return made

    def read(self) -> int:
        """Return the number, noting that it was read."""
        self.guards.read.update(self.polynomial.symbols)
        return int.__int__(self)

    def at(self, sizes: Mapping[str, int]) -> int:
        """Return what it is worth at the sizes of another call."""
        return int(self.polynomial.evaluated(sizes))

    def _made(self, number: int, polynomial: Polynomial) -> int:
        if not polynomial.terms:
            return polynomial.constant
        if not polynomial.is_small:
            self.guards.read.update(polynomial.symbols)
            return number
        return GuardedSize(number, polynomial, self.guards)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return self.read() + other
        number = int.__add__(self, other)
        return self._made(number, added([(1, self.polynomial), (1, _polynomial(other))]))

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return self.read() * other
        number = int.__mul__(self, other)
        return self._made(number, multiplied(self.polynomial, _polynomial(other)))

    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return -1 * self

    def __sub__(self, other: Any) -> Any:
        return self + -1 * other

    def __rsub__(self, other: Any) -> Any:
        return other + -1 * self

    def __abs__(self) -> Any:
        return self if self >= 0 else -self

    def __bool__(self) -> bool:
        return self != 0

    def __hash__(self) -> int:
        return int.__hash__(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GuardedSize):
            if self.polynomial == other.polynomial:
                return True
            if None not in (self.polynomial.name, other.polynomial.name):
                return False  # no two symbols are of one size
            return self.read() == other.read()
        if not isinstance(other, int):
            return NotImplemented
        return not self._is_past(other) and self.read() == other

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __gt__(self, other: Any) -> bool:
        return self._is_past(other) or self.read() > _number(other)

    def __ge__(self, other: Any) -> bool:
        return self._is_past(other) or self.read() >= _number(other)

    def __lt__(self, other: Any) -> bool:
        return not self._is_past(other) and self.read() < _number(other)

    def __le__(self, other: Any) -> bool:
        return not self._is_past(other) and self.read() <= _number(other)

    def _is_past(self, other: Any) -> bool:
        """Say whether it is larger than a number, whatever the sizes of a call are."""
        return not isinstance(other, GuardedSize) and self.least is not None and self.least > other

    __int__ = __index__ = read
    __float__ = _reading("__float__")
    __truediv__, __rtruediv__ = _reading("__truediv__"), _reading("__rtruediv__")
    __floordiv__, __rfloordiv__ = _reading("__floordiv__"), _reading("__rfloordiv__")
    __mod__, __rmod__ = _reading("__mod__"), _reading("__rmod__")
    __divmod__, __rdivmod__ = _reading("__divmod__"), _reading("__rdivmod__")
    __pow__, __rpow__ = _reading("__pow__"), _reading("__rpow__")


def _number(value: Any) -> Any:
    return value.read() if isinstance(value, GuardedSize) else value


def _polynomial(value: int) -> Polynomial:
    return value.polynomial if isinstance(value, GuardedSize) else Polynomial(value)
