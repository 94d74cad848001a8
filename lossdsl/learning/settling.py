"""A network that settles: it follows the forces on its units to where they vanish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lossdsl.learning.descent import moved, norm, ratio


class Rest(NamedTuple):
    """Units that have settled, the forces `dF/du` that are left, and where these would lead.

    `left` is what the units have still to go: forces that shrink by a factor with each step are a
    geometric series, of which no more than the steps that were taken are added up.
    """

    units: list[Any]
    forces: list[Any]
    left: list[Any]


def relax(
    force: Callable[[Any], list[Any]], units: list[Any], rate: Any, steps: Any, stop: float = 0.0
) -> Rest:
    """Follow the forces down, until their size is below `stop` or the steps are over.

    A loop of known length, which reverse-mode differentiation passes through; a network that has
    stopped skips the rest of it.
    """

    def step(at: Any) -> Any:
        units = moved(at[0], at[1], rate)
        return units, force(units), norm(at[1])

    def follow(_: Any, at: Any) -> Any:
        if stop == 0:
            return step(at)
        return jax.lax.cond(_size(at[1]) < stop, lambda at: at, step, at)

    begun = force(units)
    units, forces, before = jax.lax.fori_loop(0, steps, follow, (units, begun, norm(begun)))
    shrink = 1 - ratio(norm(forces), before)
    reach = jnp.where(shrink * steps > 1, 1 / jnp.where(shrink > 0, shrink, 1), steps)
    return Rest(units, forces, moved([one - one for one in units], forces, rate * reach))


def _size(forces: list[Any]) -> Any:
    """Return the sum over layers of the mean over the batch of the force on an example."""
    return sum((jnp.mean(_of_examples(one)) for one in forces), start=jnp.zeros((), jnp.float32))


def _of_examples(force: Any) -> Any:
    """Return the norm of the force on each example; a number is one."""
    rows = force.reshape(*(force.shape[:1] or (1,)), -1)
    return jnp.sqrt(jnp.sum(jnp.square(rows), axis=1))


def rounding(by_params: Callable[[Any], Any], units: list[Any]) -> Any:
    """Return about how far rounding moves `dE/dparams`: that of the units, and its own.

    The derivative may be small and its change with the units large (a feed-forward pass of the
    Gaussian energy), or the reverse (Hopfield's).
    """
    eps = jnp.finfo(units[-1].dtype).eps
    keys = jax.random.split(jax.random.key(0), len(units))
    rounded = [
        eps * unit * jax.random.rademacher(key, unit.shape, unit.dtype)
        for key, unit in zip(keys, units, strict=True)
    ]
    value, change = jax.jvp(by_params, (units,), (rounded,))
    return eps * norm(value) + norm(change)
