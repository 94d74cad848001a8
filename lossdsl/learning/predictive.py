"""Predictive coding: beliefs of hidden layers settle between predictions, errors drive weights.

After Rosenbaum 2022, doi:10.1371/journal.pone.0266102 (strict and fixed prediction); the exact
mode is what the fixed one comes to rest at. With `f_l` the layers, `v_0` the input and `v_l` the
belief of hidden layer `l`, its error is `f_l(v_{l-1}) - v_l`, and the error of the output is that
of the loss for each example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lossdsl.learning.chain import Chain, Errors, like, local_gradients, predictions, slopes
from lossdsl.learning.descent import descend
from lossdsl.learning.errors import LossEnd, objective
from lossdsl.learning.layers import Layer, forward, named
from lossdsl.learning.result import LearningResult
from lossdsl.learning.rule import LearningRule
from lossdsl.learning.settings import at_least_one, one_of, positive

MODES = ("strict", "fixed", "exact")


@dataclass(frozen=True)
class PredictiveCoding(LearningRule):
    """Predictive coding in one of three modes.

    `strict` descends the energy `Loss + sum |error|^2 / 2` of the hidden beliefs, `steps` times by
    `eta`. `fixed` holds the predictions of the feed-forward pass and the error of the output; with
    `eta = 1` and as many steps as layers it is backpropagation. `exact` is that without steps.
    Too few steps give wrong gradients, which the residual shows.

    >>> import jax.numpy as jnp
    >>> import lossdsl
    >>> rule = PredictiveCoding(lossdsl.compile("mse(out, tgt)"), eta=1.0, steps=2, mode="fixed")
    >>> layers, params = [lambda w, x: jnp.tanh(w*x)]*2, [jnp.float32(0.5)]*2
    >>> result = rule.grads(layers, params, {"x": jnp.ones((3, 1)), "tgt": jnp.ones((3, 1))})
    >>> bool(result.residual < 1e-6)
    True
    """

    eta: float = 0.1
    steps: int = 20
    mode: str = "strict"

    def __post_init__(self) -> None:
        """Raise LD904 for a setting that is of another kind, or out of range."""
        super().__post_init__()
        one_of(MODES, mode=self.mode)
        positive(eta=self.eta)
        at_least_one(steps=self.steps)

    def compute(
        self, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the result, as a pure function of arrays."""
        goal = objective(self.loss, self.output, batch)
        values = forward(layers, params, batch[self.input])
        seen = goal.evaluate(values[-1], params)
        end = LossEnd(goal, params, seen.count)
        if self.mode == "strict":
            chain = Chain(named(layers), params, values[0], end)
            done = descend(chain.slope, values[1:-1], self.eta, self.steps)
            direct = chain.direct(done.values)
            found = Inferred([values[0], *done.values], done.seen, done.residual)
        else:
            last = Errors([seen.error], seen.count * (seen.value - seen.rest))
            steps = None if self.mode == "exact" else self.steps
            direct = end.direct(values[-1])
            found = fixed(layers, params, values, last, self.eta, steps)
        weights = local_gradients(layers, params, found.inputs, found.errors.each)
        grads = jax.tree.map(
            lambda one, direct, own: ((one + direct) / seen.count).astype(one.dtype) + own,
            like(params, weights),
            direct,
            seen.own,
        )
        energy = found.errors.energy / seen.count + seen.rest
        return LearningResult(grads, seen.value, seen.terms.metrics, energy, found.residual)


class Inferred(NamedTuple):
    """What inference found: the input of each layer and the error of each layer's output."""

    inputs: list[Any]
    errors: Errors
    residual: Any


def fixed(
    layers: Sequence[Layer],
    params: Any,
    values: list[Any],
    last: Errors,
    eta: float,
    steps: int | None,
) -> Inferred:
    """Propagate the error of the output through the layers as they are at the feed-forward pass.

    Without a number of steps, to where the steps come to rest.
    """
    _, pulls = predictions(named(layers), params, values[:-1])
    if steps is None:
        errors = last.each
        for pull in reversed(pulls):
            errors = [*pull(errors[0]), *errors]
        return Inferred(values[:-1], Errors(errors, last.end), jnp.zeros((), errors[0].dtype))

    def slope(beliefs: list[Any]) -> tuple[list[Any], Errors]:
        errors = [value - belief for value, belief in zip(values[1:], beliefs, strict=False)]
        errors += last.each
        return slopes(errors, pulls), Errors(errors, last.end)

    done = descend(slope, values[1:-1], eta, steps)
    return Inferred(values[:-1], done.seen, done.residual)
