"""How constraints are written: what each bound costs, and the total."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lossdsl.core.graph import Apply as Operation
from lossdsl.core.graph import Node
from lossdsl.formula.arithmetic import divided, exponential, multiplied, raised, summed
from lossdsl.formula.math import (
    ONE,
    TWO,
    ZERO,
    Apply,
    Big,
    Fence,
    Math,
    Operator,
    Relation,
)
from lossdsl.formula.reader import Notation, Places, Reader, operands


def _cost(reader: Reader, node: Operation, places: Places) -> Math:
    """Return what a bound costs by its distance; under some laws 0 for what is inside."""
    given = operands(node)
    x, bound, scale = (reader.part(given[name], places) for name in ("x", "bound", "scale"))
    law, side = node.option("law"), node.option("side")
    if law not in _LAWS:
        return reader.named(reader, node, places)
    distance, sign = {
        "lower": (summed([(False, bound), (True, x)]), "<"),
        "upper": (summed([(False, x), (True, bound)]), ">"),
        "equal": (Fence("abs", summed([(False, x), (True, bound)])), "!="),
    }[str(side)]
    strict = "=" if node.option("strict") and side != "equal" else ""
    past = Fence("holds", Relation(x, ((sign + strict, bound),)))
    return _LAWS[str(law)](divided(distance, scale), past)


def _positive(distance: Math) -> Math:
    return distance if isinstance(distance, Fence) else Apply("max", (ZERO, distance))


_LAWS: Mapping[str, Callable[[Math, Math], Math]] = {
    "exp": lambda distance, past: multiplied([past, exponential(distance)]),
    "hinge": lambda distance, _: _positive(distance),
    "quadratic": lambda distance, _: raised(_positive(distance), TWO),
    "softplus": lambda distance, _: Operator(
        "log", summed([(False, ONE), (False, exponential(distance))])
    ),
}


def _total(reader: Reader, node: Operation, places: Places) -> Math:
    """Return the sum of what all elements cost."""
    if node.option("reduce") != "sum":
        return reader.named(reader, node, places)
    costs = [cost for cost in node.arguments if cost is not None]
    return summed([(False, _summed(reader, cost)) for cost in costs])


def _summed(reader: Reader, cost: Node) -> Math:
    whole = reader.whole(cost)
    return whole if reader.dims(cost) == () else Big("sum", None, whole)


CONSTRAINTS: Mapping[str, Notation] = {
    "limit_cost": _cost,
    "bounds": _total,
    "penalty": _total,
}
