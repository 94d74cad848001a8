"""Inference: descent on an energy in a loop that keeps nothing but where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Descent(NamedTuple):
    """Where a descent ended; `seen` is what its last step was computed from."""

    values: Any
    seen: Any
    residual: Any


def descend(
    gradient: Callable[[Any], tuple[Any, Any]], values: Any, eta: float, steps: int
) -> Descent:
    """Take steps down a gradient, which returns `(gradient, seen)` at given values.

    The residual is the size of the last gradient against the first one.
    """

    def step(number: Any, carried: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
        values, _, first, _ = carried
        slope, seen = gradient(values)
        size = norm(slope)
        values = jax.tree.map(lambda value, one: value - eta * one, values, slope)
        return values, seen, jnp.where(number == 0, size, first), size

    slope, seen = jax.tree.map(
        lambda one: jnp.zeros(one.shape, one.dtype), jax.eval_shape(gradient, values)
    )
    start = (values, seen, norm(slope), norm(slope))
    values, seen, first, last = jax.lax.fori_loop(0, steps, step, start)
    return Descent(values, seen, ratio(last, first))


def norm(tree: Any) -> Any:
    """Return the Euclidean norm of all leaves together."""
    squares = [jnp.sum(jnp.square(leaf), dtype=_wide(leaf)) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(sum(squares, start=jnp.zeros((), jnp.float32)))


def ratio(size: Any, scale: Any) -> Any:
    """Return `size / scale`, and 0 where both are 0."""
    return size / jnp.where((scale == 0) & (size == 0), 1, scale)


def _wide(leaf: Any) -> Any:
    return jnp.promote_types(leaf.dtype, jnp.float32)
