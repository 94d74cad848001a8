"""How long axes are, and up to where an index runs that reads only a part of one."""

from __future__ import annotations

from collections.abc import Iterable

from lossdsl.formula.arithmetic import multiplied, summed
from lossdsl.formula.math import Math, Number, Relation, Symbol
from lossdsl.types.types import Dim, combine_dims

RUN = "*"
"""What the symbol of an axis begins with that stands for a run of axes."""

Read = tuple[Math, Dim]
"""A place at which an input is read, and the length of the axis there."""


def is_run(dim: Dim) -> bool:
    """Whether an axis stands for a run, whose place goes without saying."""
    return (dim.name or "").startswith(RUN)


def size(dim: Dim) -> Math | None:
    """Return the number of elements along an axis, None where its type does not say it.

    >>> from lossdsl.formula.unicode import text
    >>> from lossdsl.types.types import symbol_dim
    >>> text(size(combine_dims([(1, symbol_dim("N"))], -1)))
    'N − 1'
    """
    if dim.constant is None or is_run(dim):
        return None
    terms = [
        (factor < 0, multiplied([Number(abs(factor)), *(Symbol(bare(name)) for name in symbols)]))
        for symbols, factor in dim.terms
    ]
    return summed([*terms, (dim.constant < 0, Number(abs(dim.constant)))])


def bare(symbol: str) -> str:
    """Return a symbol as the text has it: those of an expanded definition are numbered."""
    return symbol.partition("@")[0]


def limit(index: Math, dim: Dim, reads: Iterable[Read]) -> Math | None:
    """Return up to where an index runs, if what is read with it does not say so.

    In the sum of x_{n+1} − x_n there is no doubt, in that of x_n over a part of x there is; of an
    index that nothing is read with, its letter says it.
    """
    stop = size(dim)
    along = [(place, length) for place, length in reads if _follows(place, index)]
    if stop is None or any(_ends(place, length, index, dim) for place, length in along):
        return None
    if not along and isinstance(index, Symbol) and dim.name == index.name.upper():
        return None
    return Relation(index, (("<", stop),))


def _follows(place: Math, index: Math) -> bool:
    from lossdsl.formula.math import below

    return any(part == index for part in below(place))


def _ends(place: Math, length: Dim, index: Math, dim: Dim) -> bool:
    """Whether the last element of an axis is read where an index has its last value."""
    if place == index:
        return length.constant is not None and length.polynomial == dim.polynomial
    reach = combine_dims([(1, length), (-1, dim)])
    if reach.constant is None or reach.terms or reach.constant <= 0:
        return False
    return place == summed([(False, index), (False, Number(reach.constant))])
