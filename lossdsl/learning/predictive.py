"""Predictive coding: beliefs of hidden layers settle between predictions, errors drive weights.

After Rosenbaum 2022, doi:10.1371/journal.pone.0266102 (strict and fixed prediction); the exact
mode is what the fixed one comes to rest at. With `f_l` the layers, `v_0` the input and `v_l` the
belief of hidden layer `l`, its error is `f_l(v_{l-1}) - v_l`, and the error of the output is that
of the loss for each example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.learning.chain import (
    Chain,
    Errors,
    State,
    like,
    local_gradients,
    predictions,
    slopes,
)
from lossdsl.learning.descent import descend, moved
from lossdsl.learning.layers import Layer, forward, named
from lossdsl.learning.output_errors import LossEnd, objective
from lossdsl.learning.result import LearningResult
from lossdsl.learning.rule import LearningRule
from lossdsl.learning.rule_settings import at_least_one, one_of, positive, traced

MODES = ("strict", "fixed", "exact")
ERRORS = ("before", "after")

STRICT = (
    "more `steps`, or a smaller `eta` if it grows with them; if neither helps, a layer has a kink, "
    "such as that of ReLU, where beliefs find no rest: a smooth activation, such as "
    '`jax.nn.softplus`, or `mode="fixed"`'
)


@dataclass(frozen=True)
class PredictiveCoding(LearningRule):
    """Predictive coding in one of three modes.

    `strict` descends the energy `Loss + sum |error|^2 / 2` of the hidden beliefs, `steps` times by
    `eta`. `fixed` holds the predictions of the feed-forward pass and the error of the output; with
    `eta = 1` and as many steps as layers it is backpropagation. `exact` is that without steps.
    Too few steps give wrong gradients, which the residuals show.

    Weights follow the errors from `"before"` the last step of the beliefs, as in Rosenbaum 2022 and
    Torch2PC, so that an error is a layer lower after each step, and after the first one only the
    output has one; or from `"after"` it, as in pcx, where gradients are those of the energy.

    >>> import jax.numpy as jnp
    >>> import lossdsl
    >>> rule = PredictiveCoding(lossdsl.compile("mse(out, tgt)"), eta=1.0, steps=2, mode="fixed")
    >>> layers, params = [lambda w, x: jnp.tanh(w*x)]*2, [jnp.float32(0.5)]*2
    >>> result = rule.grads(layers, params, {"x": jnp.ones((3, 1)), "tgt": jnp.ones((3, 1))})
    >>> bool(result.residual < 1e-6)
    True
    """

    eta: float = traced(0.1)
    steps: int = traced(20)
    mode: str = "strict"
    errors: str = "before"

    def __post_init__(self) -> None:
        """Raise LD904 for a setting that is of another kind, or out of range."""
        super().__post_init__()
        one_of(MODES, mode=self.mode)
        one_of(ERRORS, errors=self.errors)
        positive(eta=self.eta)
        at_least_one(steps=self.steps)

    @property
    def remedy(self) -> str:
        """What to do where inference is not at rest."""
        if self.mode == "strict":
            return STRICT
        return "more `steps`; with `eta=1` it is at rest after as many steps as layers"

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
            beliefs, state = settle(chain.state, values[1:-1], self.eta, self.steps, self.errors)
            direct = chain.direct(beliefs)
        else:
            beliefs, direct = values[1:-1], end.direct(values[-1])
            last = Errors([seen.error], seen.count * (seen.value - seen.rest))
            steps = None if self.mode == "exact" else self.steps - (self.errors == "before")
            state = fixed(layers, params, values, last, self.eta, steps)
        inputs = [values[0], *beliefs]
        weights = local_gradients(layers, params, inputs, state.errors.each)
        grads = jax.tree.map(
            lambda local, direct, own: ((local + direct) / seen.count).astype(local.dtype) + own,
            like(params, weights),
            direct,
            seen.own,
        )
        return LearningResult(
            grads,
            seen.value,
            seen.terms.metrics,
            state.errors.energy / seen.count + seen.rest,
            *seen.judged(state.residuals()),
        )


def fixed(
    layers: Sequence[Layer], params: Any, values: list[Any], last: Errors, eta: Any, steps: Any
) -> State:
    """Propagate the error of the output through the layers as they are at the feed-forward pass.

    Without a number of steps, to where the steps come to rest.
    """
    _, pulls = predictions(named(layers), params, values[:-1])

    def state(errors: list[Any]) -> State:
        each = [*errors, *last.each]
        return State(Errors(each, last.end), slopes(each, pulls), pulls)

    if steps is None:
        errors = last.each
        for pull in reversed(pulls):
            errors = [*pull(errors[0]), *errors]
        return state(errors[:-1])
    # Errors are predictions less beliefs, and predictions stay: errors climb the slope. So small
    # ones are as precise as large ones, which a difference of beliefs would not be.
    begun = [jnp.zeros_like(value) for value in values[1:-1]]
    return state(descend(lambda errors: state(errors).slope, begun, -eta, steps))


def settle(
    state: Callable[[Any], Any], beliefs: list[Any], eta: Any, steps: Any, errors: str
) -> tuple[list[Any], Any]:
    """Return beliefs after some steps, and the state that drives the weights.

    That is the one before the last step, as in Rosenbaum 2022, or the one after, as in pcx.
    """
    beliefs = descend(lambda at: state(at).slope, beliefs, eta, steps - (errors == "before"))
    last = state(beliefs)
    return (moved(beliefs, last.slope, eta) if errors == "before" else beliefs), last
