"""Primitives applied to arguments: operands converted, static options, the node of the result."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.core.graph import Const, Node
from lossdsl.elaborate import expressions
from lossdsl.elaborate.apply_elementwise import as_floats
from lossdsl.elaborate.constants import constant
from lossdsl.elaborate.context import Call, Site
from lossdsl.elaborate.undecided import undecided
from lossdsl.elaborate.usable_leaves import as_tree, cast_to, usable
from lossdsl.elaborate.value_roles import given_types, resulting, with_role
from lossdsl.infer.arguments import Argument, Static, Value
from lossdsl.infer.axis_positions import Axes, AxisMismatch, resolve_axes
from lossdsl.infer.elementwise_types import Promotion, compute_dtype
from lossdsl.infer.explain import explain_axes
from lossdsl.infer.patterns import pattern_of
from lossdsl.infer.result_types import result_type
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


def given(call: Call, parameter: ast.Parameter) -> tuple[Argument, Span]:
    """Return what a parameter is given, else its default; `none` where it has none."""
    if parameter.name in call.bound.values:
        return call.bound.values[parameter.name]
    if parameter.default is None:
        return Static(None), call.span
    return expressions.argument(call.scope, parameter.default), call.span


def operands(call: Call) -> list[tuple[Value, Span] | None] | None:
    """Return the array arguments in the order of the signature; None if one was wrong."""
    operands: list[tuple[Value, Span] | None] = []
    for parameter in filter(is_operand, call.signature.parameters):
        for entry in call.bound.variadic if parameter.variadic else [given(call, parameter)]:
            match entry:
                case Static(None), _:
                    operands.append(None)
                case (Value() as value, span):
                    pattern = pattern_of(parameter.type, value)
                    if isinstance(pattern, ast.TreeTypeExpr):
                        value = usable(call.at(span), as_tree(call.scope, value))
                    operands.append((value, span))
                case (other, span):
                    expressions.as_value(call.at(span), other)
                    return None
    return operands


def statics(call: Call) -> dict[str, object] | None:
    """Return the static options of a primitive by name; None while one is unknown."""
    statics: dict[str, object] = {}
    for parameter in call.signature.parameters:
        name = parameter.name
        if is_operand(parameter):
            continue
        if name in call.fitted.axes:
            statics[name] = call.fitted.axes[name]
            if statics[name] is None:
                return None
        elif isinstance(parameter.type, ast.WordTypeExpr) and parameter.type.word == "axes":
            axes = _all_axes(call, parameter)
            if axes is None:
                return None
            statics[name] = axes.axes
        else:
            value, _ = given(call, parameter)
            if isinstance(value, Value) and isinstance(value.type, UnknownType):
                return None
            statics[name] = _static_value(value)
    return statics


def _all_axes(call: Call, parameter: ast.Parameter) -> Axes | None:
    """Return the axes of the first array argument that are meant; None while unknown."""
    axes = call.bound.axes.get(parameter.name)
    arrays = (*call.bound.values.values(), *call.bound.variadic)
    first = next((value for value, _ in arrays if isinstance(value, Value)), None)
    dims = first.type.dims if first is not None and isinstance(first.type, ArrayType) else None
    if axes is None:
        return Axes(None)
    resolved = resolve_axes(axes.of(call.span), dims)
    if isinstance(resolved, AxisMismatch):
        call.scope.report(explain_axes(resolved, parameter.name))
        return None
    return resolved


def _static_value(value: Argument) -> object:
    match value:
        case Value(Const(constant)):
            return constant
        case Static(inner):
            return inner
        case _:
            return None


def primitive(call: Call, operands: list[tuple[Value, Span] | None]) -> Value:
    function = call.function
    given = statics(call)
    present = [entry for entry in operands if entry is not None]
    if any(isinstance(value.type, UnknownType) for value, _ in present) or given is None:
        return undecided(call)
    converted, dtype = _converted(call, operands)
    types = [None if operand is None else operand.type for operand in converted]
    match result_type(call.fitted, types, given, dtype, call.context.concrete):
        case Problem(code, message, help, parameter):
            span = call.bound.values.get(parameter or "", (None, call.span))[1]
            return call.at(span).error(code, message, help=help)
        case Failure(code, message, notes, help):
            shown = f"`{function.name}` {message}"
            return call.error(code, shown, notes=notes, help=help)
        case type:
            pass
    type = with_role(type, resulting(function, given_types(call.bound)))
    nodes: list[Node | None] = [None if value is None else value.node for value in converted]
    options = {name: _plain(value) for name, value in given.items()}
    return call.apply(function, nodes, type, options)


def _plain(value: object) -> object:
    """Return a static option as the kernel takes it: dims as sizes."""
    match value:
        case Dim():
            return value if value.known is None else value.known
        case tuple():
            return tuple(_plain(item) for item in value)
        case _:
            return value


def _classes(call: Call, operands: list[tuple[Value, Span] | None]) -> list[str | None]:
    """Return the class of each operand that meets others, or counts; None of any other."""
    classes: list[str | None] = []
    for parameter in filter(is_operand, call.signature.parameters):
        count = len(call.bound.variadic) if parameter.variadic else 1
        # A second array of any dtype, such as `like`, lends its shape alone.
        lends = "any" in classes
        for entry in operands[len(classes) : len(classes) + count]:
            pattern = None if entry is None else pattern_of(parameter.type, entry[0])
            match pattern, entry:
                case ast.ArrayTypeExpr(dtype=dtype), (Value(type=ArrayType()), _) if dtype in (
                    "float",
                    "num",
                    "int",
                ) or (dtype == "any" and not lends):
                    classes.append(dtype)
                case _:
                    classes.append(None)
    return classes


def _converted(
    call: Call, operands: list[tuple[Value, Span] | None]
) -> tuple[list[Value | None], str]:
    """Convert the operands that meet to one dtype, and return it."""
    operand_classes = _classes(call, operands)
    meeting = [
        (dtype_class, entry[0].type)
        for dtype_class, entry in zip(operand_classes, operands, strict=True)
        if dtype_class not in (None, "int")
        and entry is not None
        and isinstance(entry[0].type, ArrayType)
    ]
    dtype = call.context.default_float
    types = [type for _, type in meeting]
    if len({kind(type.dtype) == "bool" for type in types}) == 1:
        classes = [dtype_class for dtype_class, _ in meeting]
        result = "float" if "float" in classes else "num"
        promotion = Promotion(classes, result, call.function.grows)
        dtype = compute_dtype(promotion, types, dtype) or dtype
    converted: list[Value | None] = []
    for dtype_class, entry in zip(operand_classes, operands, strict=True):
        if entry is None or dtype_class is None:
            converted.append(entry and entry[0])
            continue
        value, site = entry[0], call.at(entry[1])
        if dtype_class == "int":
            converted.append(as_position(site, value))
            continue
        if dtype_class == "float":
            value = as_number(site, value)
        met = convert(site, value, dtype)
        if dtype == "float" and isinstance(met.type, ArrayType) and kind(met.type.dtype) == "int":
            # Which float it becomes is not known yet.
            met = Value(met.node, replace(met.type, dtype=dtype))
        converted.append(met)
    return converted, dtype


def as_position(site: Site, value: Value) -> Value:
    """Return integers as positions, which are counted in i32 or, if they are of 64 bits, in i64."""
    dtype = value.type.dtype if isinstance(value.type, ArrayType) else "int"
    if dtype in ("int", "i32", "i64") or kind(dtype) != "int":
        return value
    return convert(site, value, "i64" if dtype == "u64" else "i32")


def as_number(site: Site, value: Value) -> Value:
    """Return a whole literal as the floating one that a kernel expects."""
    match value:
        case Value(Const(int() as number, sizes), ArrayType(strength=s)) if s == LITERAL:
            return constant(site, float(number), sizes)
        case _:
            return value


def convert(site: Site, value: Value, dtype: str) -> Value:
    """Return the value in another dtype; numbers take whatever dtype they meet."""
    type = value.type
    if not isinstance(type, ArrayType) or type.dtype == dtype or dtype in ("num", "any"):
        return value
    if dtype == "float" and kind(type.dtype) != "bool":
        return value
    if type.strength == LITERAL and type.dims == ():
        return value
    value = as_floats(site, value, dtype)
    if value.type != type:
        return value
    result = array(dtype, type.dims, type.role)
    return site.value(cast_to(site.context, value, result).node, result)
