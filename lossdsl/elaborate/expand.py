"""Calls of functions that are written in the language: the body takes the place of the call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count, islice

from lossdsl.elaborate import expressions, primitives, reduction_options
from lossdsl.elaborate.context import Context, Scope
from lossdsl.elaborate.coupled import read_mask
from lossdsl.elaborate.local import Local, runs_of_signature, sizes_of_defaults
from lossdsl.elaborate.usable_leaves import as_tree, cast_to, usable
from lossdsl.elaborate.watch import watched
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.infer.bound import Bound, ordinary
from lossdsl.infer.fit import Fit, moved_order
from lossdsl.infer.patterns import pattern_of
from lossdsl.infer.statics import as_choice, static_dim
from lossdsl.library.declare import of_form
from lossdsl.library.forms import Form
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import LOSS_OPTIONS
from lossdsl.syntax.rules import declared_mask
from lossdsl.types.types import (
    HALF,
    LITERAL,
    ArrayType,
    Dim,
    TreeType,
    kind,
)
from lossdsl.types.unify import Bindings, instantiate, undetermined, unify


def expand(
    context: Context, scope: Scope, bound: Bound, fitted: Fit, definition: ast.Definition
) -> Value:
    """Return the value of a definition's body with the arguments in place of its parameters.

    Inside, sizes are the definition's own rigid symbols, so that it is checked for every size;
    outside, its result has the caller's dims again. Equal calls are expanded once.
    """
    mask = read_mask(context, scope, bound, fitted, definition)
    key = (_identity(definition, bound, fitted), mask)
    if key not in context.expanded:
        context.expanded[key] = _expanded(context, scope, bound, fitted, definition, mask)
    inner, body, local = context.expanded[key]
    if bound.function.laws or bound.function.is_loss:
        context.graph.bodies.setdefault(body.node, bound.function)
    if definition.kind != "loss":
        return Value(body.node, local.outward(body.type))
    defaults = {
        parameter.name: parameter.default
        for parameter in definition.signature.parameters
        if parameter.name in LOSS_OPTIONS and parameter.default is not None
    }
    return reduction_options.loss_call(context, scope, bound, body, inner, defaults, local.outward)


def _identity(definition: ast.Definition, bound: Bound, fitted: Fit) -> object:
    """Return what an expansion depends on: the definition, its arguments, and moved axes."""
    moved = {name: tuple(sorted(places.items())) for name, places in fitted.moved.items()}
    return (
        id(definition),
        tuple((name, argument) for name, (argument, _) in sorted(bound.values.items())),
        tuple(argument for argument, _ in bound.variadic),
        tuple(sorted(moved.items())),
        tuple(sorted(fitted.axes.items())),
    )


def _expanded(
    context: Context,
    scope: Scope,
    bound: Bound,
    fitted: Fit,
    definition: ast.Definition,
    mask: Value | None,
) -> tuple[Scope, Value, Local]:
    """Return the scope of a definition's body, its value there, and the symbols of the scope."""
    context.expansions += 1
    for symbol, size in sizes_of_defaults(definition, bound.values):
        fitted.bindings.dims.setdefault(symbol, size)
    local = Local.of(definition, fitted.bindings, context.expansions)
    context.graph.outer.update(local.outer)
    is_loss = definition.kind == "loss"
    name = bound.function.name
    inner = Scope(
        values={},
        functions=scope.functions,
        dims=local.bindings.dims,
        runs=runs_of_signature(definition, local.bindings),
        calls=(*scope.calls, (name, bound.span)),
        depth=scope.depth + 1,
        frame=context.expansions,
        undetermined=undetermined(
            [parameter.type for parameter in definition.signature.parameters],
            definition.signature.static_sizes,
        ),
    )
    values: dict[str, Argument] = {}
    seen: dict[str, Argument] = {}
    marked = watched(context, scope, bound, fitted)
    for parameter in ordinary(definition.signature, bound.function):
        entry = bound.values.get(parameter.name)
        if entry is None:
            values[parameter.name] = _default(context, replace(inner, values=values), parameter)
            continue
        value, span = entry
        values[parameter.name] = value
        if isinstance(value, Value):
            values[parameter.name] = _received(
                context, scope, parameter, value, span, fitted, local, is_loss
            )
        if parameter.name in marked:
            value = marked[parameter.name]
            seen[parameter.name] = _received(
                context, scope, parameter, value, span, fitted, local, is_loss
            )
    declared = declared_mask(definition)
    if declared is not None:
        values[declared.name] = (
            Static(None)
            if mask is None
            else _received(context, scope, declared, mask, bound.span, fitted, local, is_loss)
        )
    inner = replace(inner, values=values)
    for parameter in definition.signature.parameters:
        match parameter.type:
            case ast.WordTypeExpr("static", ("int", *_)):
                size = static_dim(values.get(parameter.name, Static(None)))
                if size is not None:
                    local.bindings.dims[parameter.name] = size
            case _:
                pass
    if context.exhausted(scope, bound.span):
        return inner, context.unknown(), local
    # The options of a loss read what is not marked: of labels, they say which are labels.
    reading = replace(inner, values={**inner.values, **seen})
    body = expressions.elaborate(context, reading, definition.value)
    body = _as_declared(context, inner, definition, body, local)
    return inner, _moved_back(context, inner, definition, fitted, body), local


