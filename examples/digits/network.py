"""A recurrent network of rate neurons with trainable time constants, in plain JAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

Params = dict[str, dict[str, jax.Array]]

ROWS, COLUMNS, CLASSES = 8, 8, 10


@dataclass(frozen=True)
class Network:
    """Sizes and time constants; `tau`, `spread` and `dt` are in seconds."""

    units: int
    tau: float
    spread: float
    dt: float
    steps_per_row: int

    def initialize(self, key: jax.Array) -> Params:
        """Draw the parameters: kernels scaled by fan-in, `tau` uniform around its mean."""
        keys = jax.random.split(key, 4)
        low, high = self.tau - self.spread, self.tau + self.spread
        return {
            "input": {"kernel": _kernel(keys[0], COLUMNS, self.units)},
            "recurrent": {
                "kernel": _kernel(keys[1], self.units, self.units),
                "bias": jnp.zeros(self.units),
                "tau": jax.random.uniform(keys[2], (self.units,), minval=low, maxval=high),
            },
            "readout": {
                "kernel": _kernel(keys[3], self.units, CLASSES),
                "bias": jnp.zeros(CLASSES),
            },
        }

    def scores(self, params: Params, images: jax.Array) -> jax.Array:
        """Show images `[B, 8, 8]` row by row and read the last state out: `[B, 10]`.

        Forward Euler of `tau dv/dt = -v + input + tanh(v) W + bias`. It is stable only while every
        `tau` stays well above `dt`, which is what the loss has to see to.
        """
        recurrent = params["recurrent"]
        leak = self.dt / recurrent["tau"]

        def euler(v: jax.Array, current: jax.Array) -> tuple[jax.Array, None]:
            drive = current + jnp.tanh(v) @ recurrent["kernel"] + recurrent["bias"]
            return v + leak * (drive - v), None

        rows = jnp.swapaxes(images @ params["input"]["kernel"], 0, 1)
        currents = jnp.repeat(rows, self.steps_per_row, axis=0)
        v, _ = jax.lax.scan(euler, jnp.zeros((images.shape[0], self.units)), currents)
        return jnp.tanh(v) @ params["readout"]["kernel"] + params["readout"]["bias"]


def _kernel(key: jax.Array, fan_in: int, fan_out: int) -> jax.Array:
    return jax.random.normal(key, (fan_in, fan_out)) / jnp.sqrt(fan_in)


def groups(params: Params) -> Any:
    """Name the optimizer's group of every leaf: `tau`, or `weights`."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: "tau" if path[-1].key == "tau" else "weights", params
    )
