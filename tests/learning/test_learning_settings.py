"""The settings of learning rules: what is of another kind, or out of range, is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx
from learning_networks import LAYERS, batch, far, parameters, shared

import lossdsl
from lossdsl import LossError
from lossdsl.learning import (
    BackProp,
    BiPredictiveCoding,
    EquilibriumPropagation,
    Hopfield,
    PredictiveCoding,
)
from lossdsl.learning.rule import compiled

LOSS = lossdsl.compile("mse(out, tgt)")
RULES = {
    "backprop": BackProp,
    "predictive": PredictiveCoding,
    "two ways": BiPredictiveCoding,
    "equilibrium": EquilibriumPropagation,
}
NAN, INF = float("nan"), float("inf")
OF_A_KIND: dict[str, tuple[Any, ...]] = {
    "loss": ("mse(out, tgt)", None, lambda out: out),
    "loss_back": ("mse(out, x)", 1),
    "input": (0, None),
    "output": (0, None),
    "target": (0, None),
    "check": ("yes", 1, None),
    "tolerance": (NAN, -1, 0, "a", None, True),
    "eta": (NAN, INF, -1, 0, "a", None, True, [0.1]),
    "dt": (NAN, INF, 0, "a"),
    "tau": (NAN, 0, "a"),
    "beta": (NAN, INF, 0, "1", None, True),
    "stop": (NAN, INF, -1, "a"),
    "discriminative": (NAN, INF, 0, "a"),
    "generative": (NAN, INF, -1, "a"),
    "steps": (0, -1, 2.5, "20", None, True, NAN),
    "errors": ("old", None),
    "mode": ("loose", 1, None, ["strict"]),
    "phases": ("three", 2),
    "start": ("ones", None),
    "sign": ("both", True),
    "energy": ("hopfield", Hopfield, None),
}


def settings(rule: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(rule)}


def test_every_setting_is_tried() -> None:
    assert set().union(*map(settings, RULES.values())) == set(OF_A_KIND)


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        (rule, name, value)
        for rule in RULES.values()
        for name, values in OF_A_KIND.items()
        for value in values
        if name in settings(rule) and (name, value) != ("loss_back", None)
    ],
)
def test_a_setting_of_another_kind(rule: Any, name: str, value: Any) -> None:
    with pytest.raises(LossError, match=f"`{name}` is ") as error:
        rule(**{"loss": LOSS, name: value})
    assert error.value.codes == ("LD904",)


def test_settings_may_be_numbers_of_numpy() -> None:
    rule = PredictiveCoding(LOSS, eta=np.float32(0.5), steps=np.int64(3), tolerance=1)
    assert np.isfinite(rule.grads(LAYERS, parameters(), batch()).residual)


NUMBERS: dict[str, dict[str, Any]] = {
    "predictive": {"eta": 0.05, "steps": 7},
    "two ways": {"eta": 0.05, "steps": 7, "discriminative": 0.7, "generative": 0.3},
    "equilibrium": {"beta": 0.2, "dt": 0.07, "tau": 1.3, "steps": 9},
}
EVERY = {"predictive": LAYERS, "two ways": (shared(jnp.tanh),) * 3, "equilibrium": LAYERS}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_changes_without_another_compilation(name: str) -> None:
    rule, layers, params, data = RULES[name], EVERY[name], parameters(), batch()
    usual = rule(lossdsl.compile("3*mse(out, tgt)")).grads(layers, params, data)
    before = compiled._cache_size()
    for setting, value in NUMBERS[name].items():
        other = rule(lossdsl.compile("3*mse(out, tgt)"), **{setting: value})
        assert far(other.grads(layers, params, data).grads, usual.grads) > 1e-4
        assert compiled._cache_size() == before, setting
    # All differ from their defaults and from each other, so that one that is lost, or taken for
    # another, shows against the program into which they are compiled.
    other = rule(lossdsl.compile("3*mse(out, tgt)"), **NUMBERS[name])
    found = other.grads(layers, params, data)
    assert compiled._cache_size() == before
    inside = jax.jit(lambda own: other.grads(layers, own, data))(params)
    assert far(found.grads, inside.grads) < 1e-5


def test_a_number_may_be_traced_but_not_that_of_the_steps() -> None:
    params, data = parameters(), batch()
    step = jax.jit(lambda eta: PredictiveCoding(LOSS, eta=eta).grads(LAYERS, params, data).grads)
    for eta in (0.05, 0.2):
        found = PredictiveCoding(LOSS, eta=jnp.float32(eta)).grads(LAYERS, params, data)
        assert far(step(eta), found.grads) < 1e-5
    with pytest.raises(LossError, match="`steps` is an array; it is an integer"):
        jax.jit(lambda steps: PredictiveCoding(LOSS, steps=steps).eta)(3)
    with pytest.raises(LossError, match="`tolerance` is traced; it is a number of Python"):
        jax.jit(lambda most: PredictiveCoding(LOSS, tolerance=most).eta)(0.1)


@pytest.mark.parametrize(
    "text", ["log(mse(out, tgt))", "square(mse(out, tgt))", "rmse(out, tgt)",
             "maximum(mse(out, tgt), 0.1)"],
)  # fmt: skip
def test_a_function_of_one_mean_is_one_factor_for_all_examples(text: str) -> None:
    params, data = parameters(), batch()
    rule = PredictiveCoding(lossdsl.compile(text), eta=1.0, steps=3, mode="fixed")
    exact = BackProp(rule.loss).grads(LAYERS, params, data)
    assert far(rule.grads(LAYERS, params, data).grads, exact.grads) < 1e-5


def module(layer: Any, params: Any, width: int) -> Any:
    """Return the call of a rule over a linear layer and one more."""
    first = nnx.Linear(4, width, rngs=nnx.Rngs(0))
    split, own = nnx.split(first)
    both = [lambda params, x: nnx.merge(split, params)(x), layer]
    return BackProp(LOSS).grads(both, [own, params], batch())


def test_modules_are_told_how_they_become_layers() -> None:
    for layer, words in (
        (nnx.Linear(2, 2, rngs=nnx.Rngs(0)), r"module of `flax\.nnx`(.|\n)*`nnx\.merge|nnx\.split"),
        (linen.Dense(2), r"module of `flax\.linen`(.|\n)*`module\.apply`"),
    ):
        with pytest.raises(LossError, match=words) as error:
            module(layer, {}, 2)
        assert error.value.codes == ("LD901",)
    split, own = nnx.split(nnx.Linear(2, 2, rngs=nnx.Rngs(1)))
    result = module(lambda params, x: nnx.merge(split, params)(x), own, 2)
    assert jax.tree.structure(result.grads[1]) == jax.tree.structure(own)


@pytest.mark.parametrize(
    "make", [lambda: nnx.BatchNorm(2, rngs=nnx.Rngs(0)), lambda: nnx.Dropout(0.5, rngs=nnx.Rngs(0))]
)
def test_a_module_that_changes_itself_is_no_layer(make: Any) -> None:
    changing = make()
    with pytest.raises(LossError, match="layer 1 does not run as a function") as error:
        module(lambda params, x: changing(x), {}, 2)
    assert error.value.codes == ("LD901",)
    assert "a layer is pure" in str(error.value)
