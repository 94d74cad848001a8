"""Evaluation apart from what the caller's program sets: rules of promotion, and typed meshes.

What a loss means is said by its text. Operands meet by the rules of the language, whatever JAX is
told of its own (`jax_numpy_dtype_promotion`, `jax_numpy_rank_promotion`). On a mesh with explicit
axes the type of an array says how it is sharded, and JAX refuses operations whose result it cannot
place: a product of a batch with itself, a sort or a gather along a sharded axis. A loss is a
number, which lies everywhere, so XLA places what is between it and the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.library.promotion import own_rules

Run = Callable[[dict[str, Any]], Any]


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
    """Return the mesh along whose explicit axes inputs are sharded, or None."""
    sharded: dict[str, Any] = {}
    for name, value in inputs.items():
        for leaf in jax.tree.leaves(value):
            sharding = getattr(jax.typeof(leaf), "sharding", None)
            if sharding is None or all(axis is None for axis in sharding.spec):
                continue
            for other, mesh in sharded.items():
                if mesh != sharding.mesh:
                    raise LossError([_two_meshes(other, mesh, name, sharding.mesh)])
            sharded.setdefault(name, sharding.mesh)
    return next(iter(sharded.values()), None)


def _two_meshes(first: str, mesh: Any, second: str, other: Any) -> Diagnostic:
    if first == second:
        message = f"leaves of `{first}` are sharded over {_shown(mesh)} and over {_shown(other)}"
    else:
        message = f"`{first}` is sharded over {_shown(mesh)} and `{second}` over {_shown(other)}"
    help = "place every input on one mesh: `jax.device_put(x, NamedSharding(mesh, P(...)))`"
    return at("LD226", message, None, help=help)


def _shown(mesh: Any) -> str:
    """Return a mesh as its axes with their sizes and types."""
    axes = zip(mesh.shape.items(), mesh.axis_types, strict=True)
    return "a mesh of " + " by ".join(
        f"{name}={size}{'' if type == AxisType.Explicit else f' ({type.name.lower()})'}"
        for (name, size), type in axes
    )
