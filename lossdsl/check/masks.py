"""Masks and weights: lined up with the value that they belong to, and combined."""

from __future__ import annotations

from lossdsl.check.context import Context, Scope, Value
from lossdsl.check.core import Const
from lossdsl.check.operate import apply_elementwise
from lossdsl.source import Span
from lossdsl.types.types import (
    ArrayType,
    Dim,
    TreeType,
    UnknownType,
    array,
    kind,
    same_dim,
)

_ALIGNED = "`{}` has the leading dims of the value, or dims of the same names"
_CLASSES = "; `class_weight=` weighs classes"


def align(
    context: Context, scope: Scope, value: Value, target: ArrayType, span: Span, option: str
) -> Value | None:
    """Give a mask or weight the rank of its target, with size 1 where it does not vary.

    By dim name when both sides have names, else by the leading dims; sizes are exact. None after
    a diagnostic.
    """
    type = value.type
    assert isinstance(type, ArrayType)
    if type.dims == () or type.dims is None or target.dims is None:
        return value
    places = _places(type.dims, target.dims)
    if isinstance(places, str):
        mine, theirs = (", ".join(map(str, dims)) for dims in (type.dims, target.dims))
        context.error(
            scope,
            "LD212",
            f"`{option}` has {places}",
            span,
            f"[{mine}]",
            notes=(f"the value that is reduced is [{theirs}]",),
            help=_ALIGNED.format(option) + (_CLASSES if option == "weight" else ""),
        )
        return None
    order = tuple(sorted(range(len(places)), key=places.__getitem__))
    absent = tuple(at for at in range(len(target.dims)) if at not in places)
    if not absent and order == tuple(range(len(order))):
        return value
    dims = tuple(
        type.dims[places.index(at)] if at in places else Dim(1, wanted=True)
        for at in range(len(target.dims))
    )
    result = array(type.dtype, dims)
    node = context.graph.apply(
        scope.functions["align"], [value.node], result, {"order": order, "expand": absent}
    )
    return context.value(node, result, span, scope)


def _places(mine: tuple[Dim, ...], theirs: tuple[Dim, ...]) -> tuple[int, ...] | str:
    """Return the axis of the target for each axis of the mask, or what is wrong."""
    if all(dim.terms for dim in mine) and any(dim.terms for dim in theirs):
        found: list[int] = []
        for dim in mine:
            places = [at for at, one in enumerate(theirs) if one.terms and same_dim(dim, one)]
            free = [at for at in places if at not in found]
            if not free:
                return f"the dim `{dim}`, which the value lacks"
            found.append(free[0])
        return tuple(found)
    if len(mine) > len(theirs):
        return f"{len(mine)} dims where the value has {len(theirs)}"
    for at, (one, other) in enumerate(zip(mine, theirs, strict=False)):
        if same_dim(one, other) is False:
            return f"{one} elements along axis {at}, where the value has {other}"
    return tuple(range(len(mine)))


def as_mask(
    context: Context, scope: Scope, value: Value, target: Value, span: Span, option: str
) -> Value | None:
    """Return a mask or weight fitted to a target, which may be a tree; None if it keeps all."""
    match value.node:
        case Const(True) if not isinstance(value.type, UnknownType) and option == "where":
            return None
        case Const(int() | float() as weight) if option == "weight" and weight == 1:
            return None
        case _:
            pass
    if isinstance(value.type, ArrayType):
        wanted = kind(value.type.dtype) == "bool"
        if option == "where" and not wanted and kind(value.type.dtype) not in ("any", "num"):
            context.error(
                scope,
                "LD214",
                "`where` is true or false",
                span,
                str(value.type),
                help=f"compare it, such as `where={span.text} > 0`; `weight=` takes numbers",
            )
            return None
        if option == "weight" and wanted:
            context.error(
                scope,
                "LD216",
                "`weight` is a number; this is true or false",
                span,
                str(value.type),
                help=f"`where={span.text}`",
            )
            return None
        if isinstance(target.type, ArrayType):
            return align(context, scope, value, target.type, span, option)
        if isinstance(target.type, TreeType) and value.type.rank:
            context.error(
                scope,
                "LD206",
                f"`{option}` of a tree is a scalar or a tree of the same structure",
                span,
                str(value.type),
            )
            return None
    return value


def both(
    context: Context, scope: Scope, symbol: str, a: Value | None, b: Value | None, span: Span
) -> Value | None:
    """Combine two masks (`and`) or weights (`*`), either of which may be left out."""
    if a is None or b is None:
        return a if b is None else b
    function = scope.functions.operators[symbol]
    return apply_elementwise(context, scope, function, [(a, span), (b, span)], span)


def keep(context: Context, scope: Scope, mask: Value, value: Value, span: Span) -> Value:
    """Select the elements under a mask, with 0 elsewhere; the optimizer sinks it to the inputs."""
    function = scope.functions["keep"]
    fill: object = 0
    if isinstance(value.type, ArrayType) and kind(value.type.dtype) == "bool":
        fill = False
    elif not isinstance(value.type, ArrayType) or kind(value.type.dtype) == "float":
        fill = 0.0
    operands = [(mask, span), (value, span)]
    return apply_elementwise(context, scope, function, operands, span, {"fill": fill})


def nonzero(context: Context, scope: Scope, weight: Value, span: Span) -> Value:
    """Return the mask that a weight implies: where it is not 0."""
    from lossdsl.check.expressions import literal

    zero = literal(context, scope, 0, span)
    function = scope.functions.operators["!="]
    return apply_elementwise(context, scope, function, [(weight, span), (zero, span)], span)
