"""Leaky integrate-and-fire neurons with trainable time constants, in plain JAX."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.learning.surrogate import Surrogate

Params = list[dict[str, jax.Array]]

PIXELS, CLASSES = 64, 10


@dataclass(frozen=True)
class Network:
    """Sizes, how a neuron fires, and what the parameters are drawn from; times are in steps."""

    units: tuple[int, ...]
    steps: int
    tau: tuple[float, float]
    gain: float
    fires: Surrogate

    def initialize(self, key: jax.Array) -> Params:
        """Draw the parameters: kernels scaled by fan-in and `gain`, `tau` uniform in its range."""
        sizes = PIXELS, *self.units, CLASSES
        keys = jax.random.split(key, (len(sizes) - 1, 2))
        low, high = self.tau
        return [
            {
                "kernel": self.gain * jax.random.normal(a, (fan_in, units)) / jnp.sqrt(fan_in),
                "bias": jnp.zeros(units),
                "tau": jax.random.uniform(b, (units,), minval=low, maxval=high),
            }
            for (a, b), (fan_in, units) in zip(keys, pairwise(sizes), strict=True)
        ]

    def respond(self, params: Params, images: jax.Array) -> tuple[list[jax.Array], jax.Array]:
        """Show images `[B, 64]`; return the spikes of each hidden layer and the readout's traces.

        Both are `[B, T, units]`. A potential leaks towards its current, which is solved exactly
        over one step; from 1 on a hidden neuron fires, which takes 1 from its potential. The
        readout does not fire.
        """
        *hidden, readout = params
        shown = images @ hidden[0]["kernel"]

        def step(potentials: list[jax.Array], _: None) -> tuple[list[jax.Array], Any]:
            current, after, spikes = shown, [], []
            for layer, follower, v in zip(hidden, params[1:], potentials, strict=False):
                v = leaked(v, current, layer)
                spikes.append(self.fires(v - 1))
                after.append(v - spikes[-1])
                current = spikes[-1] @ follower["kernel"]
            trace = leaked(potentials[-1], current, readout)
            return [*after, trace], ([*spikes], trace)

        rest = [jnp.zeros((len(images), layer["bias"].size)) for layer in params]
        _, recorded = jax.lax.scan(step, rest, length=self.steps)
        return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), recorded)


def leaked(v: jax.Array, current: jax.Array, layer: dict[str, jax.Array]) -> jax.Array:
    """Solve tau dv/dt = current + bias - v over one step."""
    kept = jnp.exp(-1 / layer["tau"])
    return kept * v + (1 - kept) * (current + layer["bias"])


def groups(params: Params) -> Any:
    """Name the optimizer's group of every leaf: `tau`, or `weights`."""
    return [{name: "tau" if name == "tau" else "weights" for name in layer} for layer in params]
