"""Primitives applied to arguments: operands converted, static options, the node of the result."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.core.graph import Const, Node
from lossdsl.elaborate import expressions
from lossdsl.elaborate.constants import constant
from lossdsl.elaborate.context import Context, Scope
from lossdsl.elaborate.floating import as_floats
from lossdsl.elaborate.roles import given_types, resulting, with_role
from lossdsl.elaborate.undecided import undecided
from lossdsl.elaborate.usable_leaves import as_tree, cast_to, usable
from lossdsl.infer.arguments import Argument, Static, Value
from lossdsl.infer.axes import AxisMismatch, resolve_axes
from lossdsl.infer.bound import Bound
from lossdsl.infer.elementwise import compute_dtype
from lossdsl.infer.explain_axes import explain_axes
from lossdsl.infer.fit import Fit
from lossdsl.infer.patterns import pattern_of
from lossdsl.infer.result import result_type
from lossdsl.library.abstract import Failure
from lossdsl.library.function import is_operand
from lossdsl.library.rules import Problem
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import (
    LITERAL,
    ArrayType,
    Dim,
    UnknownType,
    array,
    kind,
)


def operands(
    context: Context, scope: Scope, bound: Bound
) -> list[tuple[Value, Span] | None] | None:
    """Return the array arguments in the order of the signature; None if one was wrong."""
    operands: list[tuple[Value, Span] | None] = []
    for parameter in bound.signature.parameters:
        if not is_operand(parameter):
            continue
        entries: list[tuple[Argument, Span] | None]
        if parameter.variadic:
            entries = list(bound.variadic)
        else:
            entry = bound.values.get(parameter.name)
            if entry is None and parameter.default is not None:
                entry = (expressions.argument(context, scope, parameter.default), bound.span)
            entries = [entry]
        for entry in entries:
            match entry:
                case None | (Static(None), _):
                    operands.append(None)
                case (Value() as value, span):
                    pattern = pattern_of(parameter.type, value)
                    if isinstance(pattern, ast.TreeTypeExpr):
                        value = usable(context, scope, as_tree(context, scope, value), span)
                    operands.append((value, span))
                case (other, span):
                    expressions.as_value(context, scope, other, span)
                    return None
    return operands


def statics(context: Context, scope: Scope, bound: Bound, fitted: Fit) -> dict[str, object] | None:
    """Return the static options of a primitive by name; None while one is unknown."""
    statics: dict[str, object] = {}
    for parameter in bound.signature.parameters:
        if is_operand(parameter):
            continue
        name = parameter.name
        if name in fitted.axes:
            if fitted.axes[name] is None:
                return None
            statics[name] = fitted.axes[name]
        elif isinstance(parameter.type, ast.WordTypeExpr) and parameter.type.word == "axes":
            axes = _all_axes(context, scope, bound, parameter)
            if axes is None:
                return None
            statics[name] = axes[0]
        else:
            value = (
                bound.values[name][0]
                if name in bound.values
                else (
                    Static(None)
                    if parameter.default is None
                    else expressions.argument(context, scope, parameter.default)
                )
            )
            if isinstance(value, Value) and isinstance(value.type, UnknownType):
                return None
            statics[name] = _static_value(value)
    return statics


def _all_axes(
    context: Context, scope: Scope, bound: Bound, parameter: ast.Parameter
) -> tuple[tuple[int, ...] | None] | None:
    """Return the axes of the first array argument, in a tuple of one."""
    given = bound.axes.get(parameter.name)
    arrays = (*bound.values.values(), *bound.variadic)
    first = next((value for value, _ in arrays if isinstance(value, Value)), None)
    dims = first.type.dims if first is not None and isinstance(first.type, ArrayType) else None
    if given is None:
        return (None,)
    axes = resolve_axes(given.of(bound.span), dims)
    if isinstance(axes, AxisMismatch):
        context.report(explain_axes(axes, parameter.name), scope)
        return None
    return None if axes is None else (axes.axes,)


def _static_value(value: Argument) -> object:
    match value:
        case Value(Const(constant)):
            return constant
        case Static(inner):
            return inner
        case _:
            return None


def primitive(
    context: Context,
    scope: Scope,
    bound: Bound,
    fitted: Fit,
    operands: list[tuple[Value, Span] | None],
) -> Value:
    function, graph = bound.function, context.graph
    given = statics(context, scope, bound, fitted)
    present = [entry for entry in operands if entry is not None]
    if any(isinstance(value.type, UnknownType) for value, _ in present) or given is None:
        return undecided(context, scope, bound)
    converted, dtype = _converted(context, scope, bound, operands)
    types = [None if operand is None else operand.type for operand in converted]
    match result_type(bound, fitted, types, given, dtype, context.concrete):
        case Problem(code, message, help, parameter):
            span = bound.values.get(parameter or "", (None, bound.span))[1]
            return context.error(scope, code, message, span, help=help)
        case Failure(code, message, notes, help):
            shown = f"`{function.name}` {message}"
            return context.error(scope, code, shown, bound.span, notes=notes, help=help)
        case type:
            pass
    type = with_role(type, resulting(function, given_types(bound)))
    nodes: list[Node | None] = [None if value is None else value.node for value in converted]
    options = {name: _plain(value) for name, value in given.items()}
    return context.value(graph.apply(function, nodes, type, options), type, bound.span, scope)


def _plain(value: object) -> object:
    """Return a static option as the kernel takes it: dims as sizes."""
    match value:
        case Dim():
            return value if value.known is None else value.known
        case tuple():
            return tuple(_plain(item) for item in value)
        case _:
            return value


def _converted(
    context: Context, scope: Scope, bound: Bound, operands: list[tuple[Value, Span] | None]
) -> tuple[list[Value | None], str]:
    """Convert the operands that meet to one dtype, and return it."""
    operand_classes: list[str | None] = []
    for parameter in bound.signature.parameters:
        if is_operand(parameter):
            count = len(bound.variadic) if parameter.variadic else 1
            # A second array of any dtype, such as `like`, lends its shape alone.
            lends = "any" in operand_classes
            operand_classes += [None] * count
            for at in range(count):
                entry = operands[len(operand_classes) - count + at]
                if entry is None:
                    continue
                pattern = pattern_of(parameter.type, entry[0])
                match pattern, entry[0].type:
                    case ast.ArrayTypeExpr(dtype=dtype), ArrayType():
                        if dtype in ("float", "num", "int") or (dtype == "any" and not lends):
                            operand_classes[len(operand_classes) - count + at] = dtype
                    case _:
                        pass
    meeting = [
        (dtype_class, entry[0].type)
        for dtype_class, entry in zip(operand_classes, operands, strict=True)
        if dtype_class not in (None, "int")
        and entry is not None
        and isinstance(entry[0].type, ArrayType)
    ]
    dtype = context.default_float
    if meeting:
        classes, types = [dtype_class for dtype_class, _ in meeting], [type for _, type in meeting]
        result = "float" if "float" in classes else "num"
        same_kind = len({kind(type.dtype) == "bool" for type in types}) == 1
        if same_kind:
            dtype = (
                compute_dtype(classes, result, types, context.default_float, bound.function.grows)
                or dtype
            )
    converted: list[Value | None] = []
    for dtype_class, entry in zip(operand_classes, operands, strict=True):
        if entry is None:
            converted.append(None)
        elif dtype_class is None:
            converted.append(entry[0])
        elif dtype_class == "int":
            converted.append(as_position(context, scope, entry[0], entry[1]))
        else:
            given = (
                as_number(context, scope, entry[0], entry[1])
                if dtype_class == "float"
                else entry[0]
            )
            met = convert(context, scope, given, dtype, entry[1])
            if (
                dtype == "float"
                and isinstance(met.type, ArrayType)
                and kind(met.type.dtype) == "int"
            ):
                # Which float it becomes is not known yet.
                met = Value(met.node, replace(met.type, dtype=dtype))
            converted.append(met)
    return converted, dtype


def as_position(context: Context, scope: Scope, value: Value, span: Span) -> Value:
    """Return integers as positions, which are counted in i32 or, if they are of 64 bits, in i64."""
    dtype = value.type.dtype if isinstance(value.type, ArrayType) else "int"
    if dtype in ("int", "i32", "i64") or kind(dtype) != "int":
        return value
    return convert(context, scope, value, "i64" if dtype == "u64" else "i32", span)


def as_number(context: Context, scope: Scope, value: Value, span: Span) -> Value:
    """Return a whole literal as the floating one that a kernel expects."""
    match value:
        case Value(Const(int() as number, sizes), ArrayType(strength=s)) if s == LITERAL:
            return constant(context, scope, float(number), span, sizes)
        case _:
            return value


def convert(context: Context, scope: Scope, value: Value, dtype: str, span: Span) -> Value:
    """Return the value in another dtype; numbers take whatever dtype they meet."""
    type = value.type
    if not isinstance(type, ArrayType) or type.dtype == dtype or dtype in ("num", "any"):
        return value
    if dtype == "float" and kind(type.dtype) != "bool":
        return value
    if type.strength == LITERAL and type.dims == ():
        return value
    value = as_floats(context, scope, value, dtype, span)
    if value.type != type:
        return value
    result = array(dtype, type.dims, type.role)
    return context.value(cast_to(context, value, result).node, result, span, scope)
