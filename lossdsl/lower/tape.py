"""From flat core to JAX: one loop over the tape, calling a kernel for each operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim

from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, tape
from lossdsl.lower.foreign import applied
from lossdsl.lower.jax_dtypes import jax_dtype
from lossdsl.lower.symbolic import run_with_open_sizes
from lossdsl.lower.typed import hold
from lossdsl.specialization import Call
from lossdsl.types.types import ArrayType, Type

# A value is an array, a Python number, or the list of a tree's leaves in the order of its type.
Value = Any


def evaluate(
    graph: Graph,
    roots: Iterable[Node],
    inputs: Mapping[str, Value],
    sizes: Mapping[str, int] | None = None,
) -> list[Value]:
    """Return the values of the roots at a call of these sizes, computing every node once."""
    sizes = sizes or {}
    asked = list(roots)
    values: dict[Node, Value] = {}
    for node in tape(asked):
        match node:
            case Const(value):
                values[node] = _constant(value, graph.types[node])
            case Input(name):
                values[node] = inputs[name]
            case Apply(function, arguments):
                operands = [
                    None if argument is None else values[argument] for argument in arguments
                ]
                if function.foreign:
                    values[node] = applied(graph, node, operands, sizes)
                elif graph.sizes:
                    values[node] = run_with_open_sizes(graph, node, operands)
                else:
                    values[node] = function.kernel(*operands, **dict(node.options))
                    hold(graph, node, values[node], sizes)
            case Leaves():
                raise AssertionError("selected when core was made flat")
            case _:
                assert_never(node)
    return [values[root] for root in asked]


def evaluate_call(call: Call, inputs: Mapping[str, Value]) -> list[Value]:
    """Return the values of the roots of a call."""
    return evaluate(call.flat.graph, call.flat.roots, inputs, call.sizes)


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
