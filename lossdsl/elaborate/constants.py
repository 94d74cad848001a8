"""Constants: literals, sizes as values, and what two literals are worth together."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import replace

from lossdsl.core.graph import Const
from lossdsl.elaborate.context import Site
from lossdsl.infer.arguments import Value
from lossdsl.infer.statics import static_dim
from lossdsl.polynomial import divided
from lossdsl.source import Span
from lossdsl.types.dims import divide_dims
from lossdsl.types.types import (
    LITERAL,
    UNKNOWN_DIM,
    ArrayType,
    Dim,
    UnknownType,
    combine_dims,
    literal_dim,
    product_dim,
    scalar,
)

Number = int | float | bool

# What two literals are worth, so that a constant is computed once and at full precision.
FOLDS: dict[str, Callable[..., Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "neg": lambda a: -a,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": operator.not_,
}


def literal(site: Site, value: Number) -> Value:
    """Return a constant, which takes the dtype of the array it meets."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**31) <= value < 2**31:
        return site.error(
            "LD502",
            f"`{value}` does not fit a 32-bit integer",
            help=f"write it as a float: `{float(value)!r}`" if abs(value) < 1e300 else None,
        )
    if (
        isinstance(value, float)
        and math.isinf(value)
        and site.span.text.strip("+-") not in ("inf", "")
    ):
        return site.error("LD501", f"`{site.span.text}` overflows a float")
    dtype = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "float"
    type = scalar(dtype, LITERAL)
    return site.value(site.graph.const(value, type), type)


def dim_value(site: Site, dim: Dim, sizes: frozenset[Dim] = frozenset()) -> Value:
    """Return a size as a value: a literal where it is known."""
    type = scalar("int", LITERAL)
    size = dim.known
    node = site.graph.const(dim if size is None else size, type, sizes or _sizes(dim))
    return site.value(node, type)


def _sizes(dim: Dim) -> frozenset[Dim]:
    return frozenset({dim} if dim.terms else ())


def _sizes_of(*values: Value) -> frozenset[Dim]:
    """Return the dims that constants were computed from; what comes of them is none of them."""
    sizes = (value.node.sizes for value in values if isinstance(value.node, Const))
    return frozenset(replace(dim, size=None) for dim in frozenset[Dim]().union(*sizes))


# The highest power of a size that is a size itself.
_HIGHEST = 16


def fold(
    site: Site, symbol: str, left: tuple[Value, Span], right: tuple[Value, Span]
) -> Value | None:
    """Return what an operator between two constants is worth; None if one is no constant."""
    a, b = left[0], right[0]
    if isinstance(a.type, UnknownType) or isinstance(b.type, UnknownType) or symbol not in FOLDS:
        return None
    match b.node:
        case Const(int() | float() as by) if symbol in ("/", "//", "%") and by == 0:
            if not isinstance(by, bool):
                return site.at(right[1]).error("LD503", "division by zero")
        case _:
            pass
    size = _fold_sizes(site, symbol, (a, b))
    match a.node, b.node:
        case Const(int() | float() as x), Const(int() | float() as y) if size is None:
            folded = _fold_numbers(site, symbol, (x, y), right[1])
            return constant(site, folded, _sizes_of(a, b)) if isinstance(folded, Number) else folded
        case _:
            return size


def _fold_numbers(
    site: Site, symbol: str, numbers: tuple[Number, Number], right: Span
) -> Number | Value | None:
    """Return what an operator between numbers is worth; None if it takes no such numbers."""
    x, y = numbers
    kinds = {isinstance(number, bool) for number in numbers}
    if kinds != {symbol in ("and", "or")} and (kinds != {True} or symbol not in ("==", "!=")):
        return None
    if symbol == "**" and abs(y) > site.context.limits.exponent:
        message = f"a constant exponent is at most {site.context.limits.exponent}"
        return site.at(right).error("LD605", message)
    try:
        result = FOLDS[symbol](x, y)
    except ZeroDivisionError:
        return site.at(right).error("LD503", "division by zero")
    except OverflowError:
        return site.error("LD501", "this constant overflows a float")
    if isinstance(result, complex):
        return site.error("LD503", "a power of a negative number with a fraction")
    if math.isinf(result) and not any(map(math.isinf, numbers)):
        return site.error("LD501", "this constant overflows a float")
    return result


def _fold_sizes(site: Site, symbol: str, sizes: tuple[Value, Value]) -> Value | None:
    """Return what arithmetic of sizes gives; None where no size takes part, or no size is made."""
    p, q = map(static_dim, sizes)
    if p is None or q is None or not (is_size(sizes[0]) or is_size(sizes[1])):
        return None
    dim = _arithmetic(symbol, p, q)
    if dim is not None and dim.constant is not None:
        return dim_value(site, dim)
    # Other arithmetic of sizes is a size that is known only when they are.
    if dim is None or (p.known is not None and q.known is not None):
        return None
    return dim_value(site, UNKNOWN_DIM, _sizes_of(*sizes))


def vector(site: Site, dims: tuple[Dim, ...]) -> Value:
    """Return sizes as a constant vector, whose numbers are known where the sizes are."""
    type = ArrayType("int", (literal_dim(len(dims)),), LITERAL)
    numbers = tuple(dim if dim.known is None else dim.known for dim in dims)
    sizes = frozenset(replace(dim, size=None) for dim in dims if dim.terms)
    node = site.graph.const(numbers, type, sizes)
    return site.value(node, type)


def is_size(value: Value) -> bool:
    """Say whether a constant is made of dims, and no plain number."""
    match value.node:
        case Const(number, sizes):
            return bool(sizes) or isinstance(number, Dim)
        case _:
            return False


def _arithmetic(symbol: str, p: Dim, q: Dim) -> Dim | None:
    """Return a size that is made of two, unknown where it is no polynomial; None for no size."""
    match symbol:
        case "+" | "-":
            return combine_dims([(1, p), (1 if symbol == "+" else -1, q)])
        case "*":
            return product_dim((p, q))
        case "//":
            exact = divided(p.polynomial, q.polynomial)
            return UNKNOWN_DIM if exact is None else divide_dims(p, q)
        case "%":
            return UNKNOWN_DIM
        case "**" if not q.terms and q.constant is not None and 0 <= q.constant <= _HIGHEST:
            return product_dim([p] * q.constant)
        case "**":
            return UNKNOWN_DIM
        case _:
            return None


def constant(site: Site, value: Number, sizes: frozenset[Dim] = frozenset()) -> Value:
    """Return a computed constant, with the dims that it was computed from."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**31:
        return site.error(
            "LD502",
            "this constant does not fit a 32-bit integer",
            help="write one of its numbers as a float",
        )
    dtype = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "float"
    type = scalar(dtype, LITERAL)
    return site.value(site.graph.const(value, type, sizes), type)
