"""One network of dense layers behind tanh, as each kind of rule wants its layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp

from lossdsl.learning import Bidirectional, ConditionalGaussian, Hopfield
from lossdsl.learning.energies import Energy, identity

Params = list[dict[str, jax.Array]]

PIXELS, CLASSES = 64, 10


def initialize(units: Sequence[int], key: jax.Array) -> Params:
    """Draw weights scaled by fan-in; biases are 0."""
    sizes = PIXELS, *units, CLASSES
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        {"w": jax.random.normal(one, size) / jnp.sqrt(size[0]), "b": jnp.zeros(size[1])}
        for one, size in zip(keys, pairwise(sizes), strict=True)
    ]


def linear(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """Return the potentials that the values of the layer below drive."""
    return x @ params["w"] + params["b"]


def dense(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """Return the potentials that the potentials of the layer below drive."""
    return linear(params, jnp.tanh(x))


def back(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """Predict the layer below, with the same weights."""
    return jnp.tanh(x) @ params["w"].T


def layers(depth: int) -> list:
    """Return the layers of the network: the pixels go in as they are."""
    return [linear] + [dense] * (depth - 1)


def both_ways(depth: int) -> list:
    """Return the same layers with a backward half that shares their weights."""
    return [Bidirectional(forward, back) for forward in layers(depth)]


def steep(x: jax.Array) -> jax.Array:
    """Return a rate between 0 and 1, which a potential of a half drives halfway."""
    return jax.nn.sigmoid(4 * x - 2)


def energies(depth: int) -> dict[str, Energy]:
    """Return energies over linear layers: that of this network, and a Hopfield network's.

    A pixel is its own activation.
    """
    return {
        "gaussian": ConditionalGaussian((identity, *[jnp.tanh] * depth)),
        "hopfield": Hopfield((identity, *[steep] * depth)),
    }
