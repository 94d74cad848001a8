"""The types of primitives applied to values, and the nodes that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from lossdsl.check.context import Context, Scope, Value
from lossdsl.diagnostics.diagnostic import Label
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.types.broadcast import BroadcastProblem, broadcast
from lossdsl.types.elementwise import (
    DtypeProblem,
    parameter_dtypes,
    promoted,
    result_dtype,
)
from lossdsl.types.types import (
    UNKNOWN,
    ArrayType,
    Dim,
    Path,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    array,
    kind,
)

DTYPE_WORDS = {
    "float": "a number",
    "num": "a number",
    "int": "an integer",
    "bool": "true or false",
    "any": "an array",
}


def apply_elementwise(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    span: Span,
    options: Mapping[str, object] | None = None,
    arrays_per_leaf: bool = False,
) -> Value:
    """Apply a function to arrays that broadcast, or leaf by leaf to trees.

    With `arrays_per_leaf` an array beside a tree is for every leaf, as a bound may be.
    """
    types = [value.type for value, _ in operands]
    result: Type
    if any(isinstance(type, UnknownType) for type in types):
        found = UNKNOWN
    elif any(isinstance(type, TreeType) for type in types):
        found = _over_trees(context, scope, function, operands, arrays_per_leaf)
    elif any(isinstance(type, RecordType) for type in types):
        at = next(at for at, type in enumerate(types) if isinstance(type, RecordType))
        context.error(
            scope,
            "LD203",
            f"`{shown(function)}` takes arrays; this is a record",
            operands[at][1],
            str(types[at]),
            help="name a field, such as `.mu`",
        )
        found = None
    else:
        found = array_result(context, scope, function, operands, cast("list[ArrayType]", types))
    if found is None:
        return context.unknown()
    result = found
    nodes = [value.node for value, _ in operands]
    return context.value(context.graph.apply(function, nodes, result, options), result, span, scope)


def array_result(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    types: Sequence[ArrayType],
) -> ArrayType | None:
    """Return the type of an elementwise function of arrays; None after a diagnostic."""
    signature = function.signatures[0]
    wanted, result = parameter_dtypes(signature), result_dtype(signature)
    met = promoted(wanted, result, types, context.default_float)
    if isinstance(met, DtypeProblem):
        dtype_problem(context, scope, function, met, operands)
        return None
    shape = broadcast([type.dims for type in types])
    if isinstance(shape, BroadcastProblem):
        _shape_problem(context, scope, function, shape, operands)
        return None
    dtype = met.dtype if result in ("num", "any") else result
    if result == "float" and kind(met.dtype) in ("float", "int"):
        dtype = met.dtype
    type = ArrayType(dtype, shape, met.strength)
    return ArrayType(dtype, shape) if shape != () else type


def dtype_problem(
    context: Context,
    scope: Scope,
    function: Builtin,
    problem: DtypeProblem,
    operands: Sequence[tuple[Value, Span]],
) -> None:
    """Report an operand whose dtype a function does not take."""
    span = operands[problem.operand][1]
    name = shown(function)
    if kind(problem.found) == "bool":
        context.error(
            scope,
            "LD216",
            f"`{name}` takes numbers; this is true or false",
            span,
            str(operands[problem.operand][0].type),
            help="select with `where=` of a loss or reduction, or `where(m, x, 0)`; "
            "a reduction such as `mean(m)` counts true as 1",
        )
        return
    context.error(
        scope,
        "LD214",
        f"`{name}` takes {DTYPE_WORDS.get(problem.expected, problem.expected)} here, "
        f"not {problem.found}",
        span,
        str(operands[problem.operand][0].type),
        help="compare it first, such as `m > 0`" if problem.expected == "bool" else None,
    )


def _shape_problem(
    context: Context,
    scope: Scope,
    function: Builtin,
    problem: BroadcastProblem,
    operands: Sequence[tuple[Value, Span]],
) -> None:
    (left, left_span), (right, right_span) = operands[problem.left], operands[problem.right]
    label = Label(left_span, str(left.type))
    name = shown(function)
    if problem.kind == "differ":
        context.error(
            scope,
            "LD201",
            f"the operands of `{name}` differ in shape",
            right_span,
            str(right.type),
            help=_swap_help(left.type, right.type, right_span),
            labels=(label,),
        )
        return
    grown = ", ".join(str(dim) for dim in problem.result)
    context.error(
        scope,
        "LD202",
        f"both operands of `{name}` grow",
        right_span,
        str(right.type),
        notes=(f"the result would be [{grown}]",),
        help=f"`squeeze({left_span.text}, -1)` if the axis of size 1 is not wanted; on purpose, "
        "make the axes with `None`: `a[:, None] - b[None, :]`",
        labels=(label,),
    )


def _swap_help(left: Type, right: Type, span: Span) -> str | None:
    match left, right:
        case ArrayType(dims=a), ArrayType(dims=b) if a and b and len(a) == len(b):
            names = [str(dim) for dim in a]
            if a != b and sorted(names) == sorted(map(str, b)) and len(set(names)) == len(names):
                order = ", ".join(str([str(dim) for dim in b].index(name)) for name in names)
                return f"the axes look swapped: `transpose({span.text}, ({order}))`"
    return None


def _over_trees(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    arrays_per_leaf: bool,
) -> TreeType | None:
    trees = [(value, span) for value, span in operands if isinstance(value.type, TreeType)]
    first, first_span = trees[0]
    for value, span in operands:
        if isinstance(value.type, ArrayType) and value.type.rank and not arrays_per_leaf:
            context.error(
                scope,
                "LD206",
                f"`{shown(function)}` of a tree and an array",
                span,
                str(value.type),
                help="use `map(f, tree, array)` to apply a function to each leaf",
                labels=(Label(first_span, str(first.type)),),
            )
            return None
    known = [(value.type.leaves, span) for value, span in trees if isinstance(value.type, TreeType)]
    if any(leaves is None for leaves, _ in known):
        return TreeType()
    paths = [path for path, _ in known[0][0] or ()]
    for leaves, span in known[1:]:
        if [path for path, _ in leaves or ()] != paths:
            _structure_problem(
                context, scope, paths, [p for p, _ in leaves or ()], span, first_span
            )
            return None
    return _map_leaves(context, scope, function, operands, paths)


def _map_leaves(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    paths: Sequence[Path],
) -> TreeType | None:
    leaves: list[tuple[Path, ArrayType]] = []
    for at, path in enumerate(paths):
        types = [
            value.type.leaves[at][1]
            if isinstance(value.type, TreeType) and value.type.leaves is not None
            else cast("ArrayType", value.type)
            for value, _ in operands
        ]
        of_leaf = [(Value(v.node, t), span) for (v, span), t in zip(operands, types, strict=True)]
        result = array_result(context, scope, function, of_leaf, types)
        if result is None:
            return None
        leaves.append((path, result))
    return TreeType(None, tuple(leaves))


def _structure_problem(
    context: Context,
    scope: Scope,
    left: Sequence[Path],
    right: Sequence[Path],
    span: Span,
    first_span: Span,
) -> None:
    only_left = ["/".join(path) for path in left if path not in set(right)]
    only_right = ["/".join(path) for path in right if path not in set(left)]
    notes = tuple(
        f"only in the {side}: {', '.join(f'`{path}`' for path in paths[:3])}"
        for side, paths in (("first", only_left), ("second", only_right))
        if paths
    )
    context.error(
        scope,
        "LD205",
        "the trees differ in structure",
        span,
        f"{len(right)} leaves",
        notes=notes,
        help="select the same leaves of both",
        labels=(Label(first_span, f"{len(left)} leaves"),),
    )


def shown(function: Builtin) -> str:
    """Return how a function is written: its operator, or its name."""
    return function.operator if function.operator not in (None, "neg") else function.name


def reduced_dims(
    dims: tuple[Dim, ...], axes: tuple[int, ...] | None, keep: bool
) -> tuple[Dim, ...]:
    """Return the dims that a reduction leaves; kept axes have size 1 and are wanted."""
    gone = set(range(len(dims)) if axes is None else axes)
    one = Dim(1, wanted=True)
    return tuple(
        one if at in gone else dim for at, dim in enumerate(dims) if keep or at not in gone
    )


def reduced_type(
    context: Context, function: Builtin, type: ArrayType, axes: tuple[int, ...] | None, keep: bool
) -> ArrayType:
    """Return the type of a reduction: floats accumulate and return at least f32."""
    result = result_dtype(function.signatures[0])
    dtype = type.dtype
    if result in ("bool", "int"):
        dtype = "bool" if result == "bool" else "i32"
    elif kind(type.dtype) == "float":
        dtype = "f32" if type.dtype in ("f16", "bf16") else type.dtype
    elif result == "float":
        dtype = context.default_float
    elif kind(type.dtype) == "bool":
        dtype = "i32"
    if type.dims is None:
        return array(dtype, () if axes is None and not keep else None)
    return array(dtype, reduced_dims(type.dims, axes, keep))