def _default(context: Context, scope: Scope, parameter: ast.Parameter) -> Argument:
    if parameter.default is None:
        return Static(None)
    match parameter.type, parameter.default:
        case ast.WordTypeExpr("function", arguments), ast.Name(name, span):
            function = scope.functions.visible(name, span.source)
            if function is not None:
                return FunctionValue(function, int(arguments[0]) if arguments else 1)
        case _:
            pass
    return as_choice(parameter.plain_type, expressions.argument(context, scope, parameter.default))


def _received(
    context: Context,
    scope: Scope,
    parameter: ast.Parameter,
    value: Value,
    span: Span,
    fitted: Fit,
    local: Local,
    is_loss: bool,
) -> Value:
    """Return an argument as the body sees it: axis moved, dims renamed, dtype converted."""
    pattern = pattern_of(parameter.type, value)
    if isinstance(pattern, ast.TreeTypeExpr):
        spikes = "spikes" in (pattern.role, pattern.leaf.role if pattern.leaf else None)
        value = usable(context, scope, as_tree(context, scope, value), span, spikes, reads=False)
    if parameter.name in fitted.moved and isinstance(value.type, ArrayType):
        value = _permuted(context, scope, value, fitted.moved[parameter.name], span)
    value = _converted(context, scope, pattern, value, span, is_loss)
    match pattern, value.type:
        case ast.ArrayTypeExpr(dims=dims, role=role), ArrayType() as type:
            renamed = instantiate(dims, local.bindings)
            if renamed is None or type.dims is None or type.strength == LITERAL:
                return value
            renamed = _named(renamed, type.dims)
            return Value(value.node, replace(type, dims=renamed, role=role or type.role))
        case ast.TreeTypeExpr(leaf=ast.ArrayTypeExpr(dims=dims)), TreeType(leaves=leaves):
            if leaves is None or any(leaf.dims is None for _, leaf in leaves):
                return value
            return Value(value.node, _renamed_tree(value.type, dims, local))
        case _:
            return value


def _renamed_tree(
    tree: TreeType, dims: tuple[ast.DimExpr | ast.AnyDim | ast.Run, ...], local: Local
) -> TreeType:
    """Rename the single dims that all leaves share; what a run covers stays the leaf's own."""
    leaves: list[tuple[tuple[str, ...], ArrayType]] = []
    run = next((at for at, dim in enumerate(dims) if isinstance(dim, ast.Run)), len(dims))
    for path, leaf in tree.leaves or ():
        assert leaf.dims is not None
        head = instantiate(dims[:run], local.bindings) or ()
        tail = instantiate(dims[run + 1 :], local.bindings) or ()
        middle = leaf.dims[len(head) : len(leaf.dims) - len(tail)]
        renamed = _named((*head, *middle, *tail), leaf.dims)
        leaves.append((path, replace(leaf, dims=renamed)))
    return TreeType(tree.leaf, tuple(leaves), tree.role)


def _named(names: Iterable[Dim], known: Iterable[Dim]) -> tuple[Dim, ...]:
    """Return dims under the names that a definition has for them; one without keeps its size."""
    pairs = zip(names, known, strict=True)
    return tuple(size if name.constant is None else name for name, size in pairs)


