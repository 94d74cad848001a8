"""Reductions and losses: axes, masks, weights and what a mean is divided by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lossdsl.check import expressions, masks
from lossdsl.check.axes import resolve_axes
from lossdsl.check.binding import Bound
from lossdsl.check.context import Context, Scope, Static, Value
from lossdsl.check.core import Const
from lossdsl.check.leaves import as_read, as_tree, usable
from lossdsl.check.names import did_you_mean
from lossdsl.check.operate import apply_elementwise, reduced_type
from lossdsl.check.refusals import dtype_problem
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.elementwise import DtypeProblem, result_dtype
from lossdsl.types.types import (
    ArrayType,
    Path,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    array,
    kind,
)

NORMALIZE = ("weight", "count", "all")
REDUCE = ("mean", "sum", "none")


@dataclass(frozen=True, slots=True)
class Options:
    """The evaluated options of one reduction; `divisor` is a scalar given as `normalize=`."""

    axis: ast.Expr | None = None
    keepdims: bool = False
    mask: Value | None = None
    weight: Value | None = None
    normalize: str = "weight"
    divisor: tuple[Value, Span] | None = None


def reduction_call(context: Context, scope: Scope, bound: Bound) -> Value:
    """Apply a reduction of the library with its options."""
    value, span = next(iter(bound.values.values()))
    assert isinstance(value, Value)
    value = _operand(context, scope, bound.function, value, span)
    mask = _option(context, scope, bound.options, "where", value)
    weight = _option(context, scope, bound.options, "weight", value)
    normalize, divisor = _normalize(context, scope, bound.options.get("normalize"))
    keepdims = _flag(context, scope, bound.options.get("keepdims"))
    options = Options(bound.options.get("axis"), keepdims, mask, weight, normalize, divisor)
    return reduce_value(context, scope, bound.function, (value, span), options, bound.span)


def _operand(context: Context, scope: Scope, function: Builtin, value: Value, span: Span) -> Value:
    wanted = function.signatures[0].parameters[0].type
    if isinstance(value.type, RecordType):
        value = as_tree(context, scope, value)
    if isinstance(wanted, ast.ArrayTypeExpr) and kind(wanted.dtype) == "bool":
        return usable(context, scope, value, span, integers=True)
    return as_read(context, scope, value, span)


def loss_call(
    context: Context,
    scope: Scope,
    bound: Bound,
    unreduced: Value,
    inner: Scope,
    defaults: Mapping[str, ast.Expr],
    outward: Callable[[Type], Type],
) -> Value:
    """Apply the options of a loss to its unreduced value.

    The definition's own defaults are expressions over its parameters; a call's mask is and-ed
    with them, its weight multiplied.
    """
    own_mask = _option(context, inner, defaults, "where", unreduced)
    own_weight = _option(context, inner, defaults, "weight", unreduced)
    value = Value(unreduced.node, outward(unreduced.type))
    mask = _option(context, scope, bound.options, "where", value)
    weight = _option(context, scope, bound.options, "weight", value)
    span = bound.span
    options = Options(
        axis=bound.options.get("axis"),
        mask=masks.both(context, scope, "and", _outer(own_mask, outward), mask, span),
        weight=masks.both(context, scope, "*", _outer(own_weight, outward), weight, span),
    )
    if "axis" in defaults and options.axis is None:
        options = replace(options, axis=defaults["axis"])
    where = bound.options.get("normalize")
    normal_scope = scope if where is not None else inner
    normalize, divisor = _normalize(context, normal_scope, where or defaults.get("normalize"))
    options = replace(options, normalize=normalize, divisor=divisor)
    reduce = _choice(context, scope, bound, defaults)
    if reduce == "none":
        return _unreduced(context, scope, value, options, span)
    return reduce_value(context, scope, scope.functions[reduce], (value, span), options, span)


def _outer(value: Value | None, outward: Callable[[Type], Type]) -> Value | None:
    return None if value is None else Value(value.node, outward(value.type))


def _choice(context: Context, scope: Scope, bound: Bound, defaults: Mapping[str, ast.Expr]) -> str:
    expr = bound.options.get("reduce") or defaults.get("reduce")
    if expr is None:
        return "mean"
    given = expressions.argument(context, scope, expr)
    if isinstance(given, Static) and given.value in REDUCE:
        return str(given.value)
    text = given.value if isinstance(given, Static) and isinstance(given.value, str) else ""
    context.error(
        scope,
        "LD112",
        '`reduce` is "mean", "sum" or "none"',
        expr.span,
        help=did_you_mean(text, REDUCE),
    )
    return "mean"


def _unreduced(context: Context, scope: Scope, value: Value, options: Options, span: Span) -> Value:
    """Return the value itself: 0 at masked elements, times its weights."""
    mask = options.mask
    if options.weight is not None:
        implied = masks.nonzero(context, scope, options.weight, span)
        mask = masks.both(context, scope, "and", implied, mask, span)
    if options.weight is not None:
        function = scope.functions.operators["*"]
        value = apply_elementwise(
            context, scope, function, [(options.weight, span), (value, span)], span
        )
    if mask is not None:
        value = masks.keep(context, scope, mask, value, span)
    return value


def _option(
    context: Context, scope: Scope, given: Mapping[str, ast.Expr], name: str, target: Value
) -> Value | None:
    expr = given.get(name)
    if expr is None or (isinstance(expr, ast.Literal) and expr.value is None):
        return None
    found = expressions.argument(context, scope, expr)
    if isinstance(found, Static) and found.value is None:
        return None
    value = found if isinstance(found, Value) else expressions.elaborate(context, scope, expr)
    return masks.as_mask(context, scope, value, target, expr.span, name)


def _normalize(
    context: Context, scope: Scope, expr: ast.Expr | None
) -> tuple[str, tuple[Value, Span] | None]:
    if expr is None:
        return "weight", None
    given = expressions.argument(context, scope, expr)
    if isinstance(given, Static):
        if given.value in NORMALIZE:
            return str(given.value), None
        context.error(
            scope,
            "LD112",
            '`normalize` is "weight", "count", "all" or a number',
            expr.span,
            help=did_you_mean(str(given.value), NORMALIZE),
        )
        return "weight", None
    value = given if isinstance(given, Value) else expressions.elaborate(context, scope, expr)
    if isinstance(value.type, ArrayType) and value.type.rank:
        context.error(scope, "LD204", "`normalize` is one number", expr.span, str(value.type))
        return "weight", None
    return "weight", (value, expr.span)


def _flag(context: Context, scope: Scope, expr: ast.Expr | None) -> bool:
    if expr is None:
        return False
    value = expressions.elaborate(context, scope, expr)
    match value.node:
        case Const(bool() as flag) if not isinstance(value.type, UnknownType):
            return flag
        case _:
            context.error(scope, "LD113", "`keepdims` is `true` or `false`", expr.span)
            return False


def reduce_value(
    context: Context,
    scope: Scope,
    function: Builtin,
    operand: tuple[Value, Span],
    options: Options,
    span: Span,
) -> Value:
    """Reduce a value; under a mask its elements are selected first."""
    value, value_span = operand
    if options.divisor is not None:
        by, by_span = options.divisor
        plain = replace(options, divisor=None)
        total = reduce_value(context, scope, scope.functions["sum"], operand, plain, span)
        divide = scope.functions.operators["/"]
        return apply_elementwise(context, scope, divide, [(total, span), (by, by_span)], span)
    problem = _wrong_operand(context, scope, function, value, value_span)
    if problem:
        return context.unknown()
    mask = options.mask
    if options.weight is not None:
        implied = masks.nonzero(context, scope, options.weight, span)
        mask = masks.both(context, scope, "and", implied, mask, span)
    if mask is not None:
        value = masks.keep(context, scope, mask, value, span)
    static = _axes(context, scope, function, value, options, span)
    if static is None:
        node = context.graph.apply(
            scope.functions["unresolved"], [value.node], UnknownType(), {"at": span.text}
        )
        return context.value(node, UnknownType(), span, scope)
    axes, result = static
    type = (
        _reduced(context, function, value.type, axes, options.keepdims)
        if result is None
        else result
    )
    operands = [value.node, None if mask is None else mask.node]
    given: dict[str, object] = {"axis": axes, "keepdims": options.keepdims}
    if function.weighted:
        operands.append(None if options.weight is None else options.weight.node)
        given["normalize"] = options.normalize
    node = context.graph.apply(function, operands, type, given)
    return context.value(node, type, span, scope)


def _wrong_operand(
    context: Context, scope: Scope, function: Builtin, value: Value, span: Span
) -> bool:
    pattern = function.signatures[0].parameters[0].type
    if isinstance(value.type, ArrayType) and isinstance(pattern, ast.ArrayTypeExpr):
        is_bool = kind(value.type.dtype) == "bool"
        if pattern.dtype == "bool" and not is_bool and kind(value.type.dtype) in ("int", "float"):
            problem = DtypeProblem(0, "bool", value.type.dtype)
            dtype_problem(context, scope, function.name, problem, [(value, span)])
            return True
    return False


def _axes(
    context: Context, scope: Scope, function: Builtin, value: Value, options: Options, span: Span
) -> tuple[tuple[int, ...] | None, Type | None] | None:
    """Return the axes of a reduction, and its type where every leaf is reduced on its own.

    None while the axes cannot be known.
    """
    match value.type:
        case UnknownType():
            if options.axis is None and not options.keepdims:
                return None, None
            return None
        case ArrayType(dims=dims):
            if options.axis is None:
                return None, None
            found = resolve_axes(context, scope, options.axis, dims, "axis")
            return None if found is None else (found.axes, None)
        case TreeType(leaves=leaves):
            if options.axis is None:
                return None, None
            if leaves is None:
                return None
            return _leaf_axes(context, scope, function, value.type, options)
        case RecordType():
            context.error(scope, "LD203", "a record cannot be reduced", span, str(value.type))
            return None


def _leaf_axes(
    context: Context, scope: Scope, function: Builtin, tree: TreeType, options: Options
) -> tuple[tuple[int, ...] | None, Type | None] | None:
    """Resolve the axes leaf by leaf: negative ones and runs differ with the rank."""
    assert options.axis is not None
    per_leaf: list[tuple[int, ...] | None] = []
    for _, leaf in tree.leaves or ():
        found = resolve_axes(context, scope, options.axis, leaf.dims, "axis")
        if found is None:
            return None
        per_leaf.append(found.axes)
    leaves: list[tuple[Path, ArrayType]] = []
    for (path, leaf), axes in zip(tree.leaves or (), per_leaf, strict=True):
        leaves.append((path, reduced_type(context, function, leaf, axes, options.keepdims)))
    return tuple(per_leaf), TreeType(None, tuple(leaves))  # type: ignore[return-value]


def _reduced(
    context: Context,
    function: Builtin,
    type: Type,
    axes: tuple[int, ...] | None,
    keepdims: bool,
) -> Type:
    match type:
        case ArrayType():
            return reduced_type(context, function, type, axes, keepdims)
        case TreeType(leaf, leaves):
            given = [one for _, one in leaves or ()] or ([] if leaf is None else [leaf])
            dtypes = {reduced_type(context, function, one, None, False).dtype for one in given}
            wide = "f64" if "f64" in dtypes else next(iter(sorted(dtypes)), context.default_float)
            return array(wide, ())
        case _:
            dtype = result_dtype(function.signatures[0])
            return array("i32" if dtype == "int" else dtype, ())
