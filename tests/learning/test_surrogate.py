"""Spikes and their surrogate gradients, in Python."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surrogate_laws import (
    FACTORIES,
    as_eager,
    each_law,
    jet,
    kind_of,
    kinks,
    law_of,
    numbers_of,
)

from lossdsl.learning import surrogate
from lossdsl.learning.surrogate import Surrogate, superspike


@pytest.fixture(autouse=True)
def float64() -> Any:
    with jax.enable_x64(True):
        yield


# Each law and its integral.


def off_kinks(law: Surrogate, x: np.ndarray, by: float) -> np.ndarray:
    return x[np.min([abs(x - at) for at in kinks(law)], axis=0) > by]


@each_law
def test_the_smooth_value_has_the_surrogate_as_its_slope(law: Surrogate) -> None:
    x = off_kinks(law, np.random.default_rng(0).normal(size=400) * 2, 1e-3)
    integral, step = replace(law, smooth=True), 1e-5
    slopes = (jet(integral, x + step).value - jet(integral, x - step).value) / (2 * step)
    np.testing.assert_allclose(jet(law, x).forward, slopes, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(jet(law, x).forward, jet(integral, x).forward)


@each_law
def test_the_surrogate_integrates_to_the_smooth_value(law: Surrogate) -> None:
    # Between its kinks a law is analytic: these nodes give its area to 1e-12.
    nodes, weights = np.polynomial.legendre.leggauss(64)
    for low, high in ((-3.0, -0.5), (-1.0, 2.0), (0.0, 0.3), (-2.0, 3.0)):
        ends = [low, *(at for at in kinks(law) if low < at < high), high]
        middles = np.add(ends[1:], ends[:-1])[:, None] / 2
        halves = np.subtract(ends[1:], ends[:-1])[:, None] / 2
        area = np.sum(halves * weights * jet(law, middles + halves * nodes).forward)
        below, above = jet(replace(law, smooth=True), [low, high]).value
        np.testing.assert_allclose(above - below, area, rtol=1e-9)


@each_law
def test_the_step(law: Surrogate) -> None:
    x = jnp.array([-jnp.inf, -1.0, -1e-30, -0.0, 0.0, 1e-30, 1.0, jnp.inf])
    np.testing.assert_array_equal(law(x), [0, 0, 0, 1, 1, 1, 1, 1])
    assert np.isnan(law(jnp.nan))


@each_law
@pytest.mark.parametrize("smoothly", [False, True])
@pytest.mark.parametrize(
    ("dtype", "far"), [("float64", 1e30), ("float32", 1e30), ("bfloat16", 1e30), ("float16", 3e3)]
)
def test_far_from_the_threshold(law: Surrogate, smoothly: bool, dtype: str, far: float) -> None:
    """Nothing is NaN far out; at an infinity derivatives are at their limit; NaN shows."""
    law, near = replace(law, smooth=smoothly), [0.0, -0.0, 1e-7, 1e3, -1e3, far, -far]
    limit = 1 if law.name == "straight_through" else 0
    found = jet(law, np.array([*near, np.inf, -np.inf, np.nan]).astype(dtype))
    for part in (found.value, found.reverse, found.forward, found.second):
        assert part.dtype == dtype
        assert np.isfinite(part[:7].astype(float)).all()
    for slopes in (found.forward, found.reverse):
        np.testing.assert_array_equal(slopes[7:].astype(float), [limit, limit, np.nan])
    np.testing.assert_array_equal(found.second[7:9].astype(float), 0)
    assert np.isnan(found.value[9])


@pytest.mark.parametrize(
    ("dtype", "far"), [("float32", 3e38), ("bfloat16", 3e38), ("float16", 6e4)]
)
def test_a_smooth_superspike_ends_at_the_inverse_of_beta(dtype: str, far: float) -> None:
    x = np.array([far, -far, np.inf, -np.inf]).astype(dtype)
    sign = np.array([1, -1, 1, -1])

    @as_eager
    def ends(beta: Any) -> Any:
        def law(beta: Any) -> Any:
            return superspike(beta, smooth=True)(x)

        value, slope = jax.jvp(law, (beta,), (jnp.float32(1),))
        back = jax.grad(lambda beta: (law(beta) * sign).sum())(beta)
        return value, slope, superspike(beta, smooth=True).derivative(x), back

    for beta in (0.5, 10.0):
        value, slope, derivative, back = (
            np.asarray(part, float) for part in ends(np.float32(beta))
        )
        within = 1e-2 if dtype == "bfloat16" else 1e-3
        np.testing.assert_allclose(value, sign / beta, rtol=within)
        np.testing.assert_allclose(slope, -sign / beta**2, rtol=within)
        np.testing.assert_array_equal(derivative, 0)
        np.testing.assert_allclose(back, -4 / beta**2, rtol=within)


# How JAX transforms them.


@partial(jax.jit, static_argnums=0)
def transformed(kind: Surrogate, numbers: list[Any], x: jax.Array) -> dict[str, Any]:
    law = law_of(kind, numbers, smooth=False)
    of = jax.grad(law)
    return {
        "rows": jax.vmap(law)(x),
        "forward": jax.vmap(jax.jacfwd(law))(x),
        "reverse": jax.vmap(jax.jacrev(law))(x),
        "second": jax.vmap(jax.grad(of))(x.ravel()),
        "forward of reverse": jax.vmap(jax.jacfwd(of))(x.ravel()),
        "second at 0": jax.grad(of)(0.0),
    }


@each_law
def test_forward_and_reverse_mode_vmap_and_jit_agree(law: Surrogate) -> None:
    x = np.random.default_rng(1).normal(size=(17, 3))
    slopes, found = jet(law, x), transformed(kind_of(law), numbers_of(law), x)
    np.testing.assert_allclose(slopes.reverse, slopes.forward, rtol=1e-12)
    rows = slopes.forward[:, :, None] * np.eye(3)
    np.testing.assert_allclose(found["forward"], rows, rtol=1e-12)
    np.testing.assert_allclose(found["reverse"], rows, rtol=1e-12)
    np.testing.assert_array_equal(found["rows"], law(x))


@each_law
def test_the_second_derivative_is_that_of_the_surrogate(law: Surrogate) -> None:
    x = np.random.default_rng(2).normal(size=(17, 3))
    away = np.isin(x.ravel(), off_kinks(law, x.ravel(), 1e-3))
    wanted = ((jet(law, x + 1e-5).forward - jet(law, x - 1e-5).forward) / 2e-5).ravel()[away]
    found = transformed(kind_of(law), numbers_of(law), x)
    for seconds in (jet(law, x.ravel()).second, found["second"], found["forward of reverse"]):
        np.testing.assert_allclose(np.asarray(seconds)[away], wanted, rtol=1e-5, atol=1e-7)
    assert abs(found["second at 0"]) < 1e-15


@each_law
def test_half_precision_stays_and_is_close(law: Surrogate) -> None:
    wide = np.random.default_rng(3).normal(size=50).astype("bfloat16").astype(float)
    wide = off_kinks(law, wide, 0.02)
    half, whole = jet(law, wide.astype("bfloat16")), jet(law, wide)
    assert half.value.dtype == half.forward.dtype == jnp.bfloat16
    np.testing.assert_array_equal(half.value.astype(float), whole.value)
    np.testing.assert_allclose(half.forward.astype(float), whole.forward, rtol=0.1, atol=0.02)


@partial(jax.jit, static_argnums=0)
def by_numbers(kind: Surrogate, numbers: list[Any], x: Any) -> Any:
    """Return the smooth value and its slopes by the law's numbers, and those of the step."""

    def value(numbers: list[Any], smooth: bool) -> Any:
        return law_of(kind, numbers, smooth=smooth)(x)

    return *jax.value_and_grad(value)(numbers, True), jax.grad(value)(numbers, False)


