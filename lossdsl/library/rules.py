"""Types that no signature can say: what a rule is given, what it returns, and shared steps.

A rule is a function from the types and static options of one call to the type of its result, or
to the problem that stands in the way. It sees dims that may be symbols or unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from lossdsl.frozen import dataclass
from lossdsl.types.types import ArrayType, Dim, Type, array, promote, same_dim

Dims = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class RuleCall:
    """One call as a rule sees it.

    `types` has the type of each operand by parameter (a tuple for a variadic one, None where an
    optional one is left out); `statics` has the options: `static int` and the entries of a shape
    as `Dim`, an axis as a number from 0, axes as a tuple of them or None for all.
    """

    types: Mapping[str, Type | tuple[Type, ...] | None]
    statics: Mapping[str, object]

    def array(self, name: str) -> ArrayType:
        """Return the type of an operand that is an array."""
        return cast("ArrayType", self.types[name])

    def arrays(self, name: str) -> tuple[ArrayType, ...]:
        """Return the types of the arrays given for a variadic parameter."""
        return cast("tuple[ArrayType, ...]", self.types[name])

    def axes(self, name: str) -> tuple[int, ...] | None:
        """Return the axes given for a parameter; None stands for all."""
        value = self.statics.get(name)
        return (value,) if isinstance(value, int) else cast("tuple[int, ...] | None", value)

    def number(self, name: str) -> Dim:
        """Return the size given for a static integer."""
        return cast("Dim", self.statics[name])

    def shape(self, name: str) -> Dims:
        """Return the sizes given for a shape."""
        return cast("Dims", self.statics[name])


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands in the way of a result; `parameter` names the argument at fault."""

    code: str
    message: str
    help: str | None = None
    parameter: str | None = None


Ruling = ArrayType | Problem


def result(like: ArrayType, dims: Dims | None, dtype: str | None = None) -> ArrayType:
    """Return the type of a computed array with the dtype of an operand."""
    return array(dtype or like.dtype, dims)


def joined(types: Sequence[ArrayType]) -> str:
    """Return the dtype in which arrays meet."""
    return promote(types)[0]


def position(axis: Dim, rank: int, name: str = "axis") -> int | Problem:
    """Return an axis, given from either end, as a number from 0."""
    at = axis.known
    if at is None or not -rank <= at < rank:
        return Problem("LD207", f"no axis {axis} in an array of rank {rank}", parameter=name)
    return at % rank


def meet(a: Dim, b: Dim) -> Dim | None:
    """Return the size that two equal dims have, the more informative one; None if they differ."""
    if same_dim(a, b) is False:
        return None
    if a.constant is None:
        return b
    return b if b.terms and not a.terms else a


def meet_all(shapes: Sequence[Dims]) -> Dims | None:
    """Return the dims that shapes of one rank agree on; None if they do not."""
    met = list(shapes[0])
    for dims in shapes[1:]:
        for at, dim in enumerate(dims):
            common = meet(met[at], dim)
            if common is None:
                return None
            met[at] = common
    return tuple(met)


def show(dims: Dims) -> str:
    """Return dims as they are written in a type."""
    return "[" + ", ".join(map(str, dims)) + "]"
