"""Every function of the library with its batch on four devices; writes what is refused or differs.

Run in a process of its own, for the number of devices is fixed when JAX starts. Value and gradient
of every function are traced on a mesh with explicit axes, which is where JAX refuses, and under
strict promotion, where it refuses too; those of the functions that couple the examples of a batch
are also compared with one device.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import lossdsl
from lossdsl.testing.draw import Sizes, draw
from lossdsl.testing.trial import Subject, is_real

DEVICES = 4
SIZES = Sizes(run=(2 * DEVICES, 3), dims={"N": 2 * DEVICES, "B": 2 * DEVICES, "K": 3}, other=3)
COUPLED = (
    "arcface", "auc", "barlow", "box_iou", "clip_loss", "ctc", "giou", "midrank", "prod",
    "segment_sum", "sort", "supcon",
)  # fmt: skip
# What only the kind of the axes decides is asked of the losses in `test_sharding.py`.
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
KINDS = (AxisType.Auto, AxisType.Explicit) if SOAK else (AxisType.Explicit,)
# Examples that are of one size.
TEXTS = {
    "arange": "mean(out[0]*arange(3))",
    "one_hot": "mean(one_hot(y, 3))",
    "reshape": "mean(reshape(out, (2, -1)))",
}


def _narrow(leaf: Any) -> Any:
    found = np.asarray(leaf)
    return found.astype(np.float32) if found.dtype == np.float64 else found


def drawn(name: str, text: str) -> dict[str, Any]:
    """Return random inputs of a text, in 32 bits."""
    subject = Subject(lossdsl.BUILTINS[name], lossdsl.BUILTINS, {})
    return jax.tree.map(_narrow, draw(subject.drawn, text, 0, SIZES))


def call_of(name: str) -> tuple[dict[str, Any], Any]:
    """Return inputs of a function's example, and what gives its value and gradient."""
    example = lossdsl.BUILTINS[name].about["example"].partition("\n")[0]
    text = TEXTS.get(name, example)
    loss = lossdsl.compile(text)

    def fn(inputs: dict[str, Any]) -> Any:
        moving = {one: value for one, value in inputs.items() if is_real(value)}
        fixed = {one: value for one, value in inputs.items() if one not in moving}
        return jax.value_and_grad(lambda chosen: loss(**chosen, **fixed))(moving)

    return drawn(name, text), fn


def sharding(mesh: Any, leaf: Any) -> Any:
    """Return the sharding of a batch over all devices, and of anything else on each of them."""
    batch = np.ndim(leaf) > 0 and np.shape(leaf)[0] % DEVICES == 0
    return NamedSharding(mesh, PartitionSpec("data") if batch else PartitionSpec())


def refusal(name: str) -> str | None:
    """Say what is wrong with a function whose batch is sharded; None if nothing is."""
    inputs, fn = call_of(name)
    mesh = jax.make_mesh((DEVICES,), ("data",), axis_types=(AxisType.Explicit,))

    def shape(leaf: Any, mesh: Any = None) -> Any:
        where = None if mesh is None else sharding(mesh, leaf)
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where)

    def told(mesh: Any) -> str | None:
        with nullcontext() if mesh is None else jax.set_mesh(mesh):
            try:
                jax.eval_shape(fn, jax.tree.map(partial(shape, mesh=mesh), inputs))
            except Exception as found:
                return f"{type(found).__name__}: {str(found)[:200]}"
        return None

    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        both = told(mesh)
        if both is None:
            return None
        if alone := told(None):
            return f"under strict promotion, on one device too: {alone}"
    return f"on a mesh: {told(mesh) or f'under strict promotion alone: {both}'}"


def differences(names: Sequence[str]) -> dict[str, str]:
    """Say which functions are worth something else on a mesh than on one device."""
    calls = {name: call_of(name) for name in names}

    @jax.jit
    def solve(inputs: Any) -> Any:
        return {name: fn(inputs[name]) for name, (_, fn) in calls.items()}

    inputs = {name: given for name, (given, _) in calls.items()}
    right = solve(inputs)
    wrong: dict[str, str] = {}
    for kind in KINDS:
        mesh = jax.make_mesh((DEVICES,), ("data",), axis_types=(kind,))
        given = jax.tree.map(lambda leaf: jax.device_put(leaf, sharding(mesh, leaf)), inputs)  # noqa: B023
        with jax.set_mesh(mesh):
            spread = solve(given)
        for name in names:
            pairs = zip(jax.tree.leaves(spread[name]), jax.tree.leaves(right[name]), strict=True)
            if not all(np.allclose(*pair, rtol=1e-4, atol=1e-5) for pair in pairs):
                wrong[name] = f"differs on a mesh of {kind.name} axes"
    return wrong


if __name__ == "__main__":
    names = sys.argv[1:] or sorted(lossdsl.BUILTINS)
    found = {name: said for name in names if (said := refusal(name)) is not None}
    found |= differences([name for name in COUPLED if name in names and name not in found])
    sys.stdout.write(json.dumps({"functions": len(names), "bad": found}))
