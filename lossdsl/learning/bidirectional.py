"""Bidirectional predictive coding: beliefs settle between predictions from below and from above.

With `x_0` the input and `x_L` the label, both clamped, `f_l` the forward and `g_l` the backward
half of layer `l`, the energy of an example is

    a_d * (Loss(f_L(x_{L-1})) + sum_{0<l<L} |x_l - f_l(x_{l-1})|^2 / 2)
    + a_g * (LossBack(g_1(x_1)) + sum_{0<l<L} |x_l - g_{l+1}(x_{l+1})|^2 / 2)

where without a `loss_back` that of the input is `|x_0 - g_1(x_1)|^2 / 2`. Oliviers, Tang and
Bogacz 2025, arXiv:2505.23415.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.chain import Chain, Errors, like
from lossdsl.learning.descent import descend
from lossdsl.learning.errors import Loss, objective
from lossdsl.learning.layers import Bidirectional, Layer, apply, forward, shown
from lossdsl.learning.result import LearningResult, at_rest
from lossdsl.learning.rule import at_least_one, positive, run


@dataclass(frozen=True)
class BiPredictiveCoding:
    """Predictive coding in both directions, through layers that are `Bidirectional`.

    `target` names the label in the batch, an array of the output's shape such as `one_hot` makes.
    `discriminative` and `generative` weigh the two directions, losses included; with
    `generative=0` the rule is strict predictive coding. `loss_back` reads the reconstruction of
    the input under the name `output`, and the batch. `check` raises for a residual past
    `tolerance`.

    >>> import jax.numpy as jnp
    >>> import lossdsl
    >>> shared = Bidirectional(lambda w, x: jnp.tanh(x) @ w, lambda w, x: jnp.tanh(x) @ w.T)
    >>> rule = BiPredictiveCoding(lossdsl.compile("mse(out, tgt)"), steps=100)
    >>> batch = {"x": jnp.ones((4, 2)), "tgt": jnp.ones((4, 2))}
    >>> result = rule.grads([shared]*2, [jnp.ones((2, 3))/4, jnp.ones((3, 2))/4], batch)
    >>> bool(result.residual < 0.01)
    True
    """

    loss: Loss
    loss_back: Loss | None = None
    eta: float = 0.1
    steps: int = 20
    discriminative: float = 1.0
    generative: float = 1.0
    target: str = "tgt"
    input: str = "x"
    output: str = "out"
    check: bool = False
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        positive(eta=self.eta, discriminative=self.discriminative)
        at_least_one(steps=self.steps)
        if not self.generative >= 0:
            message = f"`generative` is {self.generative:g}; it is 0 or a number above"
            raise LossError([at("LD904", message, None)])

    def grads(
        self, layers: Sequence[Layer], params: Sequence[Any], batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the gradients of the parameters on a batch, with loss and metrics."""
        for number, layer in enumerate(layers):
            if not isinstance(layer, Bidirectional):
                message = f"layer {number} predicts one way only"
                help = "`Bidirectional(forward, backward)`"
                raise LossError([at("LD901", message, None, help=help)])
        result = run(self, layers, params, batch)
        return at_rest(result, self.tolerance) if self.check else result

    def reads(self) -> set[str]:
        """Return the keys of the batch that the rule may read."""
        back = self.loss_back.signature if self.loss_back is not None else ()
        return {self.input, self.target, *self.loss.signature, *back}

    def compute(
        self, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the result, as a pure function of arrays."""
        bottom = batch[self.input]
        goal = objective(self.loss, self.output, batch)
        *beliefs, out = forward(layers, params, bottom)[1:]
        top = self._label(batch, out)
        seen = goal.evaluate(out, params)
        both = [layer for layer in layers if isinstance(layer, Bidirectional)]
        downward = [layer.backward for layer in reversed(both)]
        up = Chain(layers, params, bottom, lambda out: goal.driven(out, params, seen.count))
        down = Chain(downward, params[::-1], top, partial(_squared, bottom))
        direct = jax.tree.map(lambda one: self.discriminative * one, seen.direct)
        if self.loss_back is not None:
            back = objective(self.loss_back, self.output, batch)
            made = apply(0, downward[-1], params[0], beliefs[0] if beliefs else top)
            seen_back = back.evaluate(made, params)
            down = replace(down, end=lambda out: back.driven(out, params, seen_back.count))
            share = seen_back.count / seen.count
            direct = jax.tree.map(
                lambda one, two: self._both(one, share * two), seen.direct, seen_back.direct
            )

        def slope(beliefs: list[Any]) -> tuple[list[Any], tuple[Errors, Errors]]:
            rising, ahead = up.slope(beliefs)
            falling, behind = down.slope(beliefs[::-1])
            pairs = zip(rising, falling[::-1], strict=True)
            return [self._both(one, two) for one, two in pairs], (ahead, behind)

        done = descend(slope, beliefs, self.eta, self.steps)
        ahead, behind = done.seen
        grads = jax.tree.map(
            lambda one, two, direct: self._both(one, two) / seen.count + direct,
            like(params, up.gradients(done.values, ahead)),
            like(params, down.gradients(done.values[::-1], behind)[::-1]),
            direct,
        )
        energy = self._both(ahead.energy, behind.energy) / seen.count
        return LearningResult(grads, seen.value, seen.terms.metrics, energy, done.residual)

    def _both(self, upward: Any, downward: Any) -> Any:
        return self.discriminative * upward + self.generative * downward

    def _label(self, batch: Mapping[str, Any], out: Any) -> Any:
        """Return what the output is clamped at; LD907 for what is not of its kind."""
        if self.target not in batch:
            held = ", ".join(f"`{key}`" for key in batch)
            message = f"the batch has no `{self.target}` to clamp the output at"
            raise LossError([at("LD907", message, None, help=f"it holds {held}; see `target`")])
        label = jnp.asarray(batch[self.target])
        if label.shape != out.shape or not jnp.issubdtype(label.dtype, jnp.floating):
            message = (
                f"the label `{self.target}` is {shown(label)}; "
                f"the output that it clamps is {shown(out)}"
            )
            help = f"`jax.nn.one_hot(labels, {out.shape[-1]})`" if out.ndim else None
            raise LossError([at("LD907", message, None, help=help)])
        return label


def _squared(value: Any, made: Any) -> tuple[Any, Any]:
    """Return the energy of a prediction of a clamped value, and its error."""
    if made.shape != value.shape:
        message = f"layer 0 predicts {shown(made)} backward; the input is {shown(value)}"
        raise LossError([at("LD901", message, None)])
    return jnp.sum(jnp.square(made - value)) / 2, made - value
