"""Sizes: polynomials of rigid symbols, each with its concrete size where that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import reduce
from math import inf, isqrt

from lossdsl.frozen import dataclass
from lossdsl.polynomial import Polynomial, Terms, added, divided, multiplied, split, text
from lossdsl.types.size_guards import GuardedSize


@dataclass(frozen=True, slots=True)
class Dim:
    """A size: a constant plus products of rigid symbols; `constant=None` is an unknown size.

    At trace time a dim keeps its symbols beside its concrete `size`. A `growable` dim was made by
    `None`, `keepdims` or `broadcast`, and may grow together with the other operand. Inside an
    expanded definition its symbols end in `@` and a number, so that no two calls share one.
    """

    constant: int | None = None
    terms: Terms = ()
    size: int | None = None
    growable: bool = False

    @property
    def name(self) -> str | None:
        """The symbol, when the dim is just one symbol."""
        return None if self.constant is None else self.polynomial.name

    @property
    def known(self) -> int | None:
        """The size as a number, when it is known; at a call, that it was read is noted."""
        size = self.carried
        return size.read() if isinstance(size, GuardedSize) else size

    @property
    def carried(self) -> int | None:
        """The size to make others of, or to pass on, when it is known; it is not read yet."""
        return self.size if self.terms else self.constant

    def at(self, sizes: Mapping[str, int]) -> int | None:
        """Return the size at a call of these sizes, by symbol, when it is known."""
        size = self.carried
        return size.at(sizes) if isinstance(size, GuardedSize) else size

    def sized(self, sizes: Mapping[str, int]) -> Dim:
        """Return the dim with the size that it has at a call of these sizes."""
        at_call = self.at(sizes)
        if at_call is None:
            return self
        return replace(self, size=at_call) if self.terms else replace(self, constant=at_call)

    @property
    def is_one(self) -> bool:
        """Whether this is the literal size 1; a symbol that happens to be 1 is not."""
        return self.constant == 1 and not self.terms

    @property
    def most(self) -> float:
        """What the size is at most, where no axis is empty; infinite where that is open."""
        if self.carried is not None:
            return self.carried
        if self.constant is None or any(factor > 0 for _, factor in self.terms):
            return inf
        return self.constant + sum(factor for _, factor in self.terms)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that the size is made of, each once."""
        return self.polynomial.symbols

    @property
    def polynomial(self) -> Polynomial:
        """The size without what is known of it at a call; of an unknown one 0."""
        return Polynomial(self.constant or 0, self.terms)

    def __str__(self) -> str:
        if self.constant is None:
            return "_"
        written = text(self.polynomial, lambda symbol: symbol.partition("@")[0])
        return f"{written}={self.size}" if self.terms and self.size is not None else written


UNKNOWN_DIM = Dim()


def literal_dim(size: int) -> Dim:
    """Return the dim of a number."""
    return Dim(size)


def symbol_dim(symbol: str, size: int | None = None) -> Dim:
    """Return the dim of a bare symbol."""
    return Dim(0, (((symbol,), 1),), size)


def _sized(of: Polynomial, size: int | None) -> Dim:
    """Return a polynomial as a dim of a size; one that grows too large is its size alone."""
    # How large a size of a call has become is not read: it is one of few symbols.
    written = Polynomial(0, of.terms) if isinstance(of.constant, GuardedSize) else of
    if not written.is_small:
        return UNKNOWN_DIM if size is None else literal_dim(size)
    return Dim(of.constant, of.terms, size if of.terms else None)


def combine_dims(parts: Iterable[tuple[int, Dim]], constant: int = 0) -> Dim:
    """Return the sum of coefficient times dim, plus a constant."""
    terms: list[tuple[int, Polynomial]] = []
    size: int | None = constant
    for factor, dim in parts:
        if dim.constant is None:
            return UNKNOWN_DIM
        size = None if size is None or dim.carried is None else size + factor * dim.carried
        terms.append((factor, dim.polynomial))
    return _sized(added(terms, constant), size)


