"""Calls of functions that are written in the language: the body takes the place of the call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count, islice

from lossdsl.elaborate import expressions, primitives, reduction_options
from lossdsl.elaborate.context import Call, Expansion, Scope, Site
from lossdsl.elaborate.coupled import read_mask
from lossdsl.elaborate.local import Local, runs_of_signature, sizes_of_defaults
from lossdsl.elaborate.undecided import kept
from lossdsl.elaborate.usable_leaves import as_tree, cast_to, usable
from lossdsl.elaborate.watch import watched
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.infer.bound import ordinary
from lossdsl.infer.fit import Fit, moved_order
from lossdsl.infer.patterns import pattern_of
from lossdsl.infer.statics import as_choice, static_dim
from lossdsl.library.declare import of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.program_rules import declared_mask
from lossdsl.types.types import (
    HALF,
    LITERAL,
    ArrayType,
    Dim,
    TreeType,
    kind,
)
from lossdsl.types.unify import Bindings, instantiate, undetermined, unify


def expand(call: Call) -> Value:
    """Return the value of a definition's body with the arguments in place of its parameters.

    Inside, sizes are the definition's own rigid symbols, so that it is checked for every size;
    outside, its result has the caller's dims again. Equal calls are expanded once.
    """
    mask = read_mask(call)
    key = (_identity(call), mask)
    if key not in call.context.expanded:
        call.context.expanded[key] = _expanded(call, mask)
    expansion = call.context.expanded[key]
    if call.function.laws or call.function.is_loss:
        call.graph.bodies.setdefault(expansion.body.node, call.function)
    if call.function.is_loss:
        return reduction_options.loss_call(call, expansion)
    return expansion.outward(expansion.body)


def _identity(call: Call) -> object:
    """Return what an expansion depends on: the definition, its arguments, and moved axes."""
    bound, fitted = call.bound, call.fitted
    moved = {name: tuple(sorted(places.items())) for name, places in fitted.moved.items()}
    return (
        id(call.signature),
        tuple((name, argument) for name, (argument, _) in sorted(bound.values.items())),
        tuple(argument for argument, _ in bound.variadic),
        tuple(sorted(moved.items())),
        tuple(sorted(fitted.axes.items())),
    )


def _expanded(call: Call, mask: Value | None) -> Expansion:
    context, definition, bindings = call.context, call.definition, call.fitted.bindings
    signature = definition.signature
    context.expansions += 1
    for symbol, size in sizes_of_defaults(definition, call.bound.values):
        bindings.dims.setdefault(symbol, size)
    local = Local.of(definition, bindings, context.expansions)
    call.graph.outer.update(local.outer)
    inner = Scope(
        context,
        values={},
        functions=call.scope.functions,
        dims=local.bindings.dims,
        runs=runs_of_signature(definition, local.bindings),
        calls=(*call.scope.calls, (call.function.name, call.span)),
        depth=call.scope.depth + 1,
        frame=context.expansions,
        undetermined=undetermined(
            [parameter.type for parameter in signature.parameters], signature.static_sizes
        ),
    )
    values: dict[str, Argument] = {}
    seen: dict[str, Argument] = {}
    marked = watched(call)
    for parameter in ordinary(signature, call.function):
        name = parameter.name
        if name not in call.bound.values:
            values[name] = _default(replace(inner, values=values), parameter)
            continue
        value, span = call.bound.values[name]
        values[name] = value
        if isinstance(value, Value):
            values[name] = _received(call, local, parameter, (value, span))
        if name in marked:
            seen[name] = _received(call, local, parameter, (marked[name], span))
    declared = declared_mask(definition)
    if declared is not None:
        values[declared.name] = (
            Static(None) if mask is None else _received(call, local, declared, (mask, call.span))
        )
    inner = replace(inner, values=values)
    for parameter in signature.parameters:
        match parameter.type:
            case ast.WordTypeExpr("static", ("int", *_)):
                size = static_dim(values.get(parameter.name, Static(None)))
                if size is not None:
                    local.bindings.dims[parameter.name] = size
            case _:
                pass
    if context.exhausted(call):
        return Expansion(inner, inner.unknown(), local)
    # The options of a loss read what is not marked: of labels, they say which are labels.
    reading = replace(inner, values={**inner.values, **seen})
    site = inner.at(definition.value.span)
    expr = definition.value
    if context.reading is not None:
        expr = context.reading.body(call.function, signature, expr)
    body = _as_declared(site, definition, expressions.elaborate(reading, expr))
    body = _moved_back(site, call.fitted, body)
    if context.reading is not None and context.reading.keeps(call.function, len(call.scope.calls)):
        body = kept(call, mask, body)
    return Expansion(inner, body, local)


def _default(scope: Scope, parameter: ast.Parameter) -> Argument:
    if parameter.default is None:
        return Static(None)
    match parameter.type, parameter.default:
        case ast.WordTypeExpr("function", arguments), ast.Name(name, span):
            function = scope.functions.visible(name, span.source)
            if function is not None:
                return FunctionValue(function, int(arguments[0]) if arguments else 1)
        case _:
            pass
    return as_choice(parameter.plain_type, expressions.argument(scope, parameter.default))


def _received(
    call: Call, local: Local, parameter: ast.Parameter, entry: tuple[Value, Span]
) -> Value:
    """Return an argument as the body sees it: axis moved, dims renamed, dtype converted."""
    value, span = entry
    site, moved = call.at(span), call.fitted.moved
    pattern = pattern_of(parameter.type, value)
    if isinstance(pattern, ast.TreeTypeExpr):
        spikes = "spikes" in (pattern.role, pattern.leaf.role if pattern.leaf else None)
        value = usable(site, as_tree(site.scope, value), spikes, reads=False)
    match value.type:
        case ArrayType(dims=dims) if parameter.name in moved and dims is not None:
            value = _permuted(site, value, moved_order(len(dims), moved[parameter.name]))
        case _:
            pass
    value = _converted(site, pattern, value, call.function.is_loss)
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


def _moved_back(site: Site, fitted: Fit, body: Value) -> Value:
    """Put the axes of a result in the order that the caller's arguments have them in."""
    pattern, type = fitted.bound.signature.result, body.type
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
    if type.dims is None or len(order) != len(type.dims):
        return body
    return _permuted(site, body, order)


