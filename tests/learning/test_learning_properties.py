"""What the literature proves of the learning rules, each with the slope that is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from learning_networks import (
    LAYERS,
    SIZES,
    batch,
    distance_to_backprop,
    far,
    linear,
    parameters,
    separate,
    shared,
    slope,
    squashed,
    wide,
)

import lossdsl
from lossdsl.learning import (
    BackProp,
    Bidirectional,
    BiPredictiveCoding,
    EquilibriumPropagation,
    PredictiveCoding,
)

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
FIT = "mean(sum(square(out - tgt), axis=-1))/2"
HALF_SUM = "sum(square(out - tgt))/2"


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


# Predictive coding


def test_fixed_predictions_with_a_full_step_are_backpropagation_after_as_many_as_layers() -> None:
    loss = lossdsl.compile(FIT)
    apart = {
        steps: distance_to_backprop(PredictiveCoding(loss, eta=1.0, steps=steps, mode="fixed"))
        for steps in (2, 3, 4)
    }
    assert apart[2] > 0.1
    assert max(apart[3], apart[4]) < 1e-15


def test_fixed_predictions_come_to_rest_geometrically_at_backpropagation() -> None:
    loss, steps = lossdsl.compile(FIT), (16, 20, 24, 28)
    apart = [
        distance_to_backprop(PredictiveCoding(loss, eta=0.5, steps=one, mode="fixed"))
        for one in steps
    ]
    # A step leaves 1 - eta of a belief's distance from rest; below another belief, that times a
    # factor linear in the steps.
    rate = np.exp(np.polyfit(steps, np.log(apart), 1)[0])
    assert rate == pytest.approx(0.5, abs=0.05)


def test_exact_is_backpropagation() -> None:
    rule = PredictiveCoding(lossdsl.compile(FIT), mode="exact")
    assert distance_to_backprop(rule) < 1e-15
    assert rule.grads(LAYERS, parameters(), batch()).residual == 0


def test_strict_nears_backpropagation_in_proportion_to_the_scale_of_the_loss() -> None:
    scales = (1.0, 1e-2, 1e-3, 1e-4)
    apart = [
        distance_to_backprop(
            PredictiveCoding(lossdsl.compile(f"{scale}*{FIT}"), eta=0.1, steps=400)
        )
        for scale in scales
    ]
    assert apart[0] > 0.5
    assert slope(scales[1:], apart[1:]) == pytest.approx(1, abs=0.03)


def test_strict_never_raises_the_energy_with_small_steps() -> None:
    loss, params, data = lossdsl.compile(FIT), parameters(), batch()
    energies = [
        float(PredictiveCoding(loss, eta=0.05, steps=steps).grads(LAYERS, params, data).energy)
        for steps in (1, 2, 4, 8, 16, 32)
    ]
    assert energies[0] == pytest.approx(float(BackProp(loss).grads(LAYERS, params, data).loss))
    assert all(np.diff(energies) < 0)


def test_strict_comes_to_rest_geometrically() -> None:
    loss, params, data = lossdsl.compile(FIT), parameters(), batch()
    steps = (50, 100, 150, 200)
    residuals = [
        float(PredictiveCoding(loss, eta=0.1, steps=one).grads(LAYERS, params, data).residual)
        for one in steps
    ]
    fitted = np.polyfit(steps, np.log(residuals), 1)
    assert np.exp(fitted[0]) < 0.95
    assert np.log(residuals) == pytest.approx(np.polyval(fitted, steps), abs=0.7)


# Bidirectional predictive coding


def test_without_generation_it_is_strict_predictive_coding() -> None:
    params, data = parameters(), batch()
    loss = lossdsl.compile(FIT)
    both = [Bidirectional(layer, lambda params, x: x @ params["w"].T) for layer in LAYERS]
    two_way = BiPredictiveCoding(loss, generative=0.0).grads(both, params, data)
    one_way = PredictiveCoding(loss).grads(LAYERS, params, data)
    assert far(two_way.grads, one_way.grads) < 1e-15
    assert two_way.energy == pytest.approx(float(one_way.energy), rel=1e-14)


@pytest.mark.parametrize("back", [None, "log_cosh(out, x)"])
def test_two_way_inference_never_raises_the_energy(back: str | None) -> None:
    loss, params, data = lossdsl.compile(FIT), parameters(), batch()
    loss_back = None if back is None else lossdsl.compile(back)
    layers = [shared(jnp.tanh)] * 3
    energies = [
        float(
            BiPredictiveCoding(loss, loss_back, eta=0.02, steps=steps)
            .grads(layers, params, data)
            .energy
        )
        for steps in (1, 2, 4, 8, 16, 32)
    ]
    assert all(np.diff(energies) < 0)


@pytest.mark.parametrize("kind", [shared, separate])
def test_at_rest_the_ends_may_be_swapped(kind: Any) -> None:
    ends, data = {"up": (4, 5, 3, 2), "down": (2, 3, 5, 4)}, batch()
    up, down = parameters(ends["up"]), parameters(ends["down"], seed=3)[::-1]
    params = [
        {"w": one["w"], "up": one["w"], "down": two["w"]} for one, two in zip(up, down, strict=True)
    ]
    layer, loss = kind(jnp.tanh), lossdsl.compile(HALF_SUM)
    turned = Bidirectional(layer.backward, layer.forward)
    settings = {"eta": 0.05, "steps": 3000}
    found = BiPredictiveCoding(loss, discriminative=0.7, generative=1.3, **settings).grads(
        [layer] * 3, params, data
    )
    swapped = BiPredictiveCoding(loss, discriminative=1.3, generative=0.7, **settings).grads(
        [turned] * 3, params[::-1], {"x": data["tgt"], "tgt": data["x"]}
    )
    assert max(found.residual, swapped.residual) < 1e-12
    assert far(swapped.grads[::-1], found.grads) < 1e-11
    assert swapped.energy == pytest.approx(float(found.energy), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "back"),
    [
        (HALF_SUM, None),
        (HALF_SUM, "log_cosh(out, x) + 0.1*l2sqr(params)"),
        (FIT + " + 0.3*l2sqr(params)", 'mean(square(out - x)) * sum(square(params["1/w"]))'),
    ],
)
def test_its_gradients_are_those_of_the_energy_at_rest(loss: str, back: str | None) -> None:
    # The derivative of the energy at rest, over the parameters, by differences: the envelope
    # theorem leaves no other part.
    rule = BiPredictiveCoding(
        lossdsl.compile(loss),
        None if back is None else lossdsl.compile(back),
        eta=0.05,
        steps=2000,
        discriminative=0.7,
        generative=1.3,
    )
    params, data, layers = parameters(), batch(3), [shared(jnp.tanh)] * 3
    grads, step = rule.grads(layers, params, data).grads, 1e-5

    def energy(shift: float) -> float:
        moved = [dict(one) for one in params]
        moved[1]["w"] = moved[1]["w"].at[2, 1].add(shift)
        return float(rule.grads(layers, moved, data).energy)

    expected = (energy(step) - energy(-step)) / (2 * step)
    assert float(grads[1]["w"][2, 1]) == pytest.approx(expected, rel=1e-6)


def test_terms_that_do_not_read_the_output_are_added_as_they_are() -> None:
    settings = {"discriminative": 0.5, "generative": 3.0, "steps": 5}
    params, data, layers = parameters(), batch(), [shared(jnp.tanh)] * 3

    def gradients(own: Any, loss: str, back: str) -> Any:
        rule = BiPredictiveCoding(lossdsl.compile(loss), lossdsl.compile(back), **settings)
        return rule.grads(layers, own, data).grads

    @jax.jit
    def every(params: Any) -> Any:
        decay = lossdsl.compile("l2sqr(params)")
        texts = (
            (FIT, "mse(out, x)"),
            (FIT + " + 0.1*l2sqr(params)", "mse(out, x)"),
            (FIT, "mse(out, x) + 0.1*l2sqr(params)"),
        )
        expected = jax.grad(lambda own: 0.1 * decay(params=own))(params)
        return expected, [gradients(params, *pair) for pair in texts]

    expected, (bare, *others) = every(params)
    for found in others:
        assert (
            far([one - two for one, two in zip(wide(found), wide(bare), strict=True)], expected)
            < 1e-12
        )


# All rules


RULES = {
    "backprop": (BackProp, LAYERS),
    "strict": (PredictiveCoding, LAYERS),
    "two ways": (BiPredictiveCoding, [shared(jnp.tanh)] * 3),
    "equilibrium": (EquilibriumPropagation, (squashed, squashed, linear)),
}


TEXTS = (
    "mse(out, tgt)",
    "rmse(out, tgt)",
    "mean(out)**2 + mse(out, tgt)",
    "mean(sum(square(out - tgt), axis=-1)) + mse(out, tgt) + l2sqr(params)",
)
# Where depth is no part of a law, two layers have it: a third is compiled for every rule again.
SHALLOW = SIZES[1:]
TWO_LAYERS = {name: (rule, layers[1:]) for name, (rule, layers) in RULES.items()}
# What a text divides by is read off it in the same way for every rule: each with one rule, and
# all their terms together with every rule.
SIZED = [(name, " + ".join(TEXTS)) for name in RULES] + [
    (name, text) for name in (RULES if SOAK else ("strict",)) for text in TEXTS
]


@pytest.mark.parametrize(("name", "text"), SIZED)
def test_gradients_do_not_depend_on_the_size_of_the_batch(name: str, text: str) -> None:
    rule, layers = TWO_LAYERS[name]
    params, data = parameters(SHALLOW), batch(3, SHALLOW)
    thrice = {name: np.concatenate([one] * 3) for name, one in data.items()}
    chosen = rule(lossdsl.compile(text))
    small, large = (chosen.grads(layers, params, one) for one in (data, thrice))
    # Where inference does not settle (rmse with this step) it also magnifies rounding.
    assert far(large.grads, small.grads) < 1e-10
    assert large.energy == pytest.approx(float(small.energy), rel=1e-12)


@pytest.mark.parametrize(("rule", "layers"), TWO_LAYERS.values(), ids=RULES)
def test_masked_examples_do_not_count(rule: Any, layers: Any) -> None:
    params, data = parameters(SHALLOW), batch(6, SHALLOW)
    kept = {name: one[:4] for name, one in data.items()}
    loss = lossdsl.compile("keep: bool[B]\nout, tgt: float[B, K]\nmse(out, tgt, where=keep)")
    if rule is BiPredictiveCoding:
        settings: Any = {"generative": 0.0}  # the input is generated for masked examples too
    else:
        settings = {}
    masked = rule(loss, **settings).grads(layers, params, {**data, "keep": jnp.arange(6) < 4})
    assert far(masked.grads, rule(loss, **settings).grads(
        layers, params, {**kept, "keep": jnp.ones(4, bool)}).grads) < 1e-13  # fmt: skip


@pytest.mark.parametrize(("rule", "layers"), TWO_LAYERS.values(), ids=RULES)
def test_regularizers_and_bounds_add_their_own_gradients(rule: Any, layers: Any) -> None:
    params, data = parameters(SHALLOW), batch(sizes=SHALLOW)
    text = "share*0.1*l2sqr(params) + share*bounds(params, w >= 0.2)"
    chosen = rule(lossdsl.compile(f"{FIT} + {text}"))
    plain, both = (
        chosen.grads(layers, params, {**data, "share": np.float64(share)}) for share in (0, 1)
    )
    alone = regularized(text)
    assert far(both.grads, list(map(np.add, wide(plain.grads), wide(alone)))) < 1e-12
    assert far(both.grads, plain.grads) > 1e-3


@lru_cache
def regularized(text: str) -> Any:
    """Return the gradient of terms of the parameters alone."""
    loss = lossdsl.compile(text)
    return jax.jit(jax.grad(lambda params: loss(params=params, share=1.0)))(parameters(SHALLOW))
