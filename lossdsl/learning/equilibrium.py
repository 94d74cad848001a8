"""Equilibrium propagation: a network settles, is nudged by the loss, and settles again.

Scellier and Bengio 2017, doi:10.3389/fncom.2017.00024; the centred estimate is that of Laborieux
and others 2021, doi:10.3389/fnins.2021.633674. The free energy `E` and the loss for each example
`C` make `F = E + beta*C`; units follow `-dF/du`, and the gradient of the loss at rest is the limit
of a difference of `dE/dparams` between two rests.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, LossWarning, at
from lossdsl.learning.descent import norm, ratio
from lossdsl.learning.energies import ConditionalGaussian, Energy
from lossdsl.learning.errors import Loss, objective
from lossdsl.learning.layers import Layer
from lossdsl.learning.result import LearningResult, at_rest
from lossdsl.learning.rule import at_least_one, one_of, positive, run

GAUSSIAN = ConditionalGaussian()
PHASES = ("two", "centered", "one")
STARTS = ("zeros", "forward")
SIGNS = ("fixed", "random")

# Where the batch has the key of the sign; no input of a loss has this name, which is no identifier.
KEY = "key of the sign"

# How much of a gradient rounding may be before a rule warns.
ROUNDING = 0.01


@dataclass(frozen=True)
class EquilibriumPropagation:
    """Equilibrium propagation over an energy, with a nudge of `beta`.

    A phase takes `steps` steps of `dt/tau`, or fewer: it stops when the sum over layers of the
    mean size of `dF/du` of an example is below `tolerance`. `phases` is `"two"` (free and nudged;
    its error falls in proportion to `beta`), `"centered"` (nudged both ways; with its square) or
    `"one"` (nudged alone, where the free rest is a feed-forward pass). A network `start`s from
    `"zeros"` or from a `"forward"` pass, which is the free rest itself where the energy says so.
    One-sided with a fixed sign is biased; `sign="random"` draws that of `beta` at each call, from
    a `key`. `check` raises for a residual, against the force of the nudge, past `allowed`.

    >>> import jax.numpy as jnp
    >>> import lossdsl
    >>> rule = EquilibriumPropagation(lossdsl.compile("mse(out, tgt)"), start="forward", steps=500)
    >>> batch = {"x": jnp.ones((4, 2)), "tgt": jnp.zeros((4, 3))}
    >>> result = rule.grads([lambda w, x: x @ w], [jnp.ones((2, 3))], batch)
    >>> [f"{float(one):.3f}" for one in result.grads[0][0]]  # exactly 4/3; off by beta**2
    ['1.347', '1.347', '1.347']
    """

    loss: Loss
    energy: Energy = GAUSSIAN
    beta: float = 0.1
    dt: float = 0.1
    tau: float = 1.0
    steps: int = 100
    phases: str = "centered"
    start: str = "zeros"
    tolerance: float = 0.0
    sign: str = "fixed"
    input: str = "x"
    output: str = "out"
    check: bool = False
    allowed: float = 0.01

    def __post_init__(self) -> None:
        if self.beta == 0 or not math.isfinite(self.beta):
            message = f"`beta` is {self.beta:g}; it is a number other than 0"
            help = "without a nudge there is no difference to learn from"
            raise LossError([at("LD904", message, None, help=help)])
        positive(dt=self.dt, tau=self.tau)
        at_least_one(steps=self.steps)
        one_of(PHASES, phases=self.phases)
        one_of(STARTS, start=self.start)
        one_of(SIGNS, sign=self.sign)
        if self.phases == "one" and not (self.energy.rests_forward and self.start == "forward"):
            message = (
                '`phases="one"` leaves out what the free rest contributes, which is not 0 here'
            )
            help = 'use `ConditionalGaussian` with `start="forward"`, or `phases="two"`'
            raise LossError([at("LD904", message, None, help=help)])

    def grads(
        self,
        layers: Sequence[Layer],
        params: Sequence[Any],
        batch: Mapping[str, Any],
        *,
        key: Any = None,
    ) -> LearningResult:
        """Return the gradients of the parameters on a batch, with loss and metrics."""
        if (key is None) == (self.sign == "random"):
            message = f'`sign` is "{self.sign}" and a key was{" not" * (key is None)} given'
            help = '`rule.grads(layers, params, batch, key=key)` with `sign="random"`'
            raise LossError([at("LD904", message, None, help=help)])
        result = run(self, layers, params, batch if key is None else {**batch, KEY: key})
        self._warn_of_rounding(params)
        return at_rest(result, self.allowed) if self.check else result

    def reads(self) -> set[str]:
        """Return the keys of the batch that the rule may read."""
        return {self.input, KEY, *self.loss.signature}

    def compute(
        self, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the result, as a pure function of arrays."""
        goal = objective(self.loss, self.output, batch)
        x = batch[self.input]
        beta = jnp.asarray(self.beta)
        if self.sign == "random":
            beta = beta * jax.random.rademacher(batch[KEY], (), beta.dtype)

        def free(units: list[Any]) -> Any:
            return self.energy.total(layers, params, [x, *units])

        def by_params(units: list[Any]) -> Any:
            return jax.grad(lambda own: self.energy.total(layers, own, [x, *units]))(params)

        units = self.energy.forward(layers, params, x)[1:]
        if self.start == "zeros":
            units = [jnp.zeros_like(unit) for unit in units]
        rest = Rest(units, [jnp.zeros_like(unit) for unit in units])
        if not (self.start == "forward" and self.energy.rests_forward):
            rest = self._relax(jax.grad(free), units)
        seen = goal.evaluate(rest.units[-1], params)

        def nudged(beta: Any) -> Rest:
            nudge = (beta * seen.count).astype(seen.error.dtype)

            def force(units: list[Any]) -> list[Any]:
                forces = jax.grad(free)(units)
                return [*forces[:-1], forces[-1] + goal.driven(units[-1], params, nudge)[1]]

            return self._relax(force, rest.units)

        plus = nudged(beta)
        minus, width = (nudged(-beta), 2 * beta) if self.phases == "centered" else (rest, beta)
        change = by_params(plus.units)
        if self.phases != "one":
            change = jax.tree.map(jnp.subtract, change, by_params(minus.units))
        scale = width * seen.count
        grads = jax.tree.map(
            lambda one, direct: (one / scale).astype(one.dtype) + direct, change, seen.direct
        )
        forces = jnp.stack([norm(one.forces) for one in (rest, plus, minus)])
        return LearningResult(
            grads,
            seen.value,
            seen.terms.metrics,
            free(rest.units) / seen.count,
            ratio(jnp.max(forces), norm(self.beta * seen.error)),
        )

    def _relax(self, force: Callable[[Any], list[Any]], units: list[Any]) -> Rest:
        return relax(force, units, self.dt / self.tau, self.steps, self.tolerance)

    def _warn_of_rounding(self, params: Sequence[Any]) -> None:
        dtype = jnp.result_type(*jax.tree.leaves(params), 0.0)
        eps = float(jnp.finfo(dtype).eps)
        share = eps / abs(self.beta)
        if share > ROUNDING:
            message = (
                f"`beta` is {self.beta:g}: rounding in {dtype} is about {share:.0%} of a gradient"
            )
            help = f"`beta` of at least {eps / ROUNDING:.1g}"
            warnings.warn(LossWarning([at("LD905", message, None, help=help)]), stacklevel=3)


