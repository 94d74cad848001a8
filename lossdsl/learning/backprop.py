"""Backpropagation: the baseline, behind the interface of the local rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.learning.layers import Layer, forward
from lossdsl.learning.output_errors import objective
from lossdsl.learning.result import LearningResult
from lossdsl.learning.rule import LearningRule


@dataclass(frozen=True)
class BackProp(LearningRule):
    """The gradient of the loss itself; its energy is the loss, its residual 0.

    >>> import jax.numpy as jnp
    >>> import lossdsl
    >>> rule = BackProp(lossdsl.compile("mse(out, tgt) + 0.5*l2sqr(params)"))
    >>> batch = {"x": jnp.ones((4, 2)), "tgt": jnp.zeros((4, 3))}
    >>> rule.grads([lambda w, x: x @ w], [jnp.ones((2, 3))], batch).grads[0][0]
    Array([1.5, 1.5, 1.5], dtype=float32)
    """

    def compute(
        self, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the result, as a pure function of arrays."""
        goal = objective(self.loss, self.output, batch)

        def value(params: Any) -> tuple[Any, Any]:
            return goal.value(forward(layers, params, batch[self.input])[-1], params)

        (loss, terms), grads = jax.value_and_grad(value, has_aux=True)(params)
        still = jnp.zeros(len(layers), jnp.float32)
        return LearningResult(grads, loss, terms.metrics, loss, jnp.max(still), still)
