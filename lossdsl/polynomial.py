"""Polynomials: sums of products of symbols with whole coefficients, the arithmetic of sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import groupby
from typing import Any

from lossdsl.frozen import dataclass

Monomial = tuple[str, ...]
"""A product of symbols in order, each as often as its power: `H**2*W` is `("H", "H", "W")`."""

Terms = tuple[tuple[Monomial, int], ...]
"""Products of at least one symbol with their coefficients, of which none is 0; see `_order`."""

# No size that someone means is larger; a text could nest products to any size.
_MOST_TERMS, _HIGHEST_DEGREE, _LARGEST = 64, 16, 2**63


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A constant plus products of symbols.

    >>> b, c = Polynomial(0, ((("B",), 1),)), Polynomial(0, ((("C",), 1),))
    >>> str(multiplied(added([(1, b)], -1), c)), str(multiplied(b, b))
    ('(B-1)*C', 'B**2')
    """

    constant: int = 0
    terms: Terms = ()

    @property
    def name(self) -> str | None:
        """The symbol, when there is nothing but one symbol."""
        match self:
            case Polynomial(0, (((symbol,), 1),)):
                return symbol
            case _:
                return None

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that occur, each once."""
        return tuple(dict.fromkeys(symbol for product, _ in self.terms for symbol in product))

    @property
    def is_small(self) -> bool:
        """Whether it may be multiplied further at no cost worth counting."""
        return (
            len(self.terms) <= _MOST_TERMS
            and all(len(product) <= _HIGHEST_DEGREE for product, _ in self.terms)
            and all(
                abs(coefficient) < _LARGEST
                for coefficient in (self.constant, *(k for _, k in self.terms))
            )
        )

    def evaluated(self, values: Mapping[str, Any]) -> Any:
        """Return what it is worth, in numbers or whatever else can be added and multiplied."""
        total: Any = self.constant
        for product, factor in self.terms:
            total = total + reduce(lambda a, symbol: a * values[symbol], product, factor)
        return total

    def __str__(self) -> str:
        return text(self)


def added(parts: Iterable[tuple[int, Polynomial]], constant: int = 0) -> Polynomial:
    """Return the sum of coefficient times polynomial, plus a constant."""
    terms = Counter[Monomial]({(): constant})
    for factor, part in parts:
        terms[()] += factor * part.constant
        for product, times in part.terms:
            terms[product] += factor * times
    return _collected(terms)


def multiplied(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return the product of two polynomials."""
    terms = Counter[Monomial]()
    for left, p in _all(a):
        for right, q in _all(b):
            terms[tuple(sorted((*left, *right)))] += p * q
    return _collected(terms)


def divided(a: Polynomial, b: Polynomial) -> Polynomial | None:
    """Return a polynomial that gives `a` when it is multiplied with `b`, if there is one.

    >>> b, c = Polynomial(0, ((("B",), 1),)), Polynomial(0, ((("C",), 1),))
    >>> str(divided(multiplied(b, c), c)), divided(b, c)
    ('B', None)
    """
    quotient, rest = Counter[Monomial](), a
    (first, by), *_ = (*_all(b), ((), 0))
    while rest != Polynomial() and by:
        (product, times), *_ = _all(rest)
        symbols = _without(product, first)
        if symbols is None or times % by or len(quotient) > _MOST_TERMS:
            return None
        quotient[symbols] += times // by
        rest = added([(1, rest), (-1, multiplied(b, _collected({symbols: times // by})))])
    return _collected(quotient) if by else None


def split(of: Polynomial, symbol: str) -> tuple[Polynomial, int, Polynomial] | None:
    """Return `factor`, `power` and `rest` of `factor*symbol**power + rest`; None if it is not so.

    >>> h, w = Polynomial(0, ((("H",), 1),)), Polynomial(0, ((("W",), 1),))
    >>> factor, power, rest = split(added([(3, multiplied(h, w))], 1), "W")
    >>> str(factor), power, str(rest)
    ('3*H', 1, '1')
    """
    powers = {product.count(symbol) for product, _ in of.terms} - {0}
    if len(powers) != 1:
        return None
    inside = {tuple(other for other in product if other != symbol): k
              for product, k in of.terms if symbol in product}  # fmt: skip
    rest = tuple((product, k) for product, k in of.terms if symbol not in product)
    return _collected(inside), powers.pop(), Polynomial(of.constant, rest)


def text(of: Polynomial, shown: Callable[[str], str] = str) -> str:
    """Return a polynomial as it is written: what all terms share stands outside of parentheses."""
    shared = _shared(of)
    if not shared or len(of.terms) == 1:
        return _sum(of, shown)
    inner = _collected({_without(product, shared) or (): k for product, k in of.terms})
    return f"({_sum(inner, shown)})*{_product(shared, shown)}"


def _shared(of: Polynomial) -> Monomial:
    """Return the symbols that every term has."""
    if of.constant or not of.terms:
        return ()
    counts = [Counter(product) for product, _ in of.terms]
    common = reduce(lambda a, b: a & b, counts)
    return tuple(sorted(common.elements()))


def _sum(of: Polynomial, shown: Callable[[str], str]) -> str:
    parts: list[str] = []
    for product, factor in of.terms:
        times = "" if abs(factor) == 1 else f"{abs(factor)}*"
        parts.append(f"{'-' if factor < 0 else '+'}{times}{_product(product, shown)}")
    if of.constant or not parts:
        parts.append(f"{of.constant:+d}")
    return "".join(parts).removeprefix("+")


def _product(symbols: Monomial, shown: Callable[[str], str]) -> str:
    powers = [(symbol, len(list(run))) for symbol, run in groupby(symbols)]
    return "*".join(f"{shown(symbol)}{f'**{n}' if n > 1 else ''}" for symbol, n in powers)


def _all(of: Polynomial) -> Terms:
    """Return every term, the constant last as one of no symbols."""
    return (*of.terms, *([((), of.constant)] if of.constant else []))


def _collected(terms: Mapping[Monomial, int]) -> Polynomial:
    nonzero = [(product, factor) for product, factor in terms.items() if factor and product]
    return Polynomial(terms.get((), 0), tuple(sorted(nonzero, key=_order)))


def _order(term: tuple[Monomial, int]) -> tuple[int, Monomial]:
    """The highest degree first, then by symbols: an order that products keep."""
    return -len(term[0]), term[0]


def _without(product: Monomial, part: Monomial) -> Monomial | None:
    """Return the symbols that are left when some are taken out; None if one is not there."""
    rest = Counter(product)
    rest.subtract(part)
    if any(count < 0 for count in rest.values()):
        return None
    return tuple(sorted(rest.elements()))
