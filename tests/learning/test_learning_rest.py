"""What a residual says: how far the gradients of each layer are from those at rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning_networks import LAYERS, batch, far, gated, linear, parameters, shared, squashed, wide

import lossdsl
from lossdsl import LossError
from lossdsl.learning import (
    BackProp,
    BiPredictiveCoding,
    ConditionalGaussian,
    EquilibriumPropagation,
    Hopfield,
    PredictiveCoding,
)

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
FIT = "mean(sum(square(out - tgt), axis=-1))/2"
LOSS = lossdsl.compile(FIT)


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def apart(found: Any, rest: Any) -> np.ndarray:
    """Return the relative distance of gradients for each layer."""
    return np.array([far(one, two) for one, two in zip(found, rest, strict=True)])


# Depth, where the error shrinks from layer to layer.


def test_a_residual_is_that_of_the_worst_layer() -> None:
    layers, params = [lambda w, x: w * x] * 6, [jnp.float64(0.3)] * 6
    data = {"x": jnp.ones(1), "tgt": jnp.zeros(1)}
    rule = PredictiveCoding(
        lossdsl.compile("mse(out, tgt)"), eta=0.5, steps=10, mode="fixed", check=True
    )
    with pytest.raises(LossError, match=r"its residual is 0\.5 at layer 0, allowed is 0\.01"):
        rule.grads(layers, params, data)
    result = PredictiveCoding(rule.loss, eta=0.5, steps=10, mode="fixed").grads(
        layers, params, data
    )
    exact = BackProp(rule.loss).grads(layers, params, data)
    np.testing.assert_allclose(result.residuals, apart(result.grads, exact.grads), atol=1e-7)
    assert result.residual == pytest.approx(0.5)


SIZES = (4, 5, 5, 5, 2)
DEEP = (squashed,) * 3 + (linear,)
RULES = {
    "fixed": (lambda **more: PredictiveCoding(LOSS, mode="fixed", **more), DEEP, (50, 100)),
    "strict": (lambda **more: PredictiveCoding(LOSS, **more), DEEP, (80, 250)),
    "strict, after": (
        lambda **more: PredictiveCoding(LOSS, errors="after", **more), DEEP, (80, 250),
    ),
    "two ways": (
        lambda **more: BiPredictiveCoding(LOSS, generative=0.1, **more),
        (shared(jnp.tanh),) * 4, (60, 200),
    ),
    "equilibrium": (
        lambda **more: EquilibriumPropagation(
            LOSS, ConditionalGaussian(jnp.tanh), start="forward", **more
        ),
        (linear,) * 4, (200, 500),
    ),
    "Hopfield, one-sided": (
        lambda **more: EquilibriumPropagation(
            LOSS, Hopfield(jnp.tanh), dt=0.2, phases="two", **more
        ),
        (linear,) * 4, (200, 240),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "layers", "steps"), RULES.values(), ids=RULES)
def test_a_residual_bounds_the_error_of_every_layer(rule: Any, layers: Any, steps: Any) -> None:
    params, data = parameters(SIZES), batch(4, SIZES)
    rest = rule(steps=4000).grads(layers, params, data)
    assert rest.residual < 1e-6
    for one in steps:
        result = rule(steps=one).grads(layers, params, data)
        assert 1e-9 < result.residual < 0.5
        errors = apart(result.grads, rest.grads)
        assert errors.max() < 1.5 * float(result.residual)
        assert errors.max() > float(result.residual) / 3


@pytest.mark.parametrize("mode", ["strict", "fixed"])
def test_a_layer_that_the_error_has_not_reached_is_not_at_rest(mode: str) -> None:
    for steps, reached in ((1, 0), (2, 1)):
        result = PredictiveCoding(LOSS, steps=steps, mode=mode).grads(LAYERS, parameters(), batch())
        begun = [bool(np.any(one["w"])) for one in result.grads]
        assert begun == [number >= 2 - reached for number in range(3)]
        np.testing.assert_array_equal(result.residuals[: 2 - reached], 1)


def test_a_kink_is_named_as_what_more_steps_do_not_mend() -> None:
    layers = (lambda params, x: jax.nn.relu(linear(params, x)),) * 3 + (linear,)
    rule = PredictiveCoding(LOSS, steps=2000, check=True)
    with pytest.raises(LossError, match=r"such as that of ReLU.*`jax\.nn\.softplus`"):
        rule.grads(layers, parameters(SIZES), batch(4, SIZES))


# The order of errors and beliefs


def energy_of(params: Any, beliefs: Any, data: Any) -> Any:
    values = [data["x"], *beliefs]
    made = [layer(own, x) for layer, own, x in zip(LAYERS, params, values, strict=True)]
    hidden = zip(made, beliefs, strict=False)
    fit = jnp.sum(jnp.square(made[-1] - data["tgt"])) / 2
    return fit + sum(jnp.sum(jnp.square(one - belief)) / 2 for one, belief in hidden)


@jax.jit
def descended(params: Any, data: Any, steps: Any) -> Any:
    """Return the energy and its derivative by the parameters after steps down by beliefs."""
    beliefs = [data["x"]]
    for layer, own in zip(LAYERS[:-1], params, strict=False):
        beliefs.append(layer(own, beliefs[-1]))

    def step(_: Any, beliefs: Any) -> Any:
        slope = jax.grad(energy_of, argnums=1)(params, beliefs, data)
        return [one - 0.1 * by for one, by in zip(beliefs, slope, strict=True)]

    return jax.value_and_grad(energy_of)(
        params, jax.lax.fori_loop(0, steps, step, beliefs[1:]), data
    )


@pytest.mark.parametrize("steps", [1, 5, 20])
def test_after_the_last_step_gradients_are_those_of_the_energy(steps: int) -> None:
    params, data = parameters(), batch()
    value, expected = descended(params, data, steps)
    result = PredictiveCoding(LOSS, steps=steps, errors="after").grads(LAYERS, params, data)
    assert far(result.grads, [one / 6 for one in wide(expected)]) < 1e-14
    assert result.energy == pytest.approx(float(value) / 6, rel=1e-14)


def test_both_orders_come_to_the_same_rest() -> None:
    params, data = parameters(), batch()
    one, two = (
        PredictiveCoding(LOSS, steps=800, errors=errors).grads(LAYERS, params, data)
        for errors in ("before", "after")
    )
    assert far(one.grads, two.grads) < 1e-10
    fixed = PredictiveCoding(LOSS, eta=1.0, steps=2, mode="fixed", errors="after")
    exact = BackProp(LOSS).grads(LAYERS, params, data)
    assert far(fixed.grads(LAYERS, params, data).grads, exact.grads) < 1e-15


# An exact fit


EXACT = {
    "strict": (PredictiveCoding(LOSS, check=True), LAYERS),
    "fixed": (PredictiveCoding(LOSS, mode="fixed", check=True), LAYERS),
    "equilibrium": (EquilibriumPropagation(LOSS, start="forward", check=True), LAYERS),
    "absolute": (PredictiveCoding(lossdsl.compile("mae(out, tgt)"), check=True), LAYERS),
    "gated": (EquilibriumPropagation(LOSS, start="forward", check=True), (gated,) * 3),
}


# What rounding is, a loss says, whatever the rule: each dtype with one, and every rule with one.
ROUNDED = [(name, jnp.float32) for name in EXACT] + [
    (name, dtype)
    for name in (EXACT if SOAK else ("strict",))
    for dtype in (jnp.float64, jnp.bfloat16)
]


@partial(jax.jit, static_argnums=0)
def feed_forward(layers: Any, params: Any, x: Any) -> Any:
    for layer, own in zip(layers, params, strict=True):
        x = layer(own, x)
    return x


@pytest.mark.parametrize(("name", "dtype"), ROUNDED)
def test_an_exact_fit_up_to_rounding_is_at_rest(name: str, dtype: Any) -> None:
    (rule, layers), params, data = EXACT[name], parameters(dtype=dtype), batch(dtype=dtype)
    out = np.asarray(feed_forward(layers, params, data["x"]), np.float64)
    off = float(jnp.finfo(dtype).eps) * np.resize([1, -1, 0], out.shape)
    best = {**data, "tgt": (out * (1 + off)).astype(dtype)}
    result = rule.grads(layers, params, best)
    assert float(result.residual) == 0
    assert not np.any(result.residuals)
    assert float(result.rounding) == 0


def test_an_error_that_can_be_seen_is_not_rounding() -> None:
    params, data = parameters(), batch()
    out = np.asarray(feed_forward(LAYERS, params, data["x"]))
    near = {**data, "tgt": out * (1 + 1e-12)}
    assert PredictiveCoding(LOSS, steps=2).grads(LAYERS, params, near).residual > 0.5


# Precision


def test_small_errors_are_as_precise_as_large_ones() -> None:
    # Each layer passes on a tenth of the error, so that beliefs could not hold that of the first.
    with jax.enable_x64(False):
        layers, params = [lambda w, x: jnp.tanh(w * x)] * 12, [jnp.float32(0.1)] * 12
        data = {"x": jnp.ones(3), "tgt": jnp.ones(3)}
        rule = PredictiveCoding(LOSS_1D, eta=1.0, steps=12, mode="fixed", check=True)
        result = rule.grads(layers, params, data)
        exact = BackProp(LOSS_1D).grads(layers, params, data)
        assert all(
            float(one) == pytest.approx(float(two), rel=1e-5)
            for one, two in zip(result.grads, exact.grads, strict=True)
        )


LOSS_1D = lossdsl.compile("mse(out, tgt)")
