"""Bounds of a constraint: what one may be, and which of them leave no value in between."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lossdsl.analyze.constrained_leaves import held, positions
from lossdsl.core.graph import Const, Core
from lossdsl.diagnostics.diagnostic import Diagnostic, Label
from lossdsl.elaborate.context import Context, Limit, Scope
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Value
from lossdsl.types.types import ArrayType, TreeType, UnknownType, kind, same_dim

# The side of a bound, and whether touching it is allowed, by operator with the subject on the left.
SIDES = {
    ">=": ("lower", False),
    ">": ("lower", True),
    "<=": ("upper", False),
    "<": ("upper", True),
    "==": ("equal", False),
}


def has_shape_of_leaf(scope: Scope, limit: Limit) -> bool:
    """Say whether a bound is a scalar or has the shape of its leaf; report one that has not."""
    match limit.subject.type, limit.bound.type:
        case TreeType(leaves=leaves), ArrayType(dims=dims) if dims and leaves is not None:
            for path, leaf in leaves:
                sizes = leaf.dims or ()
                if len(sizes) != len(dims) or any(
                    same_dim(a, b) is False for a, b in zip(sizes, dims, strict=True)
                ):
                    scope.at(limit.bound_span).error(
                        "LD303",
                        f"the bound of `{'/'.join(path)}` is a scalar or has its shape",
                        str(limit.bound.type),
                        notes=(f"`{'/'.join(path)}` is {leaf}",),
                        help="select the leaves that it is for",
                    )
                    return False
        case _:
            pass
    return True


@dataclass(frozen=True, slots=True)
class _End:
    """The outermost value that a constant bound leaves to a leaf, and whether it is left out."""

    number: float
    strict: bool
    limit: Limit
    whole: bool


def hold_apart(scope: Scope, limits: Iterable[Limit]) -> None:
    """Refuse constant bounds between which there is no point; integer leaves take integers."""
    lower: dict[object, _End] = {}
    upper: dict[object, _End] = {}
    for limit in limits:
        number = _constant(limit.bound)
        if number is None:
            continue
        side, strict = SIDES[limit.operator]
        for key, whole in _leaves_of(scope.context, limit.subject):
            # Of two equal bounds the strict one is the tighter.
            if side != "upper":
                low = _lowest(limit, number, strict, whole)
                lower[key] = max(lower.get(key, low), low, key=lambda end: (end.number, end.strict))
            if side != "lower":
                high = _highest(limit, number, strict, whole)
                upper[key] = min(
                    upper.get(key, high), high, key=lambda end: (end.number, not end.strict)
                )
    for key, low in lower.items():
        high = upper.get(key)
        if high is None:
            continue
        if low.number > high.number or (low.number == high.number and (low.strict or high.strict)):
            _report(scope, low, high)
            return


def hold_program_apart(scope: Scope, core: Core) -> None:
    """Refuse crossed bounds of different calls: those that always hold intersect."""
    always = held(core) if len(scope.context.constraints) > 1 else ()
    together = [
        limit
        for call, limits in scope.context.constraints.items()
        if call in always
        for limit in limits
    ]
    hold_apart(scope, together)


def _constant(bound: Value) -> float | None:
    match bound.node:
        case Const(int() | float() as number) if not isinstance(bound.type, UnknownType):
            return float(number)
        case _:
            return None


def _lowest(limit: Limit, number: float, strict: bool, whole: bool) -> _End:
    if whole and math.isfinite(number):
        return _End(math.floor(number) + 1 if strict else math.ceil(number), False, limit, True)
    return _End(number, strict, limit, whole)


def _highest(limit: Limit, number: float, strict: bool, whole: bool) -> _End:
    if whole and math.isfinite(number):
        return _End(math.ceil(number) - 1 if strict else math.floor(number), False, limit, True)
    return _End(number, strict, limit, whole)


def _report(scope: Scope, lower: _End, upper: _End) -> None:
    low, high = _constant(lower.limit.bound), _constant(upper.limit.bound)
    assert low is not None and high is not None
    what = "integer" if lower.whole and low <= high else "value"
    if lower.limit is upper.limit:
        message, help, labels = f"no {what} is {high!r}", "the leaf holds integers", ()
    else:
        message = f"no {what} is between {low!r} and {high!r}"
        labels = (Label(lower.limit.bound_span, "the lower bound"),)
        if "==" in (lower.limit.operator, upper.limit.operator):
            help = "all bounds of a leaf hold at once"
        elif low > high:
            help = "swap the bounds"
        else:
            help = "use `>=` and `<=`" if low == high else "the leaf holds integers"
    primary = Label(upper.limit.bound_span, "the upper bound" if labels else "", primary=True)
    scope.report(Diagnostic("LD302", message, (primary, *labels), help=help))


def _leaves_of(context: Context, subject: Value) -> list[tuple[object, bool]]:
    """Return what identifies the leaves of a subject, and whether each holds integers.

    That is the place in an input, or the selection itself while leaves are not known.
    """
    match subject.type:
        case TreeType(leaves=leaves) if leaves is not None:
            whole = [kind(leaf.dtype) == "int" for _, leaf in leaves]
        case ArrayType(dtype=dtype):
            whole = [kind(dtype) == "int"]
        case _:
            whole = [False]
    location = positions(context.graph, subject.node)
    if location is None or len(location[1]) != len(whole):
        return [(subject.node, all(whole))]
    name, places = location
    return [((name, place), is_whole) for place, is_whole in zip(places, whole, strict=True)]
