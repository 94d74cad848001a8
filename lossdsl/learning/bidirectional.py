"""Bidirectional predictive coding: beliefs settle between predictions from below and from above.

With `x_0` the input and `x_L` the label, both clamped, `f_l` the forward and `g_l` the backward
half of layer `l`, the energy of an example is

    a_d * (Loss(f_L(x_{L-1})) + sum_{0<l<L} |x_l - f_l(x_{l-1})|^2 / 2)
    + a_g * (LossBack(g_1(x_1)) + sum_{0<l<L} |x_l - g_{l+1}(x_{l+1})|^2 / 2)

where without a `loss_back` that of the input is `|x_0 - g_1(x_1)|^2 / 2`. Terms of either loss that
do not read the output, such as regularizers, are added as they are. Oliviers, Tang and
Bogacz 2025, arXiv:2505.23415.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.chain import Chain, State, like, plus
from lossdsl.learning.layers import Bidirectional, Layer, apply, forward, is_array, named, shown
from lossdsl.learning.output_errors import Loss, LossEnd, inputs, objective
from lossdsl.learning.predictive import ERRORS, settle
from lossdsl.learning.result import LearningResult
from lossdsl.learning.rule import LearningRule
from lossdsl.learning.rule_settings import (
    at_least_one,
    losses,
    names,
    not_negative,
    one_of,
    positive,
    traced,
)


@dataclass(frozen=True)
class BiPredictiveCoding(LearningRule):
    """Predictive coding in both directions, through layers that are `Bidirectional`.

    `target` names the label in the batch, an array of the output's shape such as `one_hot` makes.
    `discriminative` and `generative` weigh what the two directions predict; with `generative=0`
    the rule is strict predictive coding. `loss_back` reads the reconstruction of the input under
    the name `output`, and the batch. Terms of either that do not read it are not weighed.

    `errors` is that of `PredictiveCoding`.

    An example that a mask or a weight of 0 leaves out of the losses is still clamped at both ends
    and trains what its hidden beliefs predict: leave padding out of the batch.

    >>> import jax.numpy as jnp
    >>> import lossdsl
    >>> shared = Bidirectional(lambda w, x: jnp.tanh(x) @ w, lambda w, x: jnp.tanh(x) @ w.T)
    >>> rule = BiPredictiveCoding(lossdsl.compile("mse(out, tgt)"), steps=100)
    >>> batch = {"x": jnp.ones((4, 2)), "tgt": jnp.ones((4, 2))}
    >>> result = rule.grads([shared]*2, [jnp.ones((2, 3))/4, jnp.ones((3, 2))/4], batch)
    >>> bool(result.residual < 0.01)
    True
    """

    loss_back: Loss | None = None
    eta: float = traced(0.1)
    steps: int = traced(20)
    discriminative: float = traced(1.0)
    generative: float = traced(1.0)
    target: str = "tgt"
    errors: str = "before"

    def __post_init__(self) -> None:
        """Raise LD904 for a setting that is of another kind, or out of range."""
        super().__post_init__()
        if self.loss_back is not None:
            losses(loss_back=self.loss_back)
        positive(eta=self.eta, discriminative=self.discriminative)
        at_least_one(steps=self.steps)
        not_negative(generative=self.generative)
        names(target=self.target)
        one_of(ERRORS, errors=self.errors)

    def reads(self) -> dict[str, str]:
        """Return the keys of the batch that the rule reads, and what for if it must."""
        back = inputs(self.loss_back, self.output) if self.loss_back is not None else {}
        needed = {name: ", which `loss_back` reads" if must else "" for name, must in back.items()}
        return {**needed, **super().reads(), self.target: " to clamp the output at"}

    def compute(
        self, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the result, as a pure function of arrays."""
        both = [_two_ways(number, layer) for number, layer in enumerate(layers)]
        bottom = batch[self.input]
        if not is_array(bottom):
            message = f"what is predicted backward is one array; the input is {shown(bottom)}"
            raise LossError([at("LD902", message, None)])
        goal = objective(self.loss, self.output, batch)
        *beliefs, out = forward(layers, params, bottom)[1:]
        top = self._label(batch, out)
        seen = goal.evaluate(out, params)
        downward = {
            f"layer {number}, backward,": layer.backward
            for number, layer in reversed(list(enumerate(both)))
        }
        up = Chain(named(layers), params, bottom, LossEnd(goal, params, seen.count))
        down = Chain(downward, params[::-1], top, _Clamped(bottom, params))
        own, rest = seen.own, seen.rest
        if self.loss_back is not None:
            back = objective(self.loss_back, self.output, batch)
            prediction = apply(
                "layer 0, backward,", both[0].backward, params[0], [*beliefs, top][0]
            )
            seen_back = back.evaluate(prediction, params)
            down = replace(down, end=LossEnd(back, params, seen_back.count))
            own, rest = plus(own, seen_back.own), rest + seen_back.rest

        def state(beliefs: list[Any]) -> Both:
            ahead, behind = up.state(beliefs), down.state(beliefs[::-1])
            pairs = zip(ahead.slope, behind.slope[::-1], strict=True)
            return Both([self._both(rise, fall) for rise, fall in pairs], ahead, behind)

        inferred, last = settle(state, beliefs, self.eta, self.steps, self.errors)
        ahead, behind = last.ahead.errors, last.behind.errors
        rising = like(params, up.gradients(inferred, ahead))
        falling = like(params, down.gradients(inferred[::-1], behind)[::-1])
        grads = jax.tree.map(
            lambda rise, fall, own: (self._both(rise, fall) / seen.count).astype(rise.dtype) + own,
            plus(rising, up.direct(inferred)),
            plus(falling, down.direct(inferred[::-1])),
            own,
        )
        energy = self._both(ahead.energy, behind.energy) / seen.count + rest
        judged = seen.judged(last.residuals(self.discriminative, self.generative))
        return LearningResult(grads, seen.value, seen.terms.metrics, energy, *judged)

    def _both(self, upward: Any, downward: Any) -> Any:
        return self.discriminative * upward + self.generative * downward

    def _label(self, batch: Mapping[str, Any], out: Any) -> Any:
        """Return what the output is clamped at; LD907 for what is not of its kind."""
        label = jnp.asarray(batch[self.target])
        real = jnp.issubdtype(label.dtype, jnp.floating)
        if label.shape == out.shape and real:
            return label.astype(out.dtype)
        if label.shape == out.shape:
            help = f"`{self.target}.astype({out.dtype})`"
        elif label.shape == out.shape[:-1] and not real:
            help = f"`jax.nn.one_hot({self.target}, {out.shape[-1]})`"
        else:
            help = f"the label has the output's shape: {list(out.shape)}"
        message = (
            f"the label `{self.target}` is {shown(label)}; "
            f"the output that it clamps is {shown(out)}"
        )
        raise LossError([at("LD907", message, None, help=help)])