def _moved_back(
    context: Context, scope: Scope, definition: ast.Definition, fitted: Fit, body: Value
) -> Value:
    """Put the axes of a result in the order that the caller's arguments have them in."""
    pattern, type = definition.signature.result, body.type
    if not isinstance(pattern, ast.ArrayTypeExpr) or not isinstance(type, ArrayType):
        return body
    named = {axis for axis, _ in fitted.symbols.values()}
    free = iter(axis for axis in count() if axis not in named)
    places: list[int] = []
    for dim in pattern.dims:
        match dim:
            case ast.Run(run) if run in fitted.bindings.runs:
                places += islice(free, len(fitted.bindings.runs[run]))
            case ast.DimExpr(name=str() as symbol) if symbol in fitted.symbols:
                places.append(fitted.symbols[symbol][0])
            case _:
                return body
    order = tuple(sorted(range(len(places)), key=places.__getitem__))
    if type.dims is None or len(order) != len(type.dims) or order == tuple(range(len(order))):
        return body
    result = replace(type, dims=tuple(type.dims[at] for at in order))
    node = context.graph.apply(of_form(Form.PERMUTE), [body.node], result, {"order": order})
    return context.value(node, result, definition.value.span, scope)


def _permuted(
    context: Context, scope: Scope, value: Value, moved: Mapping[int, int], span: Span
) -> Value:
    type = value.type
    if not isinstance(type, ArrayType) or type.dims is None:
        return value
    order = moved_order(len(type.dims), moved)
    if order == tuple(range(len(order))):
        return value
    result = replace(type, dims=tuple(type.dims[at] for at in order))
    node = context.graph.apply(of_form(Form.PERMUTE), [value.node], result, {"order": order})
    return context.value(node, result, span, scope)


def _converted(
    context: Context,
    scope: Scope,
    pattern: ast.TypeExpr | None,
    value: Value,
    span: Span,
    is_loss: bool,
) -> Value:
    """Convert integers given for floats, and half precision on entry to a loss."""
    wants_float = isinstance(pattern, ast.ArrayTypeExpr) and kind(pattern.dtype) == "float"
    match value.type:
        case ArrayType(dtype=dtype) if wants_float and kind(dtype) in ("int", "bool"):
            return primitives.convert(context, scope, value, context.default_float, span)
        case ArrayType(dtype="i8" | "i16" | "u8" | "u16"):
            # What a body computes with has 32 bits from the start.
            target = "any" if not isinstance(pattern, ast.ArrayTypeExpr) else pattern.dtype
            target = "i32" if target in ("int", "num") else "any"
            return primitives.convert(context, scope, value, target, span)
        case ArrayType(dtype="u32") if getattr(pattern, "role", None) == "labels":
            return primitives.convert(context, scope, value, "i32", span)
        case ArrayType(dtype=dtype) if is_loss and dtype in HALF:
            return primitives.convert(context, scope, value, "f32", span)
        case TreeType(leaves=leaves) if leaves is not None and is_loss:
            return _converted_tree(context, scope, value, leaves, span)
        case _:
            return value


def _converted_tree(
    context: Context,
    scope: Scope,
    value: Value,
    leaves: tuple[tuple[tuple[str, ...], ArrayType], ...],
    span: Span,
) -> Value:
    dtypes = [
        "f32"
        if leaf.dtype in HALF
        else leaf.dtype
        if kind(leaf.dtype) == "float"
        else context.default_float
        for _, leaf in leaves
    ]
    if all(leaf.dtype == dtype for (_, leaf), dtype in zip(leaves, dtypes, strict=True)):
        return value
    assert isinstance(value.type, TreeType)
    kept = tuple(
        (path, replace(leaf, dtype=dtype))
        for (path, leaf), dtype in zip(leaves, dtypes, strict=True)
    )
    type = replace(value.type, leaves=kept)
    return context.value(cast_to(context, value, type).node, type, span, scope)


def _as_declared(
    context: Context, scope: Scope, definition: ast.Definition, body: Value, local: Local
) -> Value:
    """Hold a body against the type that its definition declares for the result."""
    pattern = definition.signature.result
    match pattern, body.type:
        case ast.ArrayTypeExpr(), ArrayType() as type:
            symbols = Bindings(dict(local.bindings.dims), dict(local.bindings.runs))
            symbols.origin = dict.fromkeys((*symbols.dims, *symbols.runs), "the parameters")
            clash = unify([("the result", pattern, type)], symbols)
            if clash is not None:
                context.error(
                    scope,
                    "LD220",
                    f"the result of `{definition.signature.name}` is {clash.actual} where its "
                    f"declaration says {clash.expected}",
                    definition.value.span,
                    str(type),
                )
            # What is made of whole numbers alone is converted at a call, when it is known to what.
            whole = kind(pattern.dtype) == "float" and kind(type.dtype) == "int"
            dtype = context.default_float if whole else type.dtype
            return Value(body.node, replace(type, dtype=dtype, role=pattern.role or type.role))
        case _:
            return body
