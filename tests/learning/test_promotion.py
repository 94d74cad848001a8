"""What JAX is told of promotion makes no difference to a rule of learning.

Nor does it to a function, which `sharded_library.py` asks of each where it is traced anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl
from lossdsl.learning import BackProp, EquilibriumPropagation, Hopfield, PredictiveCoding


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


LOSS = lossdsl.compile("mse(out, tgt) + 1e-3*l2sqr(params)")


@pytest.mark.parametrize(
    "rule",
    [
        BackProp(LOSS),
        PredictiveCoding(LOSS),
        EquilibriumPropagation(LOSS),
        EquilibriumPropagation(LOSS, Hopfield()),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_a_rule_of_learning_has_its_gradients(rule: Any) -> None:
    layers = [lambda p, x: jnp.tanh(x @ p), lambda p, x: x @ p]
    params = [np.float32(np.eye(3)) / 2, np.float32(np.eye(3)) / 3]
    batch = {"x": np.ones((2, 3), "f4"), "tgt": np.zeros((2, 3), "f4")}
    assert len(rule.grads(layers, params, batch).grads) == 2
