"""How the functions are written that mathematics has a notation for.

Everything else is written by its name, so that a new function needs no entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lossdsl.core.graph import Apply as Operation
from lossdsl.formula.arithmetic import divided, exponential, multiplied, negated, raised, summed
from lossdsl.formula.conditions import cases, joined, opposite
from lossdsl.formula.math import (
    ONE,
    TWO,
    ZERO,
    Apply,
    Fence,
    Fraction,
    Math,
    Number,
    Operator,
    Relation,
    Root,
)
from lossdsl.formula.notation_arrays import ARRAYS
from lossdsl.formula.notation_axes import AXES
from lossdsl.formula.notation_constraints import CONSTRAINTS
from lossdsl.formula.notation_reductions import REDUCTIONS
from lossdsl.formula.reader import Notation, Places, Reader
from lossdsl.formula.symbols import constant


def _elementwise(build: Callable[..., Math]) -> Notation:
    """Return the notation of a function of single elements, built from its operands."""

    def notation(reader: Reader, node: Operation, places: Places) -> Math:
        given = (operand for operand in node.arguments if operand is not None)
        return build(*(reader.part(operand, places) for operand in given))

    return notation


def _relation(sign: str) -> Notation:
    return _elementwise(lambda a, b: Relation(a, ((sign, b),)))


def _softplus(x: Math) -> Math:
    return Operator("log", summed([(False, ONE), (False, exponential(x))]))


def _clip(x: Math, low: Math, high: Math) -> Math:
    return Apply("clip", (x, low, high))


def _chosen(name: str) -> Callable[..., Math]:
    def build(a: Math, b: Math) -> Math:
        return a if a == b else Apply(name, (b, a) if isinstance(b, Number) else (a, b))

    return build


def _elu(x: Math, alpha: Math = ONE) -> Math:
    below = multiplied([alpha, summed([(False, exponential(x)), (True, ONE)])])
    return cases(x, Relation(x, ((">", ZERO),)), below)


def _named(name: str) -> Callable[..., Math]:
    return lambda x: Operator(name, x)


def _quotient(reader: Reader, node: Operation, places: Places) -> Math:
    """Return a chain of products and quotients as one quotient, as it is written."""
    above, under = list[Math](), list[Math]()
    while True:
        first, second = node.arguments
        assert first is not None and second is not None
        factors = above if node.function.operator == "*" else under
        factors.insert(0, reader.part(second, places))
        if not isinstance(first, Operation) or first.function.operator not in ("*", "/"):
            break
        places = reader.share(first, places)
        node = first
    above.insert(0, reader.part(first, places))
    top = multiplied(above)
    return divided(top, multiplied(under)) if under else top


def _kept(reader: Reader, node: Operation, places: Places) -> Math:
    """Return what a mask keeps: where the reduction around it says so, the value itself."""
    mask, value = node.arguments
    assert mask is not None and value is not None
    held = reader.part(value, places)
    fill = node.option("fill")
    if mask in reader.masks:
        return held
    return cases(
        held, reader.part(mask, places), constant(fill) if isinstance(fill, int | float) else ZERO
    )


def _mapped(reader: Reader, node: Operation, places: Places) -> Math:
    """Return a function of a leaf, where leaves are read one by one."""
    if not reader.leaves or node.option("at") is not None:
        return reader.named(reader, node, places)
    given = (operand for operand in node.arguments if operand is not None)
    return Apply(str(node.option("f")), tuple(map(reader.whole, given)))


NOTATION: Mapping[str, Notation] = {
    "add": _elementwise(lambda a, b: summed([(False, a), (False, b)])),
    "subtract": _elementwise(lambda a, b: summed([(False, a), (True, b)])),
    "multiply": _quotient,
    "divide": _quotient,
    "floordiv": _elementwise(lambda a, b: Fence("floor", divided(a, b))),
    "mod": _elementwise(lambda a, b: Apply("mod", (a, b))),
    "power": _elementwise(raised),
    "negative": _elementwise(negated),
    "less": _relation("<"),
    "less_equal": _relation("<="),
    "greater": _relation(">"),
    "greater_equal": _relation(">="),
    "equal": _relation("=="),
    "not_equal": _relation("!="),
    "logical_and": _elementwise(lambda *several: joined("and", several)),
    "logical_or": _elementwise(lambda *several: joined("or", several)),
    "logical_not": _elementwise(opposite),
    "abs": _elementwise(lambda x: Fence("abs", x)),
    "square": _elementwise(lambda x: raised(x, TWO)),
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
    "where": _elementwise(lambda held, value, rest: cases(value, held, rest)),
    "keep": _kept,
    "floor": _elementwise(lambda x: Fence("floor", x)),
    "round": _elementwise(lambda x: Fence("round", x)),
    "weigh": _elementwise(lambda weight, x: multiplied([weight, x])),
    "nan_unless": _elementwise(lambda condition, x: x),
    "surrogate": _elementwise(lambda x, forward, derivative: forward),
    "safe_divide": _elementwise(
        lambda x, y: cases(ZERO, Relation(y, (("==", ZERO),)), divided(x, y))
    ),
    "exprel": _elementwise(lambda x: Fraction(summed([(False, exponential(x)), (True, ONE)]), x)),
    "l0_share": _elementwise(
        lambda x, sigma: Fraction(
            raised(x, Number(4)), summed([(False, raised(x, Number(4))), (False, sigma)])
        )
    ),
    "xlogy": _elementwise(lambda x, y: multiplied([x, Operator("log", y)])),
    "entr": _elementwise(lambda x: negated(multiplied([x, Operator("log", x)]))),
    "gammaln": _elementwise(lambda x: Operator("log", Apply("Gamma", (x,)))),
    "stop_gradient": _elementwise(lambda x: Apply("sg", (x,))),
    "zeros": _elementwise(lambda x: ZERO),
    "cast": _elementwise(lambda x: x),
    "usable": _elementwise(lambda x: x),
    **AXES,
    **REDUCTIONS,
    **ARRAYS,
    **CONSTRAINTS,
    "map": _mapped,
}
"""By the name of the function."""
