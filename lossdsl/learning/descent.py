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

    def step(_: Any, carried: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        slope, seen = gradient(carried[0])
        return moved(carried[0], slope, eta), seen, norm(slope)

    # The first step stands outside of the loop, which carries what that has made: on a mesh it may
    # vary where zeros would not.
    first = step(0, (values, None, None))
    values, seen, last = jax.lax.fori_loop(1, steps, step, first)
    return Descent(values, seen, ratio(last, first[2]))


def moved(values: Any, slope: Any, rate: float) -> Any:
    """Return values after a step down a slope, in their own dtypes."""
    return jax.tree.map(lambda one, by: (one - rate * by).astype(one.dtype), values, slope)


def squares(tree: Any) -> Any:
    """Return the sum of the squares of all leaves together."""
    each = [jnp.sum(jnp.square(leaf), dtype=_wide(leaf)) for leaf in jax.tree.leaves(tree)]
    return sum(each, start=jnp.zeros((), jnp.float32))


def norm(tree: Any) -> Any:
    """Return the Euclidean norm of all leaves together, with derivative 0 where it is 0."""
    total = squares(tree)
    return jnp.where(total == 0, 0, jnp.sqrt(jnp.where(total == 0, 1, total)))


def ratio(size: Any, scale: Any) -> Any:
    """Return `size / scale`, and 0 where both are 0."""
    return size / jnp.where((scale == 0) & (size == 0), 1, scale)


def _wide(leaf: Any) -> Any:
    return jnp.promote_types(leaf.dtype, jnp.float32)
