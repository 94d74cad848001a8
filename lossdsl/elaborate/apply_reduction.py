"""Reductions applied: elements selected under a mask, axes resolved, and the type that is left."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.core.leaves import is_selection_of_input
from lossdsl.elaborate import masks
from lossdsl.elaborate.apply_elementwise import apply_elementwise, as_floats
from lossdsl.elaborate.context import Context, Scope, Site
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Value
from lossdsl.infer.axis_positions import Axes, AxisMismatch, resolve_axes
from lossdsl.infer.elementwise_types import result_dtype
from lossdsl.infer.explain import explain, explain_axes
from lossdsl.infer.mismatch import Mismatch, WrongDtype
from lossdsl.infer.reduction import Reduction, infer_reduction
from lossdsl.library.declare import Builtin, of_form, of_operator
from lossdsl.library.syntax_forms import Form
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
    arrays_of,
    kind,
    promote,
)


@dataclass(frozen=True, slots=True)
class Reduced:
    """The axes of a reduction and its type; a tree reduced leaf by leaf has axes for each leaf."""

    axes: tuple[int, ...] | tuple[tuple[int, ...] | None, ...] | None
    type: Type


def reduce_value(site: Site, reduction: Reduction, operand: tuple[Value, Span]) -> Value:
    """Reduce a value; a mean with a divisor of its own is a sum, divided."""
    if reduction.divisor is None:
        return _apply(site, reduction, operand)
    total = _apply(site, replace(reduction, function=of_form(Form.SUM)), operand)
    divide = of_operator("/")
    return apply_elementwise(site, divide, [(total, site.span), reduction.divisor])


def unreduced(site: Site, value: Value, mask: Value | None, weight: Value | None) -> Value:
    """Return the value itself: 0 at masked elements, times its weights."""
    kept = _kept(site, mask, weight)
    if weight is not None:
        function = of_operator("*")
        operands = [(weight, site.span), (value, site.span)]
        value = apply_elementwise(site, function, operands, name=WEIGHT)
    return masks.keep(site, WHERE if weight is None else WEIGHT, kept, value)


def _apply(site: Site, reduction: Reduction, operand: tuple[Value, Span]) -> Value:
    """Apply a reduction to what its mask keeps."""
    function, weight = reduction.function, reduction.weight
    value, value_span = operand
    if _is_wrong_operand(site.at(value_span), function, value):
        return site.scope.unknown()
    mask = _kept(site, reduction.mask, weight)
    value = masks.keep(site, WHERE if weight is None else WEIGHT, mask, value)
    kinds = {kind(array_type.dtype) for array_type in arrays_of(value.type)}
    floats = result_dtype(function.signatures[0]) == "float" or kinds >= {"int", "float"}
    if reduction.weighted or floats:
        value = as_floats(site, value, site.context.default_float)
    before = len(site.context.diagnostics)
    reduced = _reduced(site, reduction, value)
    operands = [value.node, None if mask is None else mask.node]
    given: dict[str, object] = {KEEPDIMS: reduction.keepdims}
    if function.weighted:
        operands.append(None if weight is None else weight.node)
        given[NORMALIZE] = reduction.normalize
    if reduced is None:
        # A tree stays one while its leaves are not known.
        axes = None if reduction.axis is None else reduction.axis.written
        is_tree = isinstance(value.type, TreeType) and len(site.context.diagnostics) == before
        type = TreeType() if is_tree else UnknownType()
        return site.undecided(function, operands, type, given | {AXIS: axes})
    given[AXIS] = reduced.axes
    return site.apply(function, operands, reduced.type, given)


def _is_wrong_operand(site: Site, function: Builtin, value: Value) -> bool:
    pattern = function.signatures[0].parameters[0].type
    if isinstance(pattern, ast.ArrayTypeExpr) and pattern.dtype == "bool":
        dtypes = [array_type.dtype for array_type in arrays_of(value.type)]
        wrong = next((dtype for dtype in dtypes if kind(dtype) in ("int", "float")), None)
        if wrong is not None:
            mismatch = Mismatch(WrongDtype(0, "bool", wrong), (value.type,))
            site.scope.report(explain(mismatch, function.name, [site.span]))
            return True
    return False


def _kept(site: Site, mask: Value | None, weight: Value | None) -> Value | None:
    """Return which elements count: those under the mask whose weight is not 0."""
    if weight is None:
        return mask
    return masks.both(site, WHERE, masks.nonzero(site, weight), mask)


def _reduced(site: Site, reduction: Reduction, value: Value) -> Reduced | None:
    """Return the axes and the type of a reduction.

    None while the axes cannot be known, and after a diagnostic.
    """
    axis, keep = reduction.axis, reduction.keepdims
    match value.type:
        case ArrayType() as type:
            reduced = _of_array(site.scope, reduction, type)
            return None if reduced is None else Reduced(*reduced)
        case TreeType(leaves=leaves) as type:
            if axis is None and keep:
                message = "a tree that is reduced whole has no dims to keep"
                help = "`axis=all` reduces leaf by leaf"
                site.error("LD102", message, str(type), help=help)
                return None
            if axis is None:
                return Reduced(None, _whole_tree(site.context, reduction, value))
            return None if leaves is None else _leaf_by_leaf(site.scope, reduction, leaves)
        case UnknownType():
            if axis is not None or keep:
                return None
            dtype = result_dtype(reduction.function.signatures[0])
            return Reduced(None, array("i32" if dtype == "int" else dtype, ()))
        case RecordType():
            site.error("LD203", "a record cannot be reduced", str(value.type))
            return None


def _of_array(
    scope: Scope, reduction: Reduction, type: ArrayType
) -> tuple[tuple[int, ...] | None, ArrayType] | None:
    """Return the axes of an array that are reduced, and what is left of it."""
    given = reduction.axis
    axes = Axes(None) if given is None else resolve_axes(given, type.dims)
    if isinstance(axes, AxisMismatch):
        scope.report(explain_axes(axes, AXIS))
        return None
    if axes is None:
        return None
    return axes.axes, infer_reduction(reduction, type, axes.axes, scope.context.default_float)


def _leaf_by_leaf(
    scope: Scope, reduction: Reduction, leaves: tuple[tuple[Path, ArrayType], ...]
) -> Reduced | None:
    """Resolve the axes of each leaf: negative ones and runs differ with the rank."""
    axes: list[tuple[int, ...] | None] = []
    types: list[tuple[Path, ArrayType]] = []
    for path, leaf in leaves:
        reduced = _of_array(scope, reduction, leaf)
        if reduced is None:
            return None
        axes.append(reduced[0])
        types.append((path, reduced[1]))
    return Reduced(tuple(axes), TreeType(None, tuple(types)))


def _whole_tree(context: Context, reduction: Reduction, value: Value) -> ArrayType:
    """Return the type of a reduction over every element of every leaf: that of the widest.

    What is read of an input is floating; what is computed may be counts, where it has leaves.
    """
    tree, default_float = value.type, context.default_float
    assert isinstance(tree, TreeType)
    floating = is_selection_of_input(value.node) or tree.leaves == ()
    unknown = tree.leaf or array(default_float if floating else "num", None)
    known = [leaf for _, leaf in tree.leaves or ()] or [unknown]
    whole = replace(reduction, keepdims=False)
    reduced = [infer_reduction(whole, type, None, default_float) for type in known]
    return array(promote(reduced, default_float)[0], ())
