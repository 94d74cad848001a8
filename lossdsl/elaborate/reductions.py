"""Reductions applied: elements selected under a mask, axes resolved, and the type that is left."""

from __future__ import annotations

from lossdsl.core.leaves import is_selection_of_input
from lossdsl.elaborate import masks
from lossdsl.elaborate.apply_elementwise import apply_elementwise
from lossdsl.elaborate.context import Context, Scope
from lossdsl.elaborate.floating import as_floats
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Value
from lossdsl.infer.axes import Axes, AxisArgument, AxisMismatch, resolve_axes
from lossdsl.infer.elementwise import result_dtype
from lossdsl.infer.explain import explain
from lossdsl.infer.explain_axes import explain_axes
from lossdsl.infer.mismatch import Mismatch, WrongDtype
from lossdsl.infer.reduction import infer_reduction
from lossdsl.library.declare import Builtin, of_form, of_operator
from lossdsl.library.forms import Form
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, KEEPDIMS, NORMALIZE, WEIGHT, WHERE
from lossdsl.types.types import (
    ArrayType,
    Path,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    array,
    kind,
    promote,
)


@dataclass(frozen=True, slots=True)
class Options:
    """The evaluated options of one reduction; `divisor` is a scalar given as `normalize=`."""

    axis: AxisArgument | None = None
    keepdims: bool = False
    mask: Value | None = None
    weight: Value | None = None
    normalize: str = "weight"
    divisor: tuple[Value, Span] | None = None


@dataclass(frozen=True, slots=True)
class Reduced:
    """The axes of a reduction and its type; a tree reduced leaf by leaf has axes for each leaf."""

    axes: tuple[int, ...] | tuple[tuple[int, ...] | None, ...] | None
    type: Type


def reduce_value(
    context: Context,
    scope: Scope,
    function: Builtin,
    operand: tuple[Value, Span],
    options: Options,
    span: Span,
) -> Value:
    """Reduce a value; a mean with a divisor of its own is a sum, divided."""
    if options.divisor is None:
        return _apply(context, scope, function, operand, options, span)
    total = _apply(context, scope, of_form(Form.SUM), operand, options, span)
    divide = of_operator("/")
    return apply_elementwise(context, scope, divide, [(total, span), options.divisor], span)


def unreduced(context: Context, scope: Scope, value: Value, options: Options, span: Span) -> Value:
    """Return the value itself: 0 at masked elements, times its weights."""
    mask = _kept(context, scope, options, span)
    if options.weight is not None:
        function = of_operator("*")
        operands = [(options.weight, span), (value, span)]
        value = apply_elementwise(context, scope, function, operands, span, name=WEIGHT)
    return _selected(context, scope, value, mask, options, span)


def _apply(
    context: Context,
    scope: Scope,
    function: Builtin,
    operand: tuple[Value, Span],
    options: Options,
    span: Span,
) -> Value:
    """Apply a reduction to what its mask keeps."""
    value, value_span = operand
    if _is_wrong_operand(context, scope, function, value, value_span):
        return context.unknown()
    mask = _kept(context, scope, options, span)
    value = _selected(context, scope, value, mask, options, span)
    kinds = {kind(array_type.dtype) for array_type in masks.arrays_of(value.type)}
    floats = result_dtype(function.signatures[0]) == "float" or kinds >= {"int", "float"}
    if options.weight is not None or floats:
        value = as_floats(context, scope, value, context.default_float, span)
    before = len(context.diagnostics)
    reduced = _reduced(context, scope, function, value, options, span)
    operands = [value.node, None if mask is None else mask.node]
    given: dict[str, object] = {KEEPDIMS: options.keepdims}
    if function.weighted:
        operands.append(None if options.weight is None else options.weight.node)
        given[NORMALIZE] = options.normalize
    if reduced is None:
        # A tree stays one while its leaves are not known.
        axes = None if options.axis is None else options.axis.written
        is_tree = isinstance(value.type, TreeType) and len(context.diagnostics) == before
        type = TreeType() if is_tree else UnknownType()
        node = context.graph.apply(function, operands, type, given | {AXIS: axes}, True)
        return context.value(node, type, span, scope)
    given[AXIS] = reduced.axes
    node = context.graph.apply(function, operands, reduced.type, given)
    return context.value(node, reduced.type, span, scope)


