"""What the literature proves of equilibrium propagation, each with the slope that is measured."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import pytest
from learning_networks import (
    batch,
    distance_to_backprop,
    far,
    gated,
    linear,
    parameters,
    slope,
    wide,
)

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
LAYERS, LOSS = (linear,) * 3, lossdsl.compile(FIT)
EXAMPLES = 3  # in every test, so that a rule is compiled once for all of them


def gradients(rule: Any) -> Any:
    return rule.grads(LAYERS, parameters(), batch(EXAMPLES))


@lru_cache
def at_rest(energy: Any) -> Any:
    """Return the gradient of the loss at the free rest, through the rest: implicitly."""

    @jax.jit
    def implicit(params: Any, data: Any) -> Any:
        start = energy.forward(LAYERS, params, data["x"])[1:]
        flat, shaped = jax.flatten_util.ravel_pytree(start)

        def total(flat: Any, params: Any) -> Any:
            return energy.total(LAYERS, params, [data["x"], *shaped(flat)])

        def force(flat: Any, params: Any) -> Any:
            return jax.grad(total)(flat, params)

        def newton(_: Any, flat: Any) -> Any:
            return flat - jnp.linalg.solve(jax.jacobian(force)(flat, params), force(flat, params))

        flat = jax.lax.fori_loop(0, 30, newton, flat)
        pulled = jax.grad(lambda one: LOSS(out=shaped(one)[-1], tgt=data["tgt"]))(flat)
        adjoint = -jnp.linalg.solve(jax.jacobian(force)(flat, params), pulled)
        found = jax.vjp(lambda own: force(flat, own), params)[1](adjoint)[0]
        return found, jnp.max(jnp.abs(force(flat, params)))

    found, left = implicit(parameters(), batch(EXAMPLES))
    assert float(left) < 1e-12
    return found


@pytest.mark.parametrize(("energy", "start"), [(GAUSSIAN, "forward"), (HOPFIELD, "zeros")])
@pytest.mark.parametrize(("phases", "order"), [("two", 1), ("centered", 2)])
def test_the_error_falls_with_beta(energy: Any, start: str, phases: str, order: int) -> None:
    exact, errors = at_rest(energy), list[float]()
    for beta in BETAS:
        rule = EquilibriumPropagation(
            LOSS, energy, beta=beta, steps=3000, phases=phases, start=start
        )
        result = gradients(rule)
        assert result.residual < 1e-6
        errors.append(far(result.grads, exact))
    assert slope(BETAS, errors) == pytest.approx(order, abs=0.08)


def test_at_a_feed_forward_rest_it_nears_backpropagation() -> None:
    rule = EquilibriumPropagation(LOSS, GAUSSIAN, beta=0.01, steps=1000, start="forward")
    assert distance_to_backprop(rule, LAYERS, (linear, gated, gated), EXAMPLES) < 1e-3


def test_one_phase_is_two_where_the_free_rest_adds_nothing() -> None:
    one, two = (
        gradients(EquilibriumPropagation(LOSS, GAUSSIAN, phases=phases, start="forward"))
        for phases in ("one", "two")
    )
    assert far(one.grads, two.grads) < 1e-13


def test_both_signs_of_beta_average_to_the_centered_estimate() -> None:
    params, data = parameters(), batch(EXAMPLES)
    settings = {"energy": GAUSSIAN, "beta": 0.05, "start": "forward"}
    rule = EquilibriumPropagation(LOSS, phases="two", sign="random", **settings)
    drawn = [rule.grads(LAYERS, params, data, key=jax.random.key(seed)).grads for seed in range(8)]
    signs = {
        sign: gradients(
            EquilibriumPropagation(LOSS, phases="two", **{**settings, "beta": sign * 0.05})
        ).grads
        for sign in (1, -1)
    }
    found = [min(signs, key=lambda sign: far(one, signs[sign])) for one in drawn]
    assert set(found) == {1, -1}
    assert all(far(one, signs[sign]) < 1e-12 for one, sign in zip(drawn, found, strict=True))
    mean = [(one + two) / 2 for one, two in zip(wide(signs[1]), wide(signs[-1]), strict=True)]
    centered = gradients(EquilibriumPropagation(LOSS, **settings)).grads
    assert far(mean, centered) < 1e-12


def test_a_network_stops_where_its_forces_are_below_a_bound() -> None:
    bounds = (1e-3, 1e-4, 1e-6)
    rules = [
        EquilibriumPropagation(LOSS, GAUSSIAN, steps=10_000, stop=bound, start="forward")
        for bound in bounds
    ]
    residuals = [float(gradients(rule).residual) for rule in rules]
    assert slope(bounds, residuals) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("energy", [GAUSSIAN, HOPFIELD])
@pytest.mark.parametrize("phases", ["two", "centered"])
def test_rounding_grows_as_a_nudge_falls_and_is_reported(energy: Any, phases: str) -> None:
    single = parameters(dtype=jnp.float32), batch(EXAMPLES, dtype=jnp.float32)
    betas, errors, reported = (1e-2, 1e-3, 1e-4), list[float](), list[float]()
    for beta in betas:
        rule = EquilibriumPropagation(LOSS, energy, beta=beta, steps=500, phases=phases)
        exact = gradients(rule)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossWarning)
            rounded = rule.grads(LAYERS, *single)
        errors.append(far(rounded.grads, exact.grads))
        reported.append(float(rounded.rounding))
        assert float(exact.rounding) < 1e-9
    assert slope(betas, errors) == pytest.approx(-1, abs=0.3)
    assert slope(betas, reported) == pytest.approx(-1, abs=0.1)
    assert all(1 / 6 < a / b < 6 for a, b in zip(errors, reported, strict=True))