@each_law
def test_parameters_shape_the_gradient_and_get_none_of_their_own(law: Surrogate) -> None:
    kind, values, x = kind_of(law), numbers_of(law), 0.37
    _, slopes, of_the_step = by_numbers(kind, values, x)
    assert of_the_step == [0.0] * len(values)
    for at, slope in enumerate(slopes):
        above, below = (
            float(by_numbers(kind, [v + by * (i == at) for i, v in enumerate(values)], x)[0])
            for by in (1e-6, -1e-6)
        )
        np.testing.assert_allclose(slope, (above - below) / 2e-6, rtol=1e-6, atol=1e-8)


def test_each_unit_may_have_a_parameter_of_its_own() -> None:
    betas = np.array([1.0, 10.0, 100.0])
    wanted = (1 + betas * 0.2) ** -2
    derivative = jax.jit(superspike(betas).derivative)
    np.testing.assert_allclose(derivative(np.full((2, 3), 0.2)), [wanted, wanted])
    np.testing.assert_allclose(derivative(0.2), wanted)


def test_integers_and_numpy_arrays_are_taken() -> None:
    assert superspike()(np.array([-1, 0, 2])).tolist() == [0.0, 1.0, 1.0]
    assert superspike()(True) == 1.0


def test_a_surrogate_is_a_value() -> None:
    assert superspike(10) == superspike() == surrogate.named("superspike")
    assert hash(superspike(10.0)) == hash(superspike())
    assert superspike(10) != superspike(11) != superspike(11, smooth=True)
    run = jax.jit(lambda law, x: law(x), static_argnums=0)
    run(superspike(), 1.0)
    run(superspike(10), 2.0)
    assert run._cache_size() == 1


@pytest.mark.parametrize("name", FACTORIES)
def test_python_and_the_language_have_the_same_defaults(name: str) -> None:
    by_name = surrogate.named(name)
    assert FACTORIES[name]() == by_name
    parameters = inspect.signature(FACTORIES[name]).parameters.values()
    own = {one.name for one in parameters} - {"smooth", "convention"}
    assert own == {one for one, _ in by_name.parameters}