def _is_wrong_operand(
    context: Context, scope: Scope, function: Builtin, value: Value, span: Span
) -> bool:
    pattern = function.signatures[0].parameters[0].type
    if isinstance(pattern, ast.ArrayTypeExpr) and pattern.dtype == "bool":
        dtypes = [array_type.dtype for array_type in masks.arrays_of(value.type)]
        wrong = next((dtype for dtype in dtypes if kind(dtype) in ("int", "float")), None)
        if wrong is not None:
            mismatch = Mismatch(WrongDtype(0, "bool", wrong), (value.type,))
            context.report(explain(mismatch, function.name, [span]), scope)
            return True
    return False


def _kept(context: Context, scope: Scope, options: Options, span: Span) -> Value | None:
    """Return which elements count: those under the mask whose weight is not 0."""
    if options.weight is None:
        return options.mask
    implied = masks.nonzero(context, scope, options.weight, span)
    return masks.both(context, scope, "and", implied, options.mask, span, WHERE)


def _selected(
    context: Context,
    scope: Scope,
    value: Value,
    mask: Value | None,
    options: Options,
    span: Span,
) -> Value:
    if mask is None:
        return value
    option = WHERE if options.weight is None else WEIGHT
    return masks.keep(context, scope, mask, value, span, option)


def _reduced(
    context: Context, scope: Scope, function: Builtin, value: Value, options: Options, span: Span
) -> Reduced | None:
    """Return the axes and the type of a reduction.

    None while the axes cannot be known, and after a diagnostic.
    """
    axis, keep = options.axis, options.keepdims
    match value.type:
        case ArrayType() as type:
            resolved = _resolved(context, scope, axis, type)
            if resolved is None:
                return None
            weighted = options.weight is not None
            left = infer_reduction(
                function, type, resolved.axes, keep, weighted, context.default_float
            )
            return Reduced(resolved.axes, left)
        case TreeType(leaves=leaves) as type:
            if axis is None and keep:
                message = "a tree that is reduced whole has no dims to keep"
                help = "`axis=all` reduces leaf by leaf"
                context.error(scope, "LD102", message, span, str(type), help=help)
                return None
            if axis is None:
                return Reduced(None, _whole_tree(context, function, value, type, options))
            if leaves is None:
                return None
            return _leaf_by_leaf(context, scope, function, leaves, axis, options)
        case UnknownType():
            if axis is not None or keep:
                return None
            dtype = result_dtype(function.signatures[0])
            return Reduced(None, array("i32" if dtype == "int" else dtype, ()))
        case RecordType():
            context.error(scope, "LD203", "a record cannot be reduced", span, str(value.type))
            return None


def _resolved(
    context: Context, scope: Scope, axis: AxisArgument | None, type: ArrayType
) -> Axes | None:
    """Return the axes of an array that are reduced; None while unknown, and after a diagnostic."""
    axes = Axes(None) if axis is None else resolve_axes(axis, type.dims)
    if isinstance(axes, AxisMismatch):
        context.report(explain_axes(axes, AXIS), scope)
        return None
    return axes


def _leaf_by_leaf(
    context: Context,
    scope: Scope,
    function: Builtin,
    leaves: tuple[tuple[Path, ArrayType], ...],
    axis: AxisArgument,
    options: Options,
) -> Reduced | None:
    """Resolve the axes of each leaf: negative ones and runs differ with the rank."""
    keep, weighted = options.keepdims, options.weight is not None
    axes: list[tuple[int, ...] | None] = []
    types: list[tuple[Path, ArrayType]] = []
    for path, leaf in leaves:
        resolved = _resolved(context, scope, axis, leaf)
        if resolved is None:
            return None
        axes.append(resolved.axes)
        types.append(
            (
                path,
                infer_reduction(
                    function, leaf, resolved.axes, keep, weighted, context.default_float
                ),
            )
        )
    return Reduced(tuple(axes), TreeType(None, tuple(types)))


def _whole_tree(
    context: Context, function: Builtin, value: Value, tree: TreeType, options: Options
) -> ArrayType:
    """Return the type of a reduction over every element of every leaf: that of the widest.

    What is read of an input is floating; what is computed may be counts, where it has leaves.
    """
    floating = is_selection_of_input(value.node) or tree.leaves == ()
    unknown = tree.leaf or array(context.default_float if floating else "num", None)
    known = [leaf for _, leaf in tree.leaves or ()] or [unknown]
    weighted = options.weight is not None
    reduced = [
        infer_reduction(function, type, None, False, weighted, context.default_float)
        for type in known
    ]
    return array(promote(reduced, context.default_float)[0], ())
