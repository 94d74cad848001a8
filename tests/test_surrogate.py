"""Spikes and their surrogate gradients, in Python."""

from __future__ import annotations

import inspect
from dataclasses import replace
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate
from surrogate_laws import FACTORIES, each_law, kinks

from lossdsl.learning import surrogate
from lossdsl.learning.surrogate import Surrogate, superspike


@pytest.fixture(autouse=True)
def float64() -> Any:
    with jax.enable_x64(True):
        yield


# Each law and its integral.


@each_law
def test_the_smooth_value_has_the_surrogate_as_its_slope(law: Surrogate) -> None:
    x = np.random.default_rng(0).normal(size=400) * 2
    x = x[np.min([abs(x - at) for at in kinks(law)], axis=0) > 1e-3]
    integral, step = replace(law, smooth=True), 1e-5
    slopes = (integral(x + step) - integral(x - step)) / (2 * step)
    np.testing.assert_allclose(law.derivative(x), slopes, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(law.derivative(x), integral.derivative(x))


@each_law
def test_the_surrogate_integrates_to_the_smooth_value(law: Surrogate) -> None:
    integral = jax.jit(replace(law, smooth=True))
    derivative = jax.jit(law.derivative)
    for low, high in ((-3.0, -0.5), (-1.0, 2.0), (0.0, 0.3), (-2.0, 3.0)):
        ends = [low, *(at for at in kinks(law) if low < at < high), high]
        area = sum(
            integrate.quad(lambda x: float(derivative(x)), a, b, epsabs=1e-12, epsrel=1e-12)[0]
            for a, b in pairwise(ends)
        )
        np.testing.assert_allclose(integral(high) - integral(low), area, rtol=1e-9)


@each_law
def test_the_step(law: Surrogate) -> None:
    x = jnp.array([-jnp.inf, -1.0, -1e-30, -0.0, 0.0, 1e-30, 1.0, jnp.inf])
    np.testing.assert_array_equal(law(x), [0, 0, 0, 1, 1, 1, 1, 1])
    assert np.isnan(law(jnp.nan))


@each_law
@pytest.mark.parametrize("smoothly", [False, True])
@pytest.mark.parametrize(
    ("dtype", "far"), [("float32", 1e30), ("bfloat16", 1e30), ("float16", 3e3)]
)
def test_nothing_is_nan_far_from_the_threshold(
    law: Surrogate, smoothly: bool, dtype: str, far: float
) -> None:
    law = replace(law, smooth=smoothly)
    x = jnp.array([0.0, -0.0, 1e-7, 1e3, -1e3, far, -far]).astype(dtype)

    def first(x: Any) -> Any:
        return jax.grad(lambda x: law(x).sum())(x)

    second = jax.grad(lambda x: first(x).sum())(x)
    for found in (law(x), first(x), second):
        assert found.dtype == dtype
        assert np.isfinite(found.astype(np.float32)).all()


@pytest.mark.parametrize(
    ("dtype", "far"), [("float32", 3e38), ("bfloat16", 3e38), ("float16", 6e4)]
)
def test_a_smooth_superspike_ends_at_the_inverse_of_beta(dtype: str, far: float) -> None:
    x = jnp.array([far, -far, jnp.inf, -jnp.inf]).astype(dtype)
    sign = np.array([1, -1, 1, -1])
    for beta in (0.5, 10.0):
        value, slope = jax.jvp(
            lambda beta: superspike(beta, smooth=True)(x), (jnp.float32(beta),), (jnp.float32(1),)
        )
        within = 1e-2 if dtype == "bfloat16" else 1e-3
        np.testing.assert_allclose(value.astype(float), sign / beta, rtol=within)
        np.testing.assert_allclose(slope.astype(float), -sign / beta**2, rtol=within)
        np.testing.assert_array_equal(superspike(beta, smooth=True).derivative(x).astype(float), 0)
        found = jax.grad(lambda beta: (superspike(beta, smooth=True)(x) * sign).sum())
        np.testing.assert_allclose(found(jnp.float32(beta)), -4 / beta**2, rtol=within)


# How JAX transforms them.


@each_law
def test_forward_and_reverse_mode_vmap_and_jit_agree(law: Surrogate) -> None:
    x = jnp.asarray(np.random.default_rng(1).normal(size=(4, 3)))
    slopes = law.derivative(x)
    np.testing.assert_allclose(jax.grad(lambda x: law(x).sum())(x), slopes, rtol=1e-12)
    rows = jax.vmap(jax.jacfwd(law))(x)
    np.testing.assert_allclose(rows, jax.vmap(jnp.diag)(slopes), rtol=1e-12)
    np.testing.assert_allclose(jax.vmap(jax.jacrev(law))(x), rows, rtol=1e-12)
    np.testing.assert_array_equal(jax.jit(jax.vmap(law))(x), law(x))


@each_law
def test_the_second_derivative_is_that_of_the_surrogate(law: Surrogate) -> None:
    x = np.random.default_rng(2).normal(size=50)
    x = x[np.min([abs(x - at) for at in kinks(law)], axis=0) > 1e-3]
    wanted = (law.derivative(x + 1e-5) - law.derivative(x - 1e-5)) / 2e-5
    of = jax.grad(lambda x: law(x))
    np.testing.assert_allclose(jax.vmap(jax.grad(of))(x), wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(jax.vmap(jax.jacfwd(of))(x), wanted, rtol=1e-5, atol=1e-7)
    assert jax.grad(of)(0.0) == 0


@each_law
def test_half_precision_stays_and_is_close(law: Surrogate) -> None:
    x = jnp.asarray(np.random.default_rng(3).normal(size=50), jnp.bfloat16)
    x = x[jnp.min(jnp.array([abs(x - at) for at in kinks(law)]), axis=0) > 0.02]
    assert law(x).dtype == law.derivative(x).dtype == jnp.bfloat16
    wide = x.astype(jnp.float64)
    np.testing.assert_array_equal(law(x).astype(float), law(wide))
    close = law.derivative(x).astype(float)
    np.testing.assert_allclose(close, law.derivative(wide), rtol=0.1, atol=0.02)


@each_law
def test_parameters_shape_the_gradient_and_get_none_of_their_own(law: Surrogate) -> None:
    x, names = 0.37, [name for name, _ in law.parameters]
    values = [float(value) for _, value in law.parameters]

    def of(values: Any, *, smoothly: bool) -> Any:
        given = tuple(zip(names, values, strict=True))
        return replace(law, parameters=given, smooth=smoothly)(x)

    assert jax.grad(of)(values, smoothly=False) == [0.0] * len(values)
    for at, slope in enumerate(jax.grad(of)(values, smoothly=True)):
        above, below = ([v + by * (i == at) for i, v in enumerate(values)] for by in (1e-6, -1e-6))
        wanted = (of(above, smoothly=True) - of(below, smoothly=True)) / 2e-6
        np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-8)


def test_each_unit_may_have_a_parameter_of_its_own() -> None:
    betas = jnp.array([1.0, 10.0, 100.0])
    x = jnp.full((2, 3), 0.2)
    wanted = [superspike(float(beta)).derivative(0.2) for beta in betas]
    np.testing.assert_allclose(superspike(betas).derivative(x), [wanted, wanted])
    np.testing.assert_allclose(superspike(betas).derivative(0.2), wanted)


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
