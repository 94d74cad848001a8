"""What a value of core adds and multiplies, in whatever order, nesting and sign it is written."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lossdsl.core.graph import Apply, Const, Node
from lossdsl.core.pattern import bare
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin

# No formula has more addends or factors. Of what is shared there are twice as many at each level:
# where there would be more, the rest is left as it is.
MOST = 64

# What is multiplied, or divided by, with its operator.
Factor = tuple[str, Node]


@dataclass(frozen=True, slots=True)
class Part:
    """An addend of core: a number times a node, and that node as a number times factors."""

    scale: float
    node: Node
    inner: float
    factors: tuple[Factor, ...]


def head(node: Node) -> str:
    """Return what a value begins with: its operator, form or function."""
    return named(node.function) if isinstance(node, Apply) else ""


def named(function: Builtin) -> str:
    """Return the name of a function, the same for those of one form."""
    form = "" if function.form is None else function.form.name
    return function.operator or form or function.name


def parts(node: Node, whole: Collection[Node] = ()) -> list[Part]:
    """Return what a sum adds, each with the number that multiplies it."""
    made: list[Part] = []
    waiting = [(1.0, bare(node), True)]
    while waiting:
        scale, value, is_root = waiting.pop()
        match value:
            case Apply(Builtin(operator="+" | "-" as symbol), (a, b)) if (
                a and b and (is_root or value not in whole) and len(made) + len(waiting) < MOST
            ):
                second = scale if symbol == "+" else -scale
                waiting += [(second, bare(b), False), (scale, bare(a), False)]
            case Apply() if (times := scaled(value)) is not None:
                waiting.append((scale * times[0], bare(times[1]), False))
            case _:
                made.append(Part(scale, value, *factors_of(value)))
    return made


def scaled(node: Apply) -> tuple[float, Node] | None:
    """Return the number and the value that a product of a number is of."""
    match node:
        case Apply(Builtin(operator="neg"), (inner,)) if inner:
            return -1.0, inner
        case Apply(Builtin(operator="*"), (Const(int() | float() as number), inner)) if inner:
            return float(number), inner
        case Apply(Builtin(operator="*"), (inner, Const(int() | float() as number))) if inner:
            return float(number), inner
        case Apply(Builtin(operator="/"), (inner, Const(int() | float() as number))) if (
            inner and number
        ):
            return 1.0 / number, inner
        case _:
            return None


def factors_of(node: Node) -> tuple[float, tuple[Factor, ...]]:
    """Return a value as a number times its factors; `x*x` is one, as a square is."""
    scale, made = 1.0, list[Factor]()
    waiting = [("*", bare(node))]
    while waiting:
        symbol, value = waiting.pop()
        match value:
            case Const(int() | float() as number, sizes) if number and not sizes:
                scale = scale * number if symbol == "*" else scale / number
            case Apply(Builtin(operator="neg"), (a,)) if a:
                scale = -scale
                waiting.append((symbol, bare(a)))
            case Apply(Builtin(operator="*"), (a, b)) if (
                a and b and a is not b and len(made) + len(waiting) < MOST
            ):
                waiting += [(symbol, bare(b)), (symbol, bare(a))]
            case Apply(Builtin(operator="/"), (a, b)) if (
                a and b and len(made) + len(waiting) < MOST
            ):
                waiting += [(inverse((symbol, b))[0], bare(b)), (symbol, bare(a))]
            case _:
                made.append((symbol, value))
    return scale, tuple(made)


def inverse(factor: tuple[str, Any]) -> tuple[str, Any]:
    symbol, value = factor
    return ("*" if symbol == "/" else "/", value)
