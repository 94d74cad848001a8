"""From core to JAX: one loop over the tape, calling a kernel for each operation."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, assert_never, cast

from lossdsl.check.bounded import takes_constraints
from lossdsl.check.leaves import tree_leaves
from lossdsl.check.trees import selected_at
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, tape
from lossdsl.infer.elementwise import compute_dtype, parameter_dtypes, result_dtype
from lossdsl.infer.patterns import is_operand
from lossdsl.library.forms import Form
from lossdsl.library.primitives.masked import converted
from lossdsl.lower.dtypes import jax_dtype
from lossdsl.lower.foreign import applied
from lossdsl.lower.typed import hold
from lossdsl.syntax import ast
from lossdsl.types.dtypes import LONG_NAMES
from lossdsl.types.types import ArrayType, Path, RecordType, TreeType, Type

# A value is an array, a Python number, or the list of a tree's leaves in the order of its type.
Value = Any


def evaluate(
    graph: Graph, roots: Iterable[Node], inputs: Mapping[str, Value], default_float: str
) -> list[Value]:
    """Return the values of the roots, computing every node once."""
    wanted = list(roots)
    values: dict[Node, Value] = {}
    for node in tape(wanted):
        match node:
            case Const(value):
                values[node] = _constant(value, graph.types[node], default_float)
            case Input(name):
                values[node] = inputs[name]
            case Leaves(tree):
                values[node] = _leaves(graph, node, values[tree])
            case Apply(_, arguments):
                given = [None if one is None else values[one] for one in arguments]
                run = functools.partial(_apply, graph, node, given, default_float)
                foreign = node.function.foreign
                values[node] = applied(graph, node, given, run) if foreign else run()
                if not foreign:
                    hold(graph, node, values[node])
            case _:
                assert_never(node)
    return [values[root] for root in wanted]


def _constant(value: Any, type: Type, default_float: str) -> Value:
    if not isinstance(value, tuple):
        # A size that no int32 holds is exact enough as a number.
        large = isinstance(value, int) and abs(value) >= 2**31
        return float(value) if large else value
    import numpy as np

    name = type.dtype if isinstance(type, ArrayType) else "float"
    name = {"int": "i32", "float": default_float}.get(name, name)
    return np.asarray(value, jax_dtype(name if name in LONG_NAMES else default_float))


def _leaves(graph: Graph, node: Leaves, tree: Sequence[Value]) -> Value:
    if isinstance(graph.types[node.tree], ArrayType):
        return tree
    found = selected_at(node.selector, tree_leaves(graph.types[node.tree]))
    if isinstance(graph.types[node], ArrayType):
        return tree[found[0]]
    return [tree[at] for at in found]


def _apply(graph: Graph, node: Apply, operands: list[Value], default_float: str) -> Value:
    function, type = node.function, graph.types[node]
    options = dict(node.options)
    types = [None if one is None else graph.types[one] for one in node.arguments]
    match function.form:
        case Form.BRANCHES:
            return _flat(operands)
        case Form.LEAF:
            return operands[0][cast("int", options["at"])]
        case Form.USABLE:
            kept = set(cast("tuple[Path, ...]", options["paths"]))
            paired = zip(tree_leaves(cast("Type", types[0])), operands[0], strict=True)
            return [leaf for (path, _), leaf in paired if path in kept]
        case _:
            pass
    if function.reduction:
        return _reduce(node, type, operands)
    if isinstance(type, TreeType):
        return _over_leaves(node, type, operands, types, default_float)
    if function.elementwise:
        given = [cast("ArrayType", one) for one in types]
        return function.kernel(*_met(node, operands, given, default_float), **options)
    if any(isinstance(one, list) for one in operands) and not _takes_trees(node):
        operands = _flat(operands)
    return function.kernel(*_arrays(node, type, operands, types, default_float), **options)


def _flat(values: Iterable[Value]) -> list[Value]:
    """Return the leaves of all trees, and arrays as they are, in one list."""
    return [leaf for one in values for leaf in (one if isinstance(one, list) else [one])]


def _arrays(
    node: Apply,
    result: Type,
    operands: Sequence[Value],
    types: Sequence[Type | None],
    default_float: str,
) -> list[Value]:
    """Make arrays of numbers that are given where a function works on the axes of an array.

    One that the result holds as it is has the dtype of the result.
    """
    parameters = filter(is_operand, node.function.signatures[0].parameters)
    given = list(operands)
    for at, (parameter, type) in enumerate(zip(parameters, types, strict=False)):
        pattern = parameter.type
        shaped = isinstance(pattern, ast.ArrayTypeExpr) and (pattern.dims or node.function.internal)
        if shaped and isinstance(given[at], (bool, int, float)):
            held = parameter.name in node.function.keeps
            of = result if held else cast("Type", type)
            given[at] = _constant((given[at],), of, default_float)[0]
    return given


def _takes_trees(node: Apply) -> bool:
    signature = node.function.signatures[0]
    return not takes_constraints(signature) and any(
        isinstance(one.type, ast.TreeTypeExpr) for one in signature.parameters
    )


def _met(
    node: Apply, operands: Sequence[Value], types: Sequence[ArrayType], default_float: str
) -> list[Value]:
    """Convert the operands of an elementwise function to the dtype in which they meet.

    Numbers stay numbers, which take the dtype of the arrays.
    """
    signature = node.function.taking(len(operands))
    wanted = parameter_dtypes(signature)
    name = compute_dtype(wanted, result_dtype(signature), types, default_float, node.function.grows)
    if name is None or name in ("num", "any", "int", "float"):
        return list(operands)
    dtype = jax_dtype(name)
    if not any(hasattr(one, "dtype") for one in operands):
        # A function of nothing but numbers: there is no array whose dtype a whole number takes.
        return [
            float(one) if want == "float" and isinstance(one, int) else one
            for one, want in zip(operands, wanted, strict=True)
        ]
    return [
        one
        if want == "bool" or not hasattr(one, "dtype") or one.dtype == dtype
        else converted(one, dtype)
        for one, want in zip(operands, wanted, strict=True)
    ]


def _over_leaves(
    node: Apply,
    type: TreeType,
    operands: Sequence[Value],
    types: Sequence[Type | None],
    default_float: str,
) -> list[Value]:
    results: list[Value] = []
    for at, _ in enumerate(type.leaves or ()):
        of_leaf = [one[at] if isinstance(one, list) else one for one in operands]
        if node.function.elementwise:
            leaf_types = [
                tree_leaves(one)[at][1]
                if isinstance(one, (TreeType, RecordType))
                else cast("ArrayType", one)
                for one in types
            ]
            of_leaf = _met(node, of_leaf, leaf_types, default_float)
        results.append(node.function.kernel(*of_leaf, **node.options_at(at)))
    return results


def _reduce(node: Apply, type: Type, operands: list[Value]) -> Value:
    """Reduce an array; a tree leaf by leaf, or over every element of every leaf."""
    kernel, options = node.function.kernel, dict(node.options)
    if not isinstance(operands[0], list):
        return kernel(*operands, **options)
    leaves = operands[0]
    each = [[one[at] if isinstance(one, list) else one for one in operands[1:]]
            for at in range(len(leaves))]  # fmt: skip
    if isinstance(type, TreeType):
        return [
            kernel(leaf, *rest, **node.options_at(at))
            for at, (leaf, rest) in enumerate(zip(leaves, each, strict=True))
        ]
    plain = all(one is None for one in operands[1:])
    across = ACROSS.get(node.function.across or "")
    if not leaves:
        import jax.numpy as jnp

        return jnp.zeros((), jax_dtype(cast("ArrayType", type).dtype))
    if plain and across is not None:
        partial = [leaf if leaf.ndim == 0 else kernel(leaf, **options) for leaf in leaves]
        sizes = [leaf.size for leaf in leaves]
        # Leaves that are selected from numbers alone have no dtype of their own. The others have it
        # before they are combined: a sum of truth values is none.
        name = cast("ArrayType", type).dtype
        dtype = jax_dtype(name) if name in LONG_NAMES else partial[0].dtype
        return across([one if one.dtype == dtype else one.astype(dtype) for one in partial], sizes)
    return kernel(*_joined(leaves, each), **options)


def _joined(leaves: Sequence[Value], each: Sequence[Sequence[Value]]) -> list[Value]:
    """Lay the elements of all leaves end to end, with their masks and weights."""
    import jax.numpy as jnp

    joined = [jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])]
    for at in range(len(each[0])):
        parts = [rest[at] for rest in each]
        if any(part is None for part in parts):
            joined.append(cast("Any", None))
            continue
        spread = [
            jnp.ravel(jnp.broadcast_to(part, leaf.shape))
            for part, leaf in zip(parts, leaves, strict=True)
        ]
        joined.append(jnp.concatenate(spread))
    return joined


def _fold(combine: Callable[[Any, Any], Any]) -> Callable[[list[Any], list[int]], Any]:
    return lambda partial, sizes: functools.reduce(combine, partial)


def _mean(partial: list[Any], sizes: list[int]) -> Any:
    """Combine the means of leaves, each counting by its number of elements."""
    if all(size == sizes[0] for size in sizes):
        return functools.reduce(operator.add, partial) / len(partial)
    total = sum(sizes)
    return functools.reduce(
        operator.add, [mean * (size / total) for mean, size in zip(partial, sizes, strict=True)]
    )


def _numpy(name: str) -> Callable[[Any, Any], Any]:
    def combine(a: Any, b: Any) -> Any:
        import jax.numpy as jnp

        return getattr(jnp, name)(a, b)

    return combine


ACROSS: dict[str, Callable[[list[Any], list[int]], Any]] = {
    "mean": _mean,
    "add": _fold(operator.add),
    "multiply": _fold(operator.mul),
    "maximum": _fold(_numpy("maximum")),
    "minimum": _fold(_numpy("minimum")),
    "and": _fold(_numpy("logical_and")),
    "or": _fold(_numpy("logical_or")),
}
