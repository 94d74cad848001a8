"""What a learning rule refuses and warns of."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from learning_networks import LAYERS, SIZES, batch, linear, parameters, shared, squashed

import lossdsl
from lossdsl import LossError
from lossdsl.diagnostics.diagnostic import LossWarning
from lossdsl.learning import (
    BackProp,
    Bidirectional,
    BiPredictiveCoding,
    ConditionalGaussian,
    EquilibriumPropagation,
    Hopfield,
    PredictiveCoding,
)

TWO_WAYS = (shared(jnp.tanh),) * 3


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    with pytest.raises(LossError) as error:
        yield
    assert error.value.codes == (code,)
    for word in words:
        assert word in str(error.value)


# Rest


def test_check_raises_past_the_tolerance() -> None:
    loss, params, data = lossdsl.compile("mse(out, tgt)"), parameters(), batch()
    with refused("LD906", "residual is 0.", "allowed is 0.01"):
        PredictiveCoding(loss, steps=5, check=True).grads(LAYERS, params, data)
    PredictiveCoding(loss, steps=5, check=True, tolerance=1.0).grads(LAYERS, params, data)
    PredictiveCoding(loss, steps=200, check=True).grads(LAYERS, params, data)
    with refused("LD906"):
        BiPredictiveCoding(loss, steps=2, check=True).grads(TWO_WAYS, params, data)
    with refused("LD906"):
        EquilibriumPropagation(loss, steps=2, check=True).grads(LAYERS, params, data)


def test_check_raises_for_inference_that_diverges() -> None:
    loss = lossdsl.compile("mse(out, tgt)")
    with refused("LD906", "nan"):
        PredictiveCoding(loss, eta=50.0, steps=500, check=True).grads(
            (linear,) * 3, parameters(), batch()
        )


def test_inside_a_jit_check_warns() -> None:
    rule = PredictiveCoding(lossdsl.compile("mse(out, tgt)"), steps=5, check=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jax.block_until_ready(jax.jit(lambda p: rule.grads(LAYERS, p, batch()))(parameters()))
        jax.effects_barrier()
    assert any("LD906" in str(one.message) for one in caught)


# What is refused


class Unhashed:
    __hash__ = None  # type: ignore[assignment]

    def __call__(self, params: Any, x: Any) -> Any:
        return x


LOSS = lossdsl.compile("mse(out, tgt)")
BAD = {
    "a width": ("LD901", "layer 1 does not take float32[6, 5]: ", lambda: BackProp(LOSS).grads(
        LAYERS, parameters((4, 5, 3, 2))[:1] + parameters((4, 4, 3, 2))[1:], batch())),
    "too few parameters": ("LD901", "3 layers with parameters for 2", lambda: BackProp(LOSS).grads(
        LAYERS, parameters()[:2], batch())),
    "no layers": ("LD901", "no layers", lambda: BackProp(LOSS).grads((), (), batch())),
    "no function": ("LD901", "layer 0 is a int", lambda: BackProp(LOSS).grads(
        (1,), parameters((4, 2)), batch())),
    "no hash": (
        "LD901",
        "layer 0 has no hash",
        lambda: BackProp(LOSS).grads((Unhashed(),), parameters((4, 2)), batch()),
    ),
    "a setting that is an array": (
        "LD904",
        "no plain value",
        lambda: PredictiveCoding(LOSS, eta=jnp.float32(0.1)).grads(LAYERS, parameters(), batch()),
    ),
    "no array": ("LD901", "layer 0 returns a dict", lambda: BackProp(LOSS).grads(
        (lambda params, x: params,), parameters((4, 2)), batch())),
    "integers": ("LD901", "`0/n` is int32", lambda: BackProp(LOSS).grads(
        (lambda params, x: x,), [{"n": jnp.arange(3)}], batch())),
    "a layer of one way": ("LD901", "layer 1 predicts one way", lambda: BiPredictiveCoding(
        LOSS).grads((TWO_WAYS[0], linear), parameters(SIZES[:3]), batch())),
    "backward to another size": ("LD901", "layer 0 predicts float32[6, 5] backward", lambda:
        BiPredictiveCoding(LOSS).grads((Bidirectional(linear, lambda params, x: jnp.ones((6, 5))),),
        parameters((4, 2)), batch())),
    "activations": ("LD901", "2 activations", lambda: EquilibriumPropagation(
        LOSS, ConditionalGaussian((jnp.tanh, jnp.tanh))).grads(LAYERS, parameters(), batch())),
    "no input": ("LD902", "the batch has no `x`", lambda: BackProp(LOSS).grads(
        LAYERS, parameters(), {"tgt": 1.0})),
    "no target": ("LD902", "reads `tgt`", lambda: BackProp(LOSS).grads(
        LAYERS, parameters(), {"x": batch()["x"]})),
    "no output": ("LD902", "does not read the output `out`", lambda: BackProp(
        lossdsl.compile("mse(y, tgt)")).grads(LAYERS, parameters(), batch())),
    "a whole term": ("LD903", "couples", lambda: PredictiveCoding(
        lossdsl.compile("mse(out, tgt) + max(out)")).grads(LAYERS, parameters(), batch())),
    "steps": ("LD904", "`steps` is 0", lambda: PredictiveCoding(LOSS, steps=0)),
    "steps two ways": ("LD904", "`steps` is 0", lambda: BiPredictiveCoding(LOSS, steps=0)),
    "relaxation": ("LD904", "`steps` is -1", lambda: EquilibriumPropagation(LOSS, steps=-1)),
    "eta": ("LD904", "`eta` is 0", lambda: PredictiveCoding(LOSS, eta=0)),
    "mode": ("LD904", '"exact", "fixed", "strict"', lambda: PredictiveCoding(LOSS, mode="loose")),
    "beta": ("LD904", "`beta` is 0", lambda: EquilibriumPropagation(LOSS, beta=0.0)),
    "no finite beta": ("LD904", "`beta` is nan", lambda: EquilibriumPropagation(
        LOSS, beta=float("nan"))),
    "generation": ("LD904", "`generative` is -1", lambda: BiPredictiveCoding(LOSS, generative=-1)),
    "one phase": ("LD904", "the free rest", lambda: EquilibriumPropagation(
        LOSS, Hopfield(), phases="one")),
    "no key": ("LD904", "a key was not given", lambda: EquilibriumPropagation(
        LOSS, sign="random").grads(LAYERS, parameters(), batch())),
    "a key": ("LD904", "a key was given", lambda: EquilibriumPropagation(LOSS).grads(
        LAYERS, parameters(), batch(), key=jax.random.key(0))),
    "classes": ("LD907", "int32[6]", lambda: BiPredictiveCoding(LOSS).grads(
        TWO_WAYS, parameters(), {**batch(), "tgt": jnp.zeros(6, int)})),
    "no label": ("LD907", "no `label`", lambda: BiPredictiveCoding(LOSS, target="label").grads(
        TWO_WAYS, parameters(), batch())),
    "results": ("LD908", "has `a`, `b`", lambda: BackProp(lossdsl.compile(
        "loss a = mse(out, tgt)\nloss b = mean(out)")).grads(LAYERS, parameters(), batch())),
}  # fmt: skip


@pytest.mark.parametrize(("code", "words", "call"), BAD.values(), ids=BAD)
def test_bad_input(code: str, words: str, call: Callable[[], Any]) -> None:
    with refused(code, words):
        call()


def test_a_nudge_as_small_as_rounding_is_warned_of_with_the_number() -> None:
    rule = EquilibriumPropagation(LOSS, beta=1e-6)
    with pytest.warns(LossWarning, match="`beta` is 1e-06: rounding in float32 is about 12%"):
        rule.grads(LAYERS, parameters(), batch())
    with jax.enable_x64(True):
        rule.grads(LAYERS, parameters(dtype=jnp.float64), batch(dtype=jnp.float64))


def test_the_layers_of_a_user_raise_what_they_raise() -> None:
    def broken(params: Any, x: Any) -> Any:
        return params["missing"]

    with pytest.raises(KeyError, match="missing"):
        BackProp(LOSS).grads((broken, squashed), parameters(SIZES[:3]), batch())