def _permuted(site: Site, value: Value, order: tuple[int, ...]) -> Value:
    type = value.type
    assert isinstance(type, ArrayType) and type.dims is not None
    if order == tuple(range(len(order))):
        return value
    result = replace(type, dims=tuple(type.dims[at] for at in order))
    return site.apply(of_form(Form.PERMUTE), [value.node], result, {"order": order})


def _converted(site: Site, pattern: ast.TypeExpr | None, value: Value, is_loss: bool) -> Value:
    """Convert integers given for floats, and half precision on entry to a loss."""
    wants_float = isinstance(pattern, ast.ArrayTypeExpr) and kind(pattern.dtype) == "float"
    match value.type:
        case ArrayType(dtype=dtype) if wants_float and kind(dtype) in ("int", "bool"):
            return primitives.convert(site, value, site.context.default_float)
        case ArrayType(dtype="i8" | "i16" | "u8" | "u16"):
            # What a body computes with has 32 bits from the start.
            target = "any" if not isinstance(pattern, ast.ArrayTypeExpr) else pattern.dtype
            target = "i32" if target in ("int", "num") else "any"
            return primitives.convert(site, value, target)
        case ArrayType(dtype="u32") if getattr(pattern, "role", None) == "labels":
            return primitives.convert(site, value, "i32")
        case ArrayType(dtype=dtype) if is_loss and dtype in HALF:
            return primitives.convert(site, value, "f32")
        case TreeType(leaves=leaves) if leaves is not None and is_loss:
            return _converted_tree(site, value, leaves)
        case _:
            return value


def _converted_tree(
    site: Site, value: Value, leaves: tuple[tuple[tuple[str, ...], ArrayType], ...]
) -> Value:
    dtypes = [
        "f32"
        if leaf.dtype in HALF
        else leaf.dtype
        if kind(leaf.dtype) == "float"
        else site.context.default_float
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
    return site.value(cast_to(site.context, value, type).node, type)


def _as_declared(site: Site, definition: ast.Definition, body: Value) -> Value:
    """Hold a body against the type that its definition declares for the result."""
    pattern = definition.signature.result
    match pattern, body.type:
        case ast.ArrayTypeExpr(), ArrayType() as type:
            symbols = Bindings(
                dict(site.scope.dims),
                {name: run for name, run in site.scope.runs.items() if run is not None},
            )
            symbols.origin = dict.fromkeys((*symbols.dims, *symbols.runs), "the parameters")
            clash = unify([("the result", pattern, type)], symbols)
            if clash is not None:
                site.error(
                    "LD220",
                    f"the result of `{definition.signature.name}` is {clash.actual} where its "
                    f"declaration says {clash.expected}",
                    str(type),
                )
            # What is made of whole numbers alone is converted at a call, when it is known to what.
            whole = kind(pattern.dtype) == "float" and kind(type.dtype) == "int"
            dtype = site.context.default_float if whole else type.dtype
            return Value(body.node, replace(type, dtype=dtype, role=pattern.role or type.role))
        case _:
            return body
