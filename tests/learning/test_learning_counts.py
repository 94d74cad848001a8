"""The error of an example is the derivative by its output times what a mean divides by."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning_networks import batch, parameters

import lossdsl
from lossdsl.learning.output_errors import objective

COUNTED = {
    "a mean of examples": ("mean(sum(square(out - tgt), axis=-1))", 6.0),
    "a mean of elements": ("mse(out, tgt)", 12.0),
    "a root of a mean": ("sqrt(mean(square(out - tgt)))", 12.0),
    "a sum": ("sum(square(out - tgt))/6", 1.0),
    "a mean over the batch alone": ("sum(mean(square(out - tgt), axis=0))", 6.0),
    "a masked mean over it": ("sum(mean(square(out - tgt), axis=0, where=some))", 3.0),
    "weights": ("mean(sum(square(out - tgt), axis=-1), weight=w)", 21.0),
    "a function of one mean": ("mean(out)**2", 12.0),
    "elements, then examples": ("mse(out, tgt) + mean(sum(square(out), axis=-1))", 6.0),
    "examples, then elements": ("mean(sum(square(out), axis=-1)) + mse(out, tgt)", 6.0),
    "nothing, then elements": ("mean(square(out), where=off) + mse(out, tgt)", 12.0),
    "sums": ("sum(square(out)) + sum(abs(out))", 1.0),
    "another term first": ("l2sqr(params) + mse(out, tgt)", 12.0),
    "a sum over params": ('sum(square(params["0/w"])) + mse(out, tgt)', 12.0),
}


@lru_cache
def counted() -> dict[str, tuple[Any, Any, Any]]:
    """Return count, error and derivative for every text, in one program."""
    off, some = np.zeros((6, 2), bool), np.arange(6)[:, None] < np.array([2, 4])
    data = {**batch(), "w": np.arange(1, 7, dtype=np.float32), "off": off, "some": some}

    def fn(text: str, params: Any, data: Any) -> tuple[Any, Any, Any]:
        goal, out = objective(lossdsl.compile(text), "out", data), jnp.ones((6, 2))
        seen = goal.evaluate(out, params)
        return seen.count, seen.error, jax.grad(lambda out: goal.value(out, params)[0])(out)

    return jax.jit(lambda *arrays: {text: fn(text, *arrays) for text, _ in COUNTED.values()})(
        parameters(), data
    )


@pytest.mark.parametrize(("text", "count"), COUNTED.values(), ids=COUNTED)
def test_the_error_of_an_example_is_the_derivative_times_the_count(text: str, count: float) -> None:
    seen, error, derivative = counted()[text]
    assert float(seen) == count
    np.testing.assert_allclose(error, count * np.asarray(derivative), rtol=1e-6)
