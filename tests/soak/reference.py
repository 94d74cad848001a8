"""What a program is worth in float64, and how far rounding in its own dtypes may lead from it.

The interpreter of core runs several times, each with every value moved a little, by as much as its
dtype rounds: the spread of the results says how exact any evaluation can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import oracle

from lossdsl.core.graph import Apply, Core, Graph, Node, tape
from lossdsl.types.types import ArrayType, TreeType

# What one operation of a dtype may be off by, relatively, and its largest number.
ROUNDING = {"f16": 2.0**-10, "bf16": 2.0**-7, "f32": 2.0**-22, "float": 2.0**-22, "f64": 2.0**-50}
LARGEST = {"f16": 65504.0, "bf16": 3e38, "f32": 3e38, "float": 3e38, "f64": 1e300}
SMALLEST = {"f16": 1e-7, "bf16": 1e-37, "f32": 1e-37, "float": 1e-37, "f64": 1e-300}
RUNS = 5


class OutOfRange(Exception):
    """A value on the way is too large for its dtype, or is no number."""


def evaluated(
    core: Core, roots: list[Node], inputs: Mapping[str, Any], noise: np.random.Generator | None
) -> dict[Node, Any]:
    """Return the value of every node; with `noise`, each is off by the rounding of its dtype."""
    known: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for node in tape(roots):
            value = oracle._evaluate(core.graph, node, known, inputs)
            known[node] = value if noise is None else _moved(core.graph, node, value, noise)
    return known


def interval(
    core: Core, roots: list[Node], inputs: Mapping[str, Any]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the value of each root, and how far a right evaluation may be from it."""
    exact = evaluated(core, roots, inputs, None)
    for node, value in exact.items():
        _hold_range(core.graph, node, value)
    noisy = [evaluated(core, roots, inputs, np.random.default_rng(at)) for at in range(RUNS)]
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for root in roots:
        spread = np.max([abs(one[root] - exact[root]) for one in noisy], axis=0)
        found.append((exact[root], 10 * spread))
    return found


def _leaves(graph: Graph, node: Node, value: Any) -> list[tuple[str, Any]]:
    type = graph.types[node]
    if isinstance(type, ArrayType):
        return [(type.dtype, value)]
    if isinstance(type, TreeType) and isinstance(value, dict):
        dtypes = dict(oracle.leaf_types(type))
        return [(dtypes[path].dtype, leaf) for path, leaf in value.items()]
    return []


def _hold_range(graph: Graph, node: Node, value: Any) -> None:
    for dtype, leaf in _leaves(graph, node, value):
        if dtype in LARGEST and leaf.size and not np.all(abs(leaf) < LARGEST[dtype]):
            raise OutOfRange


def _moved(graph: Graph, node: Node, value: Any, noise: np.random.Generator) -> Any:
    if not isinstance(node, Apply):
        return value
    type = graph.types[node]

    def off(dtype: str, leaf: Any) -> Any:
        if dtype not in ROUNDING or np.asarray(leaf).dtype.kind != "f":
            return leaf
        by = noise.uniform(-1, 1, np.shape(leaf))
        return leaf + by * (ROUNDING[dtype] * abs(leaf) + SMALLEST[dtype])

    if isinstance(value, dict):
        dtypes = dict(oracle.leaf_types(type))
        return {path: off(dtypes[path].dtype, leaf) for path, leaf in value.items()}
    return off(type.dtype, value) if isinstance(type, ArrayType) else value
