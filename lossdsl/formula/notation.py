"""How the functions are written that mathematics has a notation for.

Everything else is written by its name, so that a new function needs no entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lossdsl.formula.arithmetic import exponential, multiplied, negated, raised, summed
from lossdsl.formula.conditions import cases
from lossdsl.formula.math import (
    ONE,
    TWO,
    ZERO,
    Apply,
    Fence,
    Math,
    Number,
    Operator,
    Relation,
    Root,
)
from lossdsl.formula.notation_arrays import ARRAYS
from lossdsl.formula.notation_axes import AXES
from lossdsl.formula.parameters import Bound
from lossdsl.formula.translate import Notation, Places, Reader


def _elementwise(build: Callable[..., Math]) -> Notation:
    """Return the notation of a function of single elements, built from its operands."""

    def notation(reader: Reader, bound: Bound, places: Places) -> Math:
        return build(*(reader.part(operand, places) for operand in bound.operands))

    return notation


def _square(x: Math) -> Math:
    return raised(x, TWO)


def _softplus(x: Math) -> Math:
    return Operator("log", summed([(False, ONE), (False, exponential(x))]))


def _where(held: Math, value: Math, rest: Math) -> Math:
    return cases(value, held, rest)


def _clip(x: Math, low: Math, high: Math) -> Math:
    return Apply("clip", (x, low, high))


def _chosen(name: str) -> Callable[..., Math]:
    return lambda a, b: Apply(name, (b, a) if isinstance(b, Number) else (a, b))


def _elu(x: Math, alpha: Math = ONE) -> Math:
    below = multiplied([alpha, summed([(False, exponential(x)), (True, ONE)])])
    return cases(x, Relation(x, ((">", ZERO),)), below)


def _named(name: str) -> Callable[..., Math]:
    return lambda x: Operator(name, x)


NOTATION: Mapping[str, Notation] = {
    "abs": _elementwise(lambda x: Fence("abs", x)),
    "square": _elementwise(_square),
    "sqrt": _elementwise(Root),
    "exp": _elementwise(exponential),
    "log": _elementwise(_named("log")),
    "log1p": _elementwise(lambda x: Operator("log", summed([(False, ONE), (False, x)]))),
    "expm1": _elementwise(lambda x: summed([(False, exponential(x)), (True, ONE)])),
    "sin": _elementwise(_named("sin")),
    "cos": _elementwise(_named("cos")),
    "tanh": _elementwise(_named("tanh")),
    "sigmoid": _elementwise(lambda x: Apply("sigma", (x,))),
    "log_sigmoid": _elementwise(lambda x: Operator("log", Apply("sigma", (x,)))),
    "softplus": _elementwise(_softplus),
    "relu": _elementwise(lambda x: Apply("max", (ZERO, x))),
    "silu": _elementwise(lambda x: multiplied([x, Apply("sigma", (x,))])),
    "elu": _elementwise(_elu),
    "maximum": _elementwise(_chosen("max")),
    "minimum": _elementwise(_chosen("min")),
    "clip": _elementwise(_clip),
    "where": _elementwise(_where),
    "floor": _elementwise(lambda x: Fence("floor", x)),
    "round": _elementwise(lambda x: Fence("round", x)),
    "weigh": _elementwise(lambda weight, x: multiplied([weight, x])),
    "nan_unless": _elementwise(lambda condition, x: x),
    "xlogy": _elementwise(lambda x, y: multiplied([x, Operator("log", y)])),
    "entr": _elementwise(lambda x: negated(multiplied([x, Operator("log", x)]))),
    "gammaln": _elementwise(lambda x: Operator("log", Apply("Gamma", (x,)))),
    "stop_gradient": _elementwise(lambda x: Apply("sg", (x,))),
    **AXES,
    **ARRAYS,
}
