"""What JAX is told of promotion makes no difference: to no function, and to no rule of learning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_dtypes import LIMITS, SUBJECTS, calls, given, program, stored

import lossdsl
from lossdsl.learning import BackProp, EquilibriumPropagation, Hopfield, PredictiveCoding
from lossdsl.testing.draw import draw
from lossdsl.testing.laws import SIZES
from lossdsl.testing.subject import Subject, is_real


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


def _drawn(subject: Subject) -> Mapping[str, Any]:
    values = draw(subject.drawn, subject.call, 0, SIZES)
    return jax.tree.map(lambda value: stored(value, "float32"), values)


def test_every_function_has_its_value_and_gradient() -> None:
    group = calls(_drawn, SUBJECTS)
    loss = lossdsl.compile(program(group), limits=LIMITS)
    moving = {name: value for name, value in given(group).items() if is_real(value)}
    fixed = {name: value for name, value in given(group).items() if name not in moving}

    def total(moving: Any) -> Any:
        metrics = loss.with_terms(**moving, **fixed)[1].metrics
        return sum(jnp.sum(leaf).astype("float32") for leaf in jax.tree.leaves(metrics))

    slopes = jax.eval_shape(jax.grad(total), moving)
    assert len(slopes) > 350


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
