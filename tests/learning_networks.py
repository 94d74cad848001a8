"""Small networks and batches that the tests of learning rules share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lossdsl.learning import BackProp, Bidirectional

SIZES = (4, 5, 3, 2)


def linear(params: Any, x: Any) -> Any:
    return x @ params["w"] + params["b"]


def squashed(params: Any, x: Any) -> Any:
    return jnp.tanh(linear(params, x))


def gated(params: Any, x: Any) -> Any:
    """A layer behind its activation, as equilibrium propagation and the two-way rules have it."""
    return linear(params, jnp.tanh(x))


LAYERS = (squashed, squashed, linear)


def parameters(sizes: Sequence[int] = SIZES, seed: int = 0, dtype: Any = None) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [
        {
            "w": array(rng.normal(size=(below, above)) / np.sqrt(below), dtype),
            "b": array(0.1 * rng.normal(size=above), dtype),
        }
        for below, above in pairwise(sizes)
    ]


def batch(size: int = 6, sizes: Sequence[int] = SIZES, seed: int = 1, dtype: Any = None) -> Any:
    rng = np.random.default_rng(seed)
    return {
        "x": array(rng.normal(size=(size, sizes[0])), dtype),
        "tgt": array(rng.normal(size=(size, sizes[-1])), dtype),
    }


def array(values: np.ndarray, dtype: Any) -> jax.Array:
    """Return an array of JAX; `jnp.asarray` would compile a program for every shape."""
    return jax.device_put(values.astype(jnp.result_type(float) if dtype is None else dtype))


def shared(activation: Callable[[Any], Any]) -> Bidirectional:
    """A layer whose two directions share their weights, each with a bias of its own."""
    return Bidirectional(
        lambda params, x: activation(x) @ params["w"],
        lambda params, x: activation(x) @ params["w"].T,
    )


def separate(activation: Callable[[Any], Any]) -> Bidirectional:
    """A layer whose two directions have weights of their own."""
    return Bidirectional(
        lambda params, x: activation(x) @ params["up"],
        lambda params, x: activation(x) @ params["down"],
    )


def near(found: Any, expected: Any) -> bool:
    """Say whether results agree; a residual may continue a series, which magnifies rounding."""
    bare = [replace(one, residual=0.0, residuals=0.0) for one in (found, expected)]
    return far(*bare) < 1e-5 and np.allclose(found.residuals, expected.residuals, rtol=1e-3)


def far(found: Any, expected: Any) -> float:
    """Return the relative distance of two trees of arrays."""
    pairs = zip(wide(found), wide(expected), strict=True)
    apart = sum(np.sum(np.square(one - two)) for one, two in pairs)
    return float(np.sqrt(apart / sum(np.sum(np.square(two)) for two in wide(expected))))


def wide(tree: Any) -> list[np.ndarray]:
    """Return the leaves of a tree as NumPy has them, so that comparing them compiles nothing."""
    return [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the exponent of the power law through points: the slope of a log-log fit."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def distance_to_backprop(rule: Any, layers: Any = LAYERS, same: Any = None, size: int = 6) -> float:
    """Return how far a rule's gradients are from those of backpropagation, relative to these."""
    params, data = parameters(), batch(size)
    exact = BackProp(rule.loss).grads(same or layers, params, data).grads
    return far(rule.grads(layers, params, data).grads, exact)
