"""Equilibrium propagation: a network settles, is nudged by the loss, and settles again.

Scellier and Bengio 2017, doi:10.3389/fncom.2017.00024; the centered estimate is that of Laborieux
and others 2021, doi:10.3389/fnins.2021.633674. The free energy `E` and the loss for each example
`C` make `F = E + beta*C`; units follow `-dF/du`, and the gradient of the loss at rest is the limit
of a difference of `dE/dparams` between two rests.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from lossdsl.diagnostics.diagnostic import LossWarning, at
from lossdsl.learning.descent import norm, ratio
from lossdsl.learning.energies import ConditionalGaussian, Energy
from lossdsl.learning.layers import Layer
from lossdsl.learning.output_errors import LossEnd, objective
from lossdsl.learning.result import LearningResult
from lossdsl.learning.rule import LearningRule
from lossdsl.learning.rule_settings import (
    at_least_one,
    described,
    not_negative,
    numbers,
    one_of,
    plain,
    positive,
    refuse,
    traced,
    unknown,
)
from lossdsl.learning.settling import Rest, relax, rounding

GAUSSIAN = ConditionalGaussian()
PHASES = ("two", "centered", "one")
STARTS = ("zeros", "forward")
SIGNS = ("fixed", "random")

# Where the batch has the key of the sign; no input of a loss has this name, which is no identifier.
KEY = "key of the sign"

# How much of a gradient rounding may be before a rule warns.
ROUNDING = 0.01


@dataclass(frozen=True)
class EquilibriumPropagation(LearningRule):
    """Equilibrium propagation over an energy, with a nudge of `beta`.

    A phase takes `steps` steps of `dt/tau`, or fewer: it stops where the force `dF/du` on an
    example, its norm in each layer, added up over layers and averaged over the batch, is below
    `stop`. `phases` is `"two"` (free and nudged; its error falls in proportion to `beta`),
    `"centered"` (nudged both ways; with its square) or `"one"` (nudged alone, where the free rest
    is a feed-forward pass). A network `start`s from `"zeros"` or from a `"forward"` pass, which is
    the free rest itself where the energy says so. One-sided with a fixed sign is biased;
    `sign="random"` draws that of `beta` at each call, from a `key`. The residual of a layer
    is how much of its gradient the forces that are left would still change.

    >>> import jax.numpy as jnp
    >>> import lossdsl
    >>> rule = EquilibriumPropagation(lossdsl.compile("mse(out, tgt)"), start="forward", steps=500)
    >>> batch = {"x": jnp.ones((4, 2)), "tgt": jnp.zeros((4, 3))}
    >>> result = rule.grads([lambda w, x: x @ w], [jnp.ones((2, 3))], batch)
    >>> [f"{float(one):.3f}" for one in result.grads[0][0]]  # exactly 4/3; off by beta**2
    ['1.347', '1.347', '1.347']
    """

    energy: Energy = GAUSSIAN
    beta: float = traced(0.1)
    dt: float = traced(0.1)
    tau: float = traced(1.0)
    steps: int = traced(100)
    phases: str = "centered"
    start: str = "zeros"
    stop: float = 0.0
    sign: str = "fixed"

    def __post_init__(self) -> None:
        """Raise LD904 for a setting that is of another kind, or out of range."""
        super().__post_init__()
        energies(energy=self.energy)
        numbers(beta=self.beta)
        if not unknown(self.beta) and self.beta == 0:
            help = "without a nudge there is no difference to learn from"
            raise refuse("`beta` is 0; it is a number above or below", help)
        positive(dt=self.dt, tau=self.tau)
        at_least_one(steps=self.steps)
        one_of(PHASES, phases=self.phases)
        one_of(STARTS, start=self.start)
        plain(stop=self.stop)
        not_negative(stop=self.stop)
        one_of(SIGNS, sign=self.sign)
        if self.sign == "random" and self.phases == "centered":
            message = '`sign="random"` has no effect where `phases="centered"` nudges both ways'
            raise refuse(message, '`phases="two"`')
        if self.phases == "one" and not (self.energy.rests_forward and self.start == "forward"):
            raise refuse(
                '`phases="one"` leaves out what the free rest contributes, which is not 0 here',
                'use `ConditionalGaussian` with `start="forward"`, or `phases="two"`',
            )

    @property
    def remedy(self) -> str:
        """What to do where inference is not at rest."""
        return "more `steps`; if it grows with them, a smaller `dt` or a smaller `beta`"

    def grads(
        self,
        layers: Sequence[Layer],
        params: Sequence[Any],
        batch: Mapping[str, Any],
        *,
        key: Any = None,
    ) -> LearningResult:
        """Return the gradients of the parameters on a batch, with loss and metrics.

        `key`, of `jax.random`, draws the sign of `beta`. The errors are those of other rules;
        LD905 warns of a `beta` whose effect is not much larger than rounding.
        """
        if (key is None) == (self.sign == "random"):
            raise refuse(
                f'`sign` is "{self.sign}" and a key was{" not" * (key is None)} given',
                '`rule.grads(layers, params, batch, key=key)` with `sign="random"`',
            )
        if key is not None and not _is_key(key):
            raise refuse(f"`key` is {described(key)}; it is a key of `jax.random`")
        inputs: Any = batch  # what it is, is checked where every rule's is
        if key is not None and isinstance(inputs, Mapping):
            inputs = {**batch, KEY: key}
        result = super().grads(layers, params, inputs)
        self._warn_of_rounding(result, params)
        return result

    def reads(self) -> dict[str, str]:
        """Return the keys of the batch that the rule reads, and what for if it must."""
        return {**super().reads(), KEY: ""}

    def compute(
        self, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the result, as a pure function of arrays."""
        goal = objective(self.loss, self.output, batch)
        x = batch[self.input]
        beta = jnp.asarray(self.beta)
        if self.sign == "random":
            beta = beta * jax.random.rademacher(batch[KEY], (), beta.dtype)

        free = self._force(layers, params, x)

        def by_params(units: list[Any]) -> Any:
            return jax.grad(lambda own: self.energy.total(layers, own, [x, *units]))(params)

        rest = self._free(layers, params, x)
        seen = goal.evaluate(rest.units[-1], params)

        def nudged(beta: Any) -> Rest:
            def force(units: list[Any]) -> list[Any]:
                *below, top = free(units)
                return [*below, top + goal.driven(units[-1], params, beta * seen.count)[1]]

            return self._relax(force, rest.units)

        if self.phases == "centered":
            rests = jax.lax.map(nudged, jnp.stack([beta, -beta]))
        else:
            rests = jax.tree.map(lambda *ones: jnp.stack(ones), nudged(beta), rest)
        width = 2 * beta if self.phases == "centered" else beta
        # Where the free rest is a feed-forward pass, one phase leaves it out.
        signs = (1, 0) if self.phases == "one" else (1, -1)

        def at_rest(rest: Rest) -> tuple[Any, Any]:
            return jax.jvp(by_params, (rest.units,), (rest.left,))

        both, drifts = jax.lax.map(at_rest, rests)
        change, drift = (
            jax.tree.map(lambda phases: signs[0] * phases[0] + signs[1] * phases[1], of)
            for of in (both, drifts)
        )
        scale = width * seen.count
        grads = jax.tree.map(
            lambda leaf, direct, own: (leaf / scale).astype(leaf.dtype) + direct + own,
            change,
            LossEnd(goal, params, jnp.ones(())).direct(rest.units[-1]),
            seen.own,
        )
        left = [ratio(norm(more), norm(own)) for more, own in zip(drift, change, strict=True)]
        noise = rounding(by_params, [unit[0] for unit in rests.units])
        return LearningResult(
            grads,
            seen.value,
            seen.terms.metrics,
            self.energy.total(layers, params, [x, *rest.units]) / seen.count,
            *seen.judged(carried_down(left)),
            jnp.where(seen.least, 0, ratio(noise, norm(change))),
        )

    def predict(self, layers: Sequence[Layer], params: Sequence[Any], x: Any) -> Any:
        """Return the output of the network for an input: that of its free rest."""
        return self._free(layers, params, x).units[-1]

    def _free(self, layers: Sequence[Layer], params: Sequence[Any], x: Any) -> Rest:
        units = self.energy.forward(layers, params, x)[1:]
        if self.start == "zeros":
            units = [jnp.zeros_like(unit) for unit in units]
        elif self.energy.rests_forward:
            still = [jnp.zeros_like(unit) for unit in units]
            return Rest(units, still, still)
        return self._relax(self._force(layers, params, x), units)

    def _force(
        self, layers: Sequence[Layer], params: Sequence[Any], x: Any
    ) -> Callable[[list[Any]], list[Any]]:
        return jax.grad(lambda units: self.energy.total(layers, params, [x, *units]))

    def _relax(self, force: Callable[[Any], list[Any]], units: list[Any]) -> Rest:
        return relax(force, units, self.dt / self.tau, self.steps, self.stop)

    def _warn_of_rounding(self, result: LearningResult, params: Sequence[Any]) -> None:
        """Warn of the share that is measured; while there is no number, of its order."""
        if isinstance(self.beta, Tracer):
            return
        dtype = jnp.result_type(*jax.tree.leaves(params), 0.0)
        if isinstance(result.rounding, Tracer):
            share = float(jnp.finfo(dtype).eps) / abs(self.beta)
            size = f"of the order of {share:.0%} of a gradient"
        else:
            share = float(result.rounding)
            # In steps, so that many batches are warned of in one text, which Python shows once.
            size = f"more than {'1%' if share < 0.1 else '10%'} of a gradient"
        if not share > ROUNDING:
            return
        if share >= 1:
            size = "all of a gradient"
        least = abs(self.beta) * share / ROUNDING
        wider = "float64" if jnp.finfo(dtype).bits == 32 else "float32"
        help = "stop here, if the loss is nearly at its least"
        if jnp.finfo(dtype).bits < 64:
            help = f"{wider}; or {help}"
        if least <= 1:
            help = f"`beta` of at least {10 ** math.ceil(math.log10(least)):g}"
        message = f"`beta` is {self.beta:g}: rounding in {dtype} is {size}"
        warnings.warn(LossWarning([at("LD905", message, None, help=help)]), stacklevel=3)


def carried_down(residuals: list[Any]) -> list[Any]:
    """Return residuals of layers of which none is nearer to rest than those above it.

    The signal comes from the output: a layer that it has not reached has no forces yet.
    """
    carried = list[Any]()
    for residual in reversed(residuals):
        carried.insert(0, jnp.maximum(residual, carried[0]) if carried else residual)
    return carried


def _is_key(key: Any) -> bool:
    if not isinstance(key, jax.Array):
        return False
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return key.ndim == 0 if typed else key.ndim == 1 and key.dtype == jnp.uint32


def energies(**settings: Any) -> None:
    """Refuse what is not an energy."""
    for name, value in settings.items():
        if not hasattr(value, "rests_forward") or isinstance(value, type):
            help = "`ConditionalGaussian()`, `Hopfield()`"
            raise refuse(f"`{name}` is {described(value)}; it is an energy", help)
