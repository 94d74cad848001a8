"""A function that drops an axis reads an array where it lies: no copy of it is turned around."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl
from lossdsl.core.graph import Apply, tape
from lossdsl.library.follow import permuted
from lossdsl.specialization import Call
from lossdsl.terms import value_roots

Z = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
Y = np.array([[[0, 1, 2, 0, 1]] * 4] * 2, np.int32)
M = Z > 0

# A text with a permutation, and whether it is left.
TEXTS = [
    ("cross_entropy(z, y, class_axis=1)", False),
    ("mean(label_log_probs(z, y, class_axis=1), where=y > 0)", False),
    ("sum(sum(transpose(z, axes=(0, 2, 3, 1)), axis=-1)*y)", False),
    ("sum(max(transpose(z, axes=(2, 0, 3, 1)), axis=(0, 3))*y[:, 0])", False),
    ("sum(z)*sum(argmax(transpose(z, axes=(0, 2, 3, 1)), axis=-1)*y)", False),
    # What is left comes in another order, is masked as it was turned, or keeps its axes.
    ("sum(sum(transpose(z, axes=(3, 2, 0, 1)), axis=-1)*transpose(y))", True),
    (
        "sum(sum(transpose(z, axes=(3, 2, 0, 1)), axis=-1, where=transpose(m, axes=(3, 2, 0, 1))))",
        True,
    ),
    ("mean(sum(transpose(z, axes=(0, 2, 3, 1)), axis=-1, keepdims=true)*y[..., None])", True),
    ("mean(softmax(transpose(z, axes=(0, 2, 3, 1)), axis=-1)*y[..., None])", True),
]


def flat(loss: lossdsl.CompiledLoss, inputs: dict[str, Any]) -> Call:
    """Return what a loss computes at a call."""
    return loss._call(inputs, value_roots)[0]


@pytest.mark.parametrize(("text", "left"), TEXTS)
def test_the_permutation_is_left_out_and_changes_nothing(
    text: str, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"z": jnp.asarray(Z), "y": jnp.asarray(Y), "m": jnp.asarray(M)}
    loss = lossdsl.compile(text)
    inputs = {name: given[name] for name in loss.signature}
    call = flat(loss, inputs)
    nodes = tape(call.flat.roots)
    large = [
        node
        for node in nodes
        if isinstance(node, Apply)
        and node.function.axes is permuted
        and call.flat.graph.types[node].dims is not None
        and len(call.flat.graph.types[node].dims) == 4
    ]
    assert bool(large) is left
    value, slope = jax.value_and_grad(lambda z: loss(**{**inputs, "z": z}))(inputs["z"])
    lossdsl.clear_cache()
    monkeypatch.setattr("lossdsl.optimize.PASSES", lossdsl.optimize.PASSES[:-1])
    plain = lossdsl.compile(text)
    before, turned = jax.value_and_grad(lambda z: plain(**{**inputs, "z": z}))(inputs["z"])
    lossdsl.clear_cache()
    np.testing.assert_allclose(value, before, rtol=1e-6)
    np.testing.assert_allclose(slope, turned, rtol=1e-5, atol=1e-7)
