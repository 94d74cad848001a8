"""The types of primitives applied to values, and the nodes that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from lossdsl.check.constants import literal_fits
from lossdsl.check.context import Context, Scope, Value
from lossdsl.check.floating import as_floats
from lossdsl.check.leaves import as_read
from lossdsl.check.refusals import dtype_problem, shape_problem, shown, structure_problem
from lossdsl.check.roles import resulting, with_role
from lossdsl.diagnostics.diagnostic import Label
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.types.broadcast import BroadcastProblem, broadcast
from lossdsl.types.elementwise import (
    DtypeProblem,
    compute_dtype,
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
    arithmetic_dtype,
    array,
    kind,
)


def apply_elementwise(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    span: Span,
    options: Mapping[str, object] | None = None,
    arrays_per_leaf: bool = False,
    said: str | None = None,
) -> Value:
    """Apply a function to arrays that broadcast, or leaf by leaf to trees.

    With `arrays_per_leaf` an array beside a tree is for every leaf, as a bound may be. `said` is
    how diagnostics name the function, if not by what stands in the text.
    """
    said = said or shown(function, span)
    signature = function.taking(len(operands))
    wanted = parameter_dtypes(signature)
    operands = [
        # A mask may be a tree of truth values.
        (value if want == "bool" else as_read(context, scope, value, at), at)
        for (value, at), want in zip(operands, wanted, strict=True)
    ]
    types = [value.type for value, _ in operands]
    result: Type
    if any(isinstance(type, UnknownType) for type in types):
        found = UNKNOWN
    elif any(isinstance(type, RecordType) for type in types):
        at = next(at for at, type in enumerate(types) if isinstance(type, RecordType))
        context.error(
            scope,
            "LD203",
            f"`{said}` takes arrays; this is a record",
            operands[at][1],
            str(types[at]),
            help="name a field, such as `.mu`",
        )
        found = None
    elif any(isinstance(type, TreeType) for type in types):
        found = _over_trees(context, scope, function, operands, arrays_per_leaf, said)
    else:
        arrays = cast("list[ArrayType]", types)
        found = array_result(context, scope, function, operands, arrays, said)
    if found is None:
        return context.unknown()
    result = found
    if isinstance(result, TreeType):
        operands = [
            (as_floats(context, scope, value, context.default_float, at), at)
            if _are_floats_in(value.type, result)
            else (value, at)
            for value, at in operands
        ]
    operands = _floats(context, scope, function, operands)
    names = [one.name for one in signature.parameters]
    result = with_role(result, resulting(function, zip(names, types, strict=False)))
    nodes = [value.node for value, _ in operands]
    return context.value(context.graph.apply(function, nodes, result, options), result, span, scope)


def _are_floats_in(type: Type, result: TreeType) -> bool:
    """Say whether the whole numbers at the leaves of an operand are floats in a result."""
    if not isinstance(type, TreeType) or None in (type.leaves, result.leaves):
        return False
    pairs = zip(type.leaves or (), result.leaves or (), strict=True)
    kinds = {kind(there.dtype) for (_, leaf), (_, there) in pairs if kind(leaf.dtype) == "int"}
    return kinds == {"float"}


def _floats(
    context: Context, scope: Scope, function: Builtin, operands: Sequence[tuple[Value, Span]]
) -> Sequence[tuple[Value, Span]]:
    """Convert the operands that may outgrow 32 bits where a function of arrays is one of floats."""
    types = [value.type for value, _ in operands]
    if not context.concrete or not all(isinstance(type, ArrayType) for type in types):
        return operands
    signature = function.taking(len(operands))
    wanted, result = parameter_dtypes(signature), result_dtype(signature)
    arrays = cast("list[ArrayType]", types)
    met = compute_dtype(wanted, result, arrays, context.default_float, function.grows)
    return [
        (as_floats(context, scope, value, met or "", span) if want != "bool" else value, span)
        for (value, span), want in zip(operands, wanted, strict=True)
    ]


def array_result(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    types: Sequence[ArrayType],
    said: str,
) -> ArrayType | None:
    """Return the type of an elementwise function of arrays; None after a diagnostic."""
    signature = function.taking(len(operands))
    wanted, result = parameter_dtypes(signature), result_dtype(signature)
    met = promoted(wanted, result, types, context.default_float, function.grows)
    if isinstance(met, DtypeProblem):
        dtype_problem(context, scope, said, met, operands)
        return None
    shape = broadcast([type.dims for type in types])
    if isinstance(shape, BroadcastProblem):
        shape_problem(context, scope, said, shape, operands)
        return None
    for (value, span), want in zip(operands, wanted, strict=True):
        if want != "bool" and not literal_fits(context, scope, value, met.dtype, span):
            return None
    dtype = met.dtype if result in ("num", "any") else result
    if result == "float" and kind(met.dtype) in ("float", "int"):
        dtype = met.dtype
    type = ArrayType(dtype, shape, met.strength)
    return ArrayType(dtype, shape) if shape != () else type


def _over_trees(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    arrays_per_leaf: bool,
    said: str,
) -> TreeType | None:
    trees = [(value, span) for value, span in operands if isinstance(value.type, TreeType)]
    first, first_span = trees[0]
    for value, span in operands:
        if isinstance(value.type, ArrayType) and value.type.rank and not arrays_per_leaf:
            context.error(
                scope,
                "LD206",
                f"`{said}` of a tree and an array",
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
            others = [path for path, _ in leaves or ()]
            structure_problem(context, scope, (paths, first_span), (others, span))
            return None
    return _map_leaves(context, scope, function, operands, paths, said)


def _map_leaves(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    paths: Sequence[Path],
    said: str,
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
        result = array_result(context, scope, function, of_leaf, types, said)
        if result is None:
            return None
        leaves.append((path, result))
    return TreeType(None, tuple(leaves))


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
    context: Context,
    function: Builtin,
    type: ArrayType,
    axes: tuple[int, ...] | None,
    keep: bool,
    weighted: bool = False,
) -> ArrayType:
    """Return the type of a reduction: at least 32 bits; a weighted one is of floats."""
    result = "float" if weighted else result_dtype(function.signatures[0])
    dtype = arithmetic_dtype(type.dtype, context.default_float, function.grows is not None)
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
