"""What the literature proves of equilibrium propagation, each with the slope that is measured."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import pytest
from learning_networks import batch, distance_to_backprop, far, gated, linear, parameters, slope

import lossdsl
from lossdsl.diagnostics.diagnostic import LossWarning
from lossdsl.learning import ConditionalGaussian, EquilibriumPropagation, Hopfield

FIT = "mean(sum(square(out - tgt), axis=-1))/2"


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


BETAS = (0.02, 0.01, 0.005, 0.0025)
GAUSSIAN = ConditionalGaussian((lambda x: x, jnp.tanh, jnp.tanh, jnp.tanh))
HOPFIELD = Hopfield((lambda x: x, jax.nn.sigmoid, jax.nn.sigmoid, jax.nn.sigmoid))


def at_rest(energy: Any, params: Any, data: Any) -> Any:
    """Return the gradient of the loss at the free rest, through the rest: implicitly."""
    layers = (linear,) * 3
    start = energy.forward(layers, params, data["x"])[1:]
    flat, shaped = jax.flatten_util.ravel_pytree(start)

    def force(flat: Any, params: Any) -> Any:
        return jax.grad(lambda one: energy.total(layers, params, [data["x"], *shaped(one)]))(flat)

    for _ in range(30):
        flat = flat - jnp.linalg.solve(jax.jacobian(force)(flat, params), force(flat, params))
    assert float(jnp.max(jnp.abs(force(flat, params)))) < 1e-12
    loss = lossdsl.compile(FIT)
    pulled = jax.grad(lambda one: loss(out=shaped(one)[-1], tgt=data["tgt"]))(flat)
    adjoint = -jnp.linalg.solve(jax.jacobian(force)(flat, params), pulled)
    return jax.vjp(lambda own: force(flat, own), params)[1](adjoint)[0]


@pytest.mark.parametrize(("energy", "start"), [(GAUSSIAN, "forward"), (HOPFIELD, "zeros")])
@pytest.mark.parametrize(("phases", "order"), [("two", 1), ("centered", 2)])
def test_the_error_falls_with_beta(energy: Any, start: str, phases: str, order: int) -> None:
    params, data, loss = parameters(), batch(3), lossdsl.compile(FIT)
    exact = at_rest(energy, params, data)
    errors = []
    for beta in BETAS:
        rule = EquilibriumPropagation(
            loss, energy, beta=beta, steps=3000, phases=phases, start=start
        )
        result = rule.grads((linear,) * 3, params, data)
        assert result.residual < 1e-6
        errors.append(far(result.grads, exact))
    assert slope(BETAS, errors) == pytest.approx(order, abs=0.08)


def test_at_a_feed_forward_rest_it_nears_backpropagation() -> None:
    rule = EquilibriumPropagation(
        lossdsl.compile(FIT), GAUSSIAN, beta=0.01, steps=1000, start="forward"
    )
    assert distance_to_backprop(rule, (linear,) * 3, (linear, gated, gated)) < 1e-3


def test_one_phase_is_two_where_the_free_rest_adds_nothing() -> None:
    loss, params, data = lossdsl.compile(FIT), parameters(), batch()
    one, two = (
        EquilibriumPropagation(loss, GAUSSIAN, phases=phases, start="forward").grads(
            (linear,) * 3, params, data
        )
        for phases in ("one", "two")
    )
    assert far(one.grads, two.grads) < 1e-13


def test_both_signs_of_beta_average_to_the_centered_estimate() -> None:
    loss, params, data = lossdsl.compile(FIT), parameters(), batch()
    layers, settings = (linear,) * 3, {"energy": GAUSSIAN, "beta": 0.05, "start": "forward"}
    rule = EquilibriumPropagation(loss, phases="two", sign="random", **settings)
    drawn = [rule.grads(layers, params, data, key=jax.random.key(seed)).grads for seed in range(8)]
    signs = {
        sign: EquilibriumPropagation(
            loss, phases="two", **{**settings, "beta": sign * 0.05}
        ).grads(layers, params, data).grads
        for sign in (1, -1)
    }  # fmt: skip
    found = [min(signs, key=lambda sign: far(one, signs[sign])) for one in drawn]
    assert set(found) == {1, -1}
    assert all(far(one, signs[sign]) < 1e-12 for one, sign in zip(drawn, found, strict=True))
    mean = jax.tree.map(lambda one, two: (one + two) / 2, signs[1], signs[-1])
    centered = EquilibriumPropagation(loss, **settings).grads(layers, params, data).grads
    assert far(mean, centered) < 1e-12


def test_a_network_stops_where_its_forces_are_below_a_bound() -> None:
    loss, params, data = lossdsl.compile(FIT), parameters(), batch()
    bounds = (1e-3, 1e-4, 1e-5, 1e-6)
    residuals = [
        float(
            EquilibriumPropagation(loss, GAUSSIAN, steps=10_000, stop=bound, start="forward")
            .grads((linear,) * 3, params, data)
            .residual
        )
        for bound in bounds
    ]
    assert slope(bounds, residuals) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("energy", [GAUSSIAN, HOPFIELD])
@pytest.mark.parametrize("phases", ["two", "centered"])
def test_rounding_grows_as_a_nudge_falls_and_is_reported(energy: Any, phases: str) -> None:
    params, data, loss = parameters(), batch(), lossdsl.compile(FIT)
    narrow = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), (params, data))
    betas, errors, reported = (1e-2, 1e-3, 1e-4), list[float](), list[float]()
    for beta in betas:
        rule = EquilibriumPropagation(loss, energy, beta=beta, steps=500, phases=phases)
        wide = rule.grads((linear,) * 3, params, data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossWarning)
            single = rule.grads((linear,) * 3, *narrow)
        errors.append(far(single.grads, wide.grads))
        reported.append(float(single.rounding))
        assert float(wide.rounding) < 1e-9
    assert slope(betas, errors) == pytest.approx(-1, abs=0.3)
    assert slope(betas, reported) == pytest.approx(-1, abs=0.1)
    assert all(1 / 6 < a / b < 6 for a, b in zip(errors, reported, strict=True))