def product_dim(dims: Iterable[Dim]) -> Dim:
    """Return the product of sizes, such as the number of elements of a shape.

    >>> str(product_dim([symbol_dim("B", 4), Dim(2), symbol_dim("T", 3)]))
    '2*B*T=24'
    """
    return reduce(_multiply, dims, literal_dim(1))


def _multiply(a: Dim, b: Dim) -> Dim:
    if a.constant is None or b.constant is None:
        return UNKNOWN_DIM
    size = None if a.carried is None or b.carried is None else a.carried * b.carried
    return _sized(multiplied(a.polynomial, b.polynomial), size)


def divide_dims(a: Dim, b: Dim) -> Dim | None:
    """Return the size that times `b` is `a`; None if there is none, unknown if that is open.

    >>> b, h = symbol_dim("B"), symbol_dim("H")
    >>> str(divide_dims(product_dim([b, h]), h)), divide_dims(Dim(7), Dim(2))
    ('B', None)
    """
    if a.constant is None or b.constant is None:
        return UNKNOWN_DIM
    size = None
    if a.carried is not None and b.carried:
        size, rest = divmod(a.carried, b.carried)
        if rest:
            return None
    exact = divided(a.polynomial, b.polynomial)
    if exact is not None:
        return _sized(exact, size)
    return UNKNOWN_DIM if size is None else literal_dim(size)


def substitute(of: Polynomial, value: Callable[[str], Dim]) -> Dim:
    """Return a polynomial with dims in place of its symbols."""
    if of.name is not None:
        return value(of.name)
    parts = ((factor, product_dim(map(value, product))) for product, factor in of.terms)
    return combine_dims(parts, of.constant)


def solve(of: Polynomial, symbol: str, value: Callable[[str], Dim], total: Dim) -> Dim | None:
    """Return the size of a symbol for which a polynomial is a total; None if there is none.

    Every other symbol has a value. What decides nothing, such as a product with 0, is unknown.
    """
    if of.name is not None:
        return None if total.most < 0 else total
    parts = split(of, symbol)
    if parts is None:
        return UNKNOWN_DIM
    factor, rest = (substitute(part, value) for part in (parts[0], parts[2]))
    left = combine_dims([(1, total), (-1, rest)])
    if factor.carried == 0:
        return UNKNOWN_DIM if left.carried in (0, None) else None
    size = divide_dims(left, factor)
    size = size and _root(size, parts[1])
    return None if size is None or size.most < 0 else size


def _root(dim: Dim, power: int) -> Dim | None:
    """Return the size whose power is a size; None if there is none, unknown if that is open."""
    if power == 1 or dim.constant is None:
        return dim
    match dim.terms:
        case ((product, 1),) if dim.constant == 0 and len(set(product)) == 1:
            if len(product) % power == 0:
                taken = product[: len(product) // power]
                size = None if dim.known is None else _whole_root(dim.known, power)
                return Dim(0, ((taken, 1),), size)
        case _:
            pass
    if dim.known is None:
        return UNKNOWN_DIM
    root = _whole_root(dim.known, power)
    return None if root is None else literal_dim(root)


def _whole_root(size: int, power: int) -> int | None:
    if size < 0:
        return None
    near = isqrt(size) if power == 2 else round(size ** (1 / power))
    return next((root for root in (near - 1, near, near + 1) if root**power == size), None)


def same_dim(a: Dim, b: Dim) -> bool | None:
    """Say whether two sizes are equal: by name where both are symbolic, else by size.

    None means that it cannot be known yet.

    >>> same_dim(symbol_dim("B", 4), symbol_dim("T", 4)), same_dim(symbol_dim("B", 4), Dim(4))
    (False, True)
    """
    if a.constant is None or b.constant is None:
        return None
    if a.terms and b.terms:
        return (a.constant, a.terms) == (b.constant, b.terms)
    if a.terms or b.terms:
        return a.carried is not None and a.carried == b.carried
    return a.constant == b.constant
