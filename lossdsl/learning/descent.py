"""Inference: descent on an energy in a loop that keeps nothing but where it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp


def descend(slope: Callable[[Any], Any], values: Any, rate: Any, steps: Any) -> Any:
    """Return values after a number of steps down a slope, itself a function of values."""
    return jax.lax.fori_loop(0, steps, lambda _, at: moved(at, slope(at), rate), values)


def moved(values: Any, slope: Any, rate: Any) -> Any:
    """Return values after a step down a slope, in their own dtypes."""
    return jax.tree.map(lambda value, by: (value - rate * by).astype(value.dtype), values, slope)


def squares(tree: Any) -> Any:
    """Return the sum of the squares of all leaves together."""
    each = [jnp.sum(jnp.square(leaf), dtype=_wide(leaf)) for leaf in jax.tree.leaves(tree)]
    return sum(each, start=jnp.zeros((), jnp.float32))


def norm(tree: Any) -> Any:
    """Return the Euclidean norm of all leaves together, with derivative 0 where it is 0."""
    total = squares(tree)
    return jnp.where(total == 0, 0, jnp.sqrt(jnp.where(total == 0, 1, total)))


def ratio(size: Any, scale: Any) -> Any:
    """Return `size / scale`; where the scale is 0, 0 of nothing and else infinity."""
    share = size / jnp.where(scale == 0, 1, scale)
    return jnp.where(scale == 0, jnp.where(size == 0, 0, jnp.inf), share)


def worst(residuals: Sequence[Any]) -> tuple[Any, Any]:
    """Return residuals as one array, and the largest; NaN if one is."""
    each = jnp.stack([jnp.asarray(residual, jnp.float32) for residual in residuals])
    return each, jnp.max(each)


def _wide(leaf: Any) -> Any:
    return jnp.promote_types(leaf.dtype, jnp.float32)
