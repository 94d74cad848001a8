"""The task and the network of Rockpool's JAX tutorial, in plain JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

Params = dict[str, dict[str, jax.Array]]

INPUTS, HIDDEN, OUTPUTS = 2000, 200, 2
CLASSES, STEPS = 3, 100
DT, TAU = 1e-3, 20e-3


def task(seed: int) -> tuple[jax.Array, jax.Array]:
    """Return frozen noise `[K, T, N]` and the smooth signals `[K, T, O]` to make of it."""
    draw = np.random.default_rng((seed, 0))
    noise = draw.standard_normal((CLASSES, STEPS, INPUTS)) + 1
    phase = draw.random((CLASSES, 1, OUTPUTS)) * 2 * np.pi
    turns = draw.random((CLASSES, 1, OUTPUTS)) * STEPS / 50
    time = np.arange(STEPS)[:, None] / STEPS
    signals = np.sin(2 * np.pi * turns * time + phase)
    return jnp.asarray(noise, jnp.float32), jnp.asarray(signals, jnp.float32)


def initialize(seed: int) -> Params:
    """Draw the weights uniformly within the inverse root of their fan-in; the rest is constant."""
    draw = np.random.default_rng((seed, 1))

    def weight(fan_in: int, fan_out: int) -> jax.Array:
        limit = fan_in**-0.5
        return jnp.asarray(draw.uniform(-limit, limit, (fan_in, fan_out)), jnp.float32)

    return {
        "input": {"weight": weight(INPUTS, HIDDEN)},
        "rate": {
            "tau": jnp.full(HIDDEN, TAU),
            "bias": jnp.zeros(HIDDEN),
            "threshold": jnp.zeros(HIDDEN),
        },
        "readout": {"weight": weight(HIDDEN, OUTPUTS)},
    }


def evolve(params: Params, noise: jax.Array) -> jax.Array:
    """Evolve the rate neurons over one sample `[T, N]` by forward Euler and read out `[T, O]`."""
    rate = params["rate"]
    leak = DT / rate["tau"]

    def euler(v: jax.Array, current: jax.Array) -> tuple[jax.Array, jax.Array]:
        v = v + leak * (current + rate["bias"] - v)
        return v, jnp.tanh(v - rate["threshold"])

    _, activity = jax.lax.scan(euler, jnp.zeros(HIDDEN), noise @ params["input"]["weight"])
    return activity @ params["readout"]["weight"]
