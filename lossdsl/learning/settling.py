"""A network that settles: it follows the forces on its units to where they vanish."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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
    stopped skips the rest of it. The forces stand once in the program, which is most of it: the
    last round takes them and moves no more.
    """

    def step(at: Any, state: Any) -> Any:
        units, last, _ = state
        forces = force(units)
        rests = at == steps - 1
        if stop > 0:
            rests |= _size(forces) < stop
        there = [
            jnp.where(rests, unit, further)
            for unit, further in zip(units, moved(units, forces, rate), strict=True)
        ]
        return there, forces, norm(jax.tree.map(partial(jnp.where, at == -1), forces, last))

    def follow(at: Any, state: Any) -> Any:
        if stop == 0:
            return step(at, state)
        stopped = (at >= 0) & (_size(state[1]) < stop)
        return jax.lax.cond(stopped, lambda state: state, partial(step, at), state)

    still = [unit - unit for unit in units]
    units, forces, before = jax.lax.fori_loop(-1, steps, follow, (units, still, norm(still)))
    shrink = 1 - ratio(norm(forces), before)
    reach = jnp.where(shrink * steps > 1, 1 / jnp.where(shrink > 0, shrink, 1), steps)
    return Rest(units, forces, moved([unit - unit for unit in units], forces, rate * reach))


def _size(forces: list[Any]) -> Any:
    """Return the sum over layers of the mean over the batch of the force on an example."""
    return sum(
        (jnp.mean(_of_examples(force)) for force in forces), start=jnp.zeros((), jnp.float32)
    )


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
    # Drawn at once: a draw for each layer would be most of the program.
    ends = np.cumsum([unit.size for unit in units])
    signs = jnp.split(jax.random.bernoulli(jax.random.key(0), shape=(ends[-1],)), ends[:-1])
    rounded = [
        jnp.where(up.reshape(unit.shape), eps * unit, -eps * unit)
        for up, unit in zip(signs, units, strict=True)
    ]
    value, change = jax.jvp(by_params, (units,), (rounded,))
    return eps * norm(value) + norm(change)