class Both(NamedTuple):
    """The derivative of the energy by each belief, and the states of the two directions."""

    slope: list[Any]
    ahead: State
    behind: State

    def residuals(self, discriminative: Any, generative: Any) -> list[Any]:
        """Return for each layer the larger residual of the two directions, of those that count."""
        left = [slope / (discriminative + generative) for slope in self.slope]
        falling = [
            jnp.where(generative == 0, 0, residual)
            for residual in self.behind.residuals(left[::-1])[::-1]
        ]
        return list(map(jnp.maximum, self.ahead.residuals(left), falling))


def _two_ways(number: int, layer: Layer) -> Bidirectional:
    if not isinstance(layer, Bidirectional):
        help = "`Bidirectional(forward, backward)`"
        raise LossError([at("LD901", f"layer {number} predicts one way only", None, help=help)])
    return layer


@dataclass(frozen=True)
class _Clamped:
    """The end of a chain that predicts a clamped value: half the squared error."""

    value: Any
    params: Any

    def __call__(self, prediction: Any) -> tuple[Any, Any]:
        if prediction.shape != self.value.shape:
            message = (
                f"layer 0, backward, predicts {shown(prediction)}; the input is {shown(self.value)}"
            )
            raise LossError([at("LD901", message, None)])
        return jnp.sum(jnp.square(prediction - self.value)) / 2, prediction - self.value

    def direct(self, prediction: Any) -> Any:
        return jax.tree.map(jnp.zeros_like, self.params)
