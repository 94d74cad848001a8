"""From flat core to JAX: one loop over the tape, calling a kernel for each operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, assert_never

import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim

from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, tape
from lossdsl.lower.chunked import in_chunks
from lossdsl.lower.foreign import applied
from lossdsl.lower.jax_dtypes import jax_dtype
from lossdsl.lower.symbolic import run_with_open_sizes
from lossdsl.lower.typed import hold
from lossdsl.optimize.chunked_values import Chunked, steps
from lossdsl.specialization import Call
from lossdsl.types.types import ArrayType, Type

# A value is an array, a Python number, or the list of a tree's leaves in the order of its type.
Value = Any


def evaluate(
    graph: Graph,
    roots: Iterable[Node],
    inputs: Mapping[str, Value],
    sizes: Mapping[str, int] | None = None,
    chunked: Sequence[Chunked] = (),
) -> list[Value]:
    """Return the values of the roots at a call of these sizes, computing every node once."""
    asked = list(roots)
    values: dict[Node, Value] = {}
    for step in steps(asked, chunked) if chunked else tape(asked):
        if isinstance(step, Chunked):
            values |= in_chunks(partial(_run, graph), step, values)
        else:
            values[step] = _value(graph, step, values, inputs, sizes or {})
    return [values[root] for root in asked]


def evaluated(call: Call, inputs: Mapping[str, Value]) -> list[Value]:
    """Return the values of the roots of a call."""
    return evaluate(call.flat.graph, call.flat.roots, inputs, call.sizes, call.chunked)


def _run(graph: Graph, nodes: Iterable[Node], values: Mapping[Node, Value]) -> dict[Node, Value]:
    """Return the values of operations on others, whose rows may be some of those of their types."""
    known = dict(values)
    for node in nodes:
        known[node] = _value(graph, node, known, {}, None)
    return known


def _value(
    graph: Graph,
    node: Node,
    values: Mapping[Node, Value],
    inputs: Mapping[str, Value],
    sizes: Mapping[str, int] | None,
) -> Value:
    """Return the value of a node of others; without sizes it is not held against its type."""
    match node:
        case Const(value):
            return _constant(value, graph.types[node])
        case Input(name):
            return inputs[name]
        case Apply(function, arguments):
            operands = [None if argument is None else values[argument] for argument in arguments]
            if function.foreign:
                return applied(graph, node, operands, sizes or {})
            if graph.sizes:
                return run_with_open_sizes(graph, node, operands)
            value = function.kernel(*operands, **dict(node.options))
            if sizes is not None:
                hold(graph, node, value, sizes)
            return value
        case Leaves():
            raise AssertionError("selected when core was made flat")
        case _:
            assert_never(node)


def _constant(value: Any, type: Type) -> Value:
    if isinstance(value, tuple):
        assert isinstance(type, ArrayType)
        if any(map(is_symbolic_dim, value)):
            return jnp.stack([jnp.asarray(item) for item in value])
        return np.asarray(value, jax_dtype(type.dtype))
    if is_symbolic_dim(value):
        return jnp.asarray(value)
    # A size that no int32 holds is exact enough as a number.
    large = isinstance(value, int) and abs(value) >= 2**31
    return float(value) if large else value
