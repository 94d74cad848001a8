"""Evaluation apart from what the caller's program sets: rules of promotion, and typed meshes.

What a loss means is said by its text. Operands meet by the rules of the language, whatever JAX is
told of its own (`jax_numpy_dtype_promotion`, `jax_numpy_rank_promotion`). On a mesh with explicit
axes the type of an array says how it is sharded, and JAX refuses operations whose result it cannot
place: a product of a batch with itself, a sort or a gather along a sharded axis. A loss is a
number, which lies everywhere, so XLA places what is between it and the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec

Run = Callable[[dict[str, Any]], Any]


@contextmanager
def own_rules() -> Generator[None]:
    """Let operands meet as they do without what JAX is told of promotion."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def apart(run: Run) -> Run:
    """Return a function of inputs that is evaluated alike wherever it is called."""

    def evaluated(inputs: dict[str, Any]) -> Any:
        mesh = _explicit_mesh(inputs)
        with own_rules():
            if mesh is None:
                return run(inputs)
            everywhere = NamedSharding(mesh, PartitionSpec())
            axes = mesh.explicit_axes
            return jax.sharding.auto_axes(run, axes=axes, out_sharding=everywhere)(inputs)

    return evaluated


def _explicit_mesh(inputs: Mapping[str, Any]) -> Any:
    """Return the mesh along whose explicit axes an input is sharded, or None."""
    for leaf in jax.tree.leaves(inputs):
        sharding = getattr(jax.typeof(leaf), "sharding", None)
        if sharding is not None and any(one is not None for one in sharding.spec):
            return sharding.mesh
    return None
