"""What a checked program is worth: an interpreter of core in float64 NumPy.

It reads core as the checker leaves it, before any rewrite, and shares no code with the compiler:
every function is written down a second time, in `oracle_functions` and `oracle_reductions`. A
tree is a dict from path to array.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from oracle_families import FAMILIES
from oracle_functions import ARRAYS, COSTS, ELEMENTWISE
from oracle_reductions import reduce_array, reduce_tree

from lossdsl.core.graph import Apply, Const, Core, Graph, Input, Leaves, Node, tape
from lossdsl.library.declare import Builtin
from lossdsl.selectors import select
from lossdsl.types.types import ArrayType, Dim, Path, RecordType, TreeType, Type, kind, literal_dim

Tree = dict[Path, np.ndarray]
Value = Any  # an array, or a Tree
Options = Mapping[str, Any]

DTYPES = {
    "bool": "bool",
    "float16": "f16",
    "bfloat16": "bf16",
    **{f"float{bits}": f"f{bits}" for bits in (32, 64)},
    **{f"int{bits}": f"i{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"u{bits}" for bits in (8, 16, 32, 64)},
}


@dataclass(frozen=True)
class TermValue:
    """One addend of a result: `weighted` is `weight` times `raw`, as it is added."""

    raw: np.ndarray
    weight: np.ndarray
    weighted: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """What a program is worth: results and metrics by name, terms by result and name."""

    values: Mapping[str, np.ndarray]
    terms: Mapping[str, Mapping[str, TermValue]]
    metrics: Mapping[str, Value]


def evaluate(
    core: Core, inputs: Mapping[str, object], given: Mapping[Node, Value] | None = None
) -> Evaluation:
    """Evaluate every result, term and metric of a program; values of some nodes may be given."""
    roots = [outcome.value for outcome in core.results]
    for outcome in core.results:
        for term in outcome.terms:
            roots += [term.raw, term.weight, term.weighted]
    roots += core.metrics.values()
    known = values_of(core.graph, roots, inputs, given)
    return Evaluation(
        {outcome.name: known[outcome.value] for outcome in core.results},
        {
            outcome.name: {
                term.name: TermValue(known[term.raw], known[term.weight], known[term.weighted])
                for term in outcome.terms
            }
            for outcome in core.results
        },
        {name: known[node] for name, node in core.metrics.items()},
    )


def stopped(core: Core, inputs: Mapping[str, object]) -> Mapping[Node, Value]:
    """Return the values through which no gradient flows."""
    roots = [outcome.value for outcome in core.results]
    known = values_of(core.graph, roots, inputs)
    return {
        node: value
        for node, value in known.items()
        if isinstance(node, Apply) and node.function.name in ("stop_gradient", "sg")
    }


def values_of(
    graph: Graph,
    roots: Iterable[Node],
    inputs: Mapping[str, object],
    given: Mapping[Node, Value] | None = None,
) -> dict[Node, Value]:
    """Return the value of every node that the roots read; some may be given."""
    known = dict(given or {})
    with np.errstate(all="ignore"):
        for node in tape(roots):
            if node not in known:
                known[node] = _evaluate(graph, node, known, inputs)
    return known


def _evaluate(
    graph: Graph, node: Node, known: Mapping[Node, Value], inputs: Mapping[str, object]
) -> Value:
    match node:
        case Const(Dim() as dim):
            return np.asarray(dim.known)
        case Const(value):
            return widened(value)
        case Input(name):
            return _input(inputs[name], graph.types[node])
        case Leaves(tree):
            return _leaves(graph, node, known[tree])
        case Apply(function, arguments, options):
            operands = [None if one is None else known[one] for one in arguments]
            return _apply(function, operands, dict(options), graph.types[node])


def _input(value: object, type: Type) -> Value:
    if isinstance(type, ArrayType):
        return widened(value)
    found = dict(flatten(value))
    return {path: widened(found[path]) for path, _ in leaf_types(type)}


def _leaves(graph: Graph, node: Leaves, tree: Tree) -> Value:
    types = dict(leaf_types(graph.types[node.tree]))
    paths = list(types)
    found = select(
        node.selector,
        paths,
        [types[path].rank or 0 for path in paths],
        [types[path].dtype for path in paths],
    )
    result = graph.types[node]
    if isinstance(result, ArrayType):
        (at,) = found
        return tree[paths[at]]
    names = [path for path, _ in leaf_types(result)]
    return {name: tree[paths[at]] for name, at in zip(names, found, strict=True)}


def _apply(function: Builtin, operands: Sequence[Value], options: Options, type: Type) -> Value:
    name = function.name
    has_tree = any(isinstance(one, dict) for one in operands)
    if name == "branches":
        return dict(zip([path for path, _ in leaf_types(type)], _elements(operands), strict=True))
    if name == "cast":
        return _cast(*operands, options["dtype"])
    if name == "usable":
        return {path: operands[0][path] for path, _ in leaf_types(type)}
    if name in ("bounds", "penalty"):
        return COSTS[options["reduce"]](_elements(operands))
    if function.reduction and isinstance(type, TreeType):
        leaves = zip(_by_leaf(operands), options["axis"], strict=True)
        return {
            path: reduce_array(name, one, {**options, "axis": axes}) for (path, one), axes in leaves
        }
    if function.reduction:
        return (reduce_tree if has_tree else reduce_array)(name, operands, options)
    compute = FAMILIES.get(name) or (ELEMENTWISE if function.elementwise else ARRAYS)[name]
    if has_tree:
        return {path: np.asarray(compute(*one, **options)) for path, one in _by_leaf(operands)}
    return np.asarray(compute(*operands, **options))


def _elements(operands: Sequence[Value]) -> list[np.ndarray]:
    """Return the arrays in a list of arrays and trees."""
    return [leaf for one in operands for leaf in (one.values() if isinstance(one, dict) else [one])]


def _by_leaf(operands: Sequence[Value]) -> Iterator[tuple[Path, list[Any]]]:
    """Yield the operands of each leaf: leaves by place, anything else the same for all."""
    columns = [list(one.values()) if isinstance(one, dict) else one for one in operands]
    tree = next(one for one in operands if isinstance(one, dict))
    for at, path in enumerate(tree):
        yield path, [column[at] if isinstance(column, list) else column for column in columns]


def _cast(value: Value, dtype: str | tuple[str, ...]) -> Value:
    """Convert between the kinds of numbers; all floats are one kind here."""
    if isinstance(value, dict):
        dtypes = [dtype] * len(value) if isinstance(dtype, str) else dtype
        return {
            path: _cast(leaf, to) for (path, leaf), to in zip(value.items(), dtypes, strict=True)
        }
    return value.astype({"bool": bool, "int": np.int64}.get(kind(str(dtype)), np.float64))


def leaf_types(type: Type, prefix: Path = ()) -> list[tuple[Path, ArrayType]]:
    """Return the paths and types of the arrays in a tree or record."""
    match type:
        case ArrayType():
            return [(prefix, type)]
        case TreeType(leaves=leaves):
            return [((*prefix, *path), leaf) for path, leaf in leaves or ()]
        case RecordType(fields):
            return [one for name, field in fields for one in leaf_types(field, (*prefix, name))]
        case _:
            raise TypeError(f"no leaves in {type}")


def widened(value: object) -> np.ndarray:
    """Return an array with floats as float64 and integers as int64."""
    array = np.asarray(value)
    if array.dtype == bool:
        return array
    return array.astype(np.int64 if np.issubdtype(array.dtype, np.integer) else np.float64)


def flatten(value: object, prefix: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the leaves of dicts, lists, tuples and named tuples, dicts in sorted order."""
    children: Iterable[tuple[Any, Any]]
    match value:
        case None:
            return
        case Mapping():
            children = sorted(value.items())
        case tuple() if hasattr(value, "_fields"):
            children = zip(value._fields, value, strict=True)
        case list() | tuple():
            children = enumerate(value)
        case _:
            yield prefix, value
            return
    for key, child in children:
        yield from flatten(child, (*prefix, *str(key).split("/")))


def type_of(value: object) -> Type:
    """Return the concrete type of an array, a scalar or a tree of arrays."""
    if isinstance(value, Mapping | list | tuple):
        return TreeType(None, tuple((path, _array_type(leaf)) for path, leaf in flatten(value)))
    return _array_type(value)


def _array_type(value: object) -> ArrayType:
    array = np.asarray(value)
    dims = tuple(literal_dim(size) for size in array.shape)
    return ArrayType(DTYPES[array.dtype.name], dims, 3 if dims else 2)
