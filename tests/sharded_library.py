"""Every function of the library with its batch on four devices; writes what is refused or differs.

Run in a process of its own, for the number of devices is fixed when JAX starts. Value and gradient
of every function are traced on a mesh with explicit axes, which is where JAX refuses; those of the
functions that couple the examples of a batch are also compared with one device.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import lossdsl
from lossdsl.testing.draw import Sizes, draw
from lossdsl.testing.subject import Subject, is_real

DEVICES = 4
SIZES = Sizes(run=(2 * DEVICES, 3), dims={"N": 2 * DEVICES, "B": 2 * DEVICES, "K": 3}, other=3)
COUPLED = (
    "arcface", "auc", "barlow", "box_iou", "clip_loss", "ctc", "giou", "midrank", "prod",
    "segment_sum", "sort", "supcon",
)  # fmt: skip
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


def slopes(text: str) -> Any:
    """Return the function that gives value and gradient of a loss."""
    loss = lossdsl.compile(text)

    def fn(inputs: dict[str, Any]) -> Any:
        moving = {one: value for one, value in inputs.items() if is_real(value)}
        fixed = {one: value for one, value in inputs.items() if one not in moving}
        return jax.value_and_grad(lambda chosen: loss(**chosen, **fixed))(moving)

    return fn


def sharding(mesh: Any, leaf: Any) -> Any:
    """Return the sharding of a batch over all devices, and of anything else on each of them."""
    batch = np.ndim(leaf) > 0 and np.shape(leaf)[0] % DEVICES == 0
    return NamedSharding(mesh, PartitionSpec("data") if batch else PartitionSpec())


def problem(name: str) -> str | None:
    """Say what is wrong with a function whose batch is sharded; None if nothing is."""
    example = lossdsl.BUILTINS[name].about["example"].partition("\n")[0]
    text = TEXTS.get(name, example)
    inputs, fn = drawn(name, text), slopes(text)
    mesh = jax.make_mesh((DEVICES,), ("data",), axis_types=(AxisType.Explicit,))

    def shape(leaf: Any) -> Any:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding(mesh, leaf))

    try:
        with jax.set_mesh(mesh):
            jax.eval_shape(fn, jax.tree.map(shape, inputs))
    except Exception as found:
        return f"{type(found).__name__}: {str(found)[:200]}"
    return _difference(fn, inputs) if name in COUPLED else None


def _difference(fn: Any, inputs: dict[str, Any]) -> str | None:
    right = jax.jit(fn)(inputs)
    for kind in (AxisType.Auto, AxisType.Explicit):
        mesh = jax.make_mesh((DEVICES,), ("data",), axis_types=(kind,))
        given = {
            name: jax.tree.map(lambda leaf: jax.device_put(leaf, sharding(mesh, leaf)), value)  # noqa: B023
            for name, value in inputs.items()
        }
        with jax.set_mesh(mesh):
            spread = jax.jit(fn)(given)
        pairs = zip(jax.tree.leaves(spread), jax.tree.leaves(right), strict=True)
        if not all(np.allclose(*pair, rtol=1e-4, atol=1e-5) for pair in pairs):
            return f"differs on a mesh of {kind.name} axes"
    return None


if __name__ == "__main__":
    names = sys.argv[1:] or sorted(lossdsl.BUILTINS)
    found = {name: said for name in names if (said := problem(name)) is not None}
    sys.stdout.write(json.dumps({"functions": len(names), "bad": found}))