class Rest(NamedTuple):
    """Units that have settled, and the forces `dF/du` that are left."""

    units: list[Any]
    forces: list[Any]


def relax(
    force: Callable[[Any], list[Any]],
    units: list[Any],
    rate: float,
    steps: int,
    tolerance: float = 0.0,
) -> Rest:
    """Follow the forces down, until their size is below the tolerance or the steps are over."""

    def step(units: list[Any]) -> tuple[list[Any], list[Any]]:
        forces = force(units)
        return [unit - rate * one for unit, one in zip(units, forces, strict=True)], forces

    if tolerance == 0:
        # A loop of known length, which reverse-mode differentiation passes through.
        units = jax.lax.fori_loop(0, steps, lambda _, units: step(units)[0], units)
        return Rest(units, force(units))

    def moving(carried: tuple[Any, Any, Any]) -> Any:
        number, _, size = carried
        return (number < steps) & (size >= tolerance)

    def move(carried: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        number, units, _ = carried
        units, forces = step(units)
        return number + 1, units, _size(forces)

    begin = (jnp.zeros((), jnp.int32), units, jnp.full((), jnp.inf, _size(units).dtype))
    units = jax.lax.while_loop(moving, move, begin)[1]
    return Rest(units, force(units))


def _size(forces: list[Any]) -> Any:
    """Return the sum over layers of the mean over the batch of the force on an example."""
    each = [jnp.sqrt(jnp.sum(jnp.square(one.reshape(one.shape[0], -1)), axis=1)) for one in forces]
    return sum((jnp.mean(one) for one in each), start=jnp.zeros((), jnp.float32))
