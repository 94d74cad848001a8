"""Spikes and their surrogate gradients, in Python and in the language."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

import lossdsl
from lossdsl import LossError
from lossdsl.learning import surrogate
from lossdsl.learning.surrogate import (
    Surrogate,
    gaussian,
    multi_gaussian,
    named,
    polynomial,
    rectangular,
    sigmoid,
    single_exponential,
    slayer_pdf,
    superspike,
)

FACTORIES: dict[str, Callable[..., Surrogate]] = {
    one.__name__: one
    for one in (
        superspike,
        sigmoid,
        gaussian,
        polynomial,
        rectangular,
        multi_gaussian,
        single_exponential,
        slayer_pdf,
    )
}

# Each law with its defaults and with other parameters.
LAWS = [
    *(one() for one in FACTORIES.values()),
    superspike(2.5),
    sigmoid(0.7),
    gaussian(0.3),
    polynomial(3),
    rectangular(2.5),
    multi_gaussian(0.4, 3, 0.3),
    single_exponential(0.3, 2, 1.5),
    slayer_pdf(3, 0.5),
    slayer_pdf(2, 3, convention="alpha_beta"),
]
each_law = pytest.mark.parametrize("law", LAWS, ids=repr)


@pytest.fixture(autouse=True)
def float64() -> Any:
    with jax.enable_x64(True):
        yield


def kinks(law: Surrogate) -> list[float]:
    """Where the derivative jumps or bends."""
    alpha = dict(law.parameters).get("alpha", 1)
    at = {"rectangular": alpha / 2, "polynomial": 2 / np.sqrt(alpha)}.get(law.name)
    return [0.0] if at is None else [-at, 0.0, at]


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


# In the language.


def text_of(law: Surrogate) -> str:
    given = [f'surrogate="{law.name}"', *(f"{name}={value}" for name, value in law.parameters)]
    given += [f'{name}="{value}"' for name, value in law.options]
    return f"spike(v - 1, {', '.join(given)})"


@each_law
def test_the_language_has_the_same_value_and_gradient(law: Surrogate) -> None:
    v = jnp.asarray(1 + np.random.default_rng(4).normal(size=20))
    loss = lossdsl.compile(f"sum({text_of(law)})")
    value, slopes = jax.value_and_grad(lambda v: loss(v=v))(v)
    np.testing.assert_allclose(value, law(v - 1).sum(), rtol=1e-12)
    np.testing.assert_allclose(slopes, law.derivative(v - 1), rtol=1e-12)


def test_what_a_mask_leaves_out_reaches_neither_value_nor_gradient() -> None:
    loss = lossdsl.compile('mean(spike(v - 1, surrogate="gaussian"), where=m)')
    v, m = jnp.array([2.0, jnp.nan, 0.5, jnp.inf]), jnp.array([True, False, True, False])
    value, slopes = jax.value_and_grad(lambda v: loss(v=v, m=m))(v)
    assert value == 0.5
    wanted = gaussian().derivative(jnp.array([1.0, -0.5])) / 2
    np.testing.assert_allclose(slopes, [wanted[0], 0, wanted[1], 0], rtol=1e-12)


def test_a_parameter_may_change_while_it_runs() -> None:
    loss = lossdsl.compile("v: float[N]\nbeta: float = 10\nmean(spike(v - 1, beta=beta))")
    for beta in (1.0, 10.0, 50.0):
        slope = jax.grad(lambda v, b: loss(v=v, beta=b))(jnp.array([1.2]), beta)
        np.testing.assert_allclose(slope, superspike(beta).derivative(jnp.array([0.2])))
    slope = jax.grad(lambda beta: loss(v=jnp.array([1.2]), beta=beta))(10.0)
    assert slope == 0


def test_each_leaf_of_a_tree_spikes() -> None:
    loss = lossdsl.compile("params: tree\nsum(spike(params - 1))")
    assert loss(params={"a": jnp.array([1.0, 0.5]), "b": jnp.array([2.0])}) == 2


def test_smooth_in_the_language() -> None:
    loss = lossdsl.compile('sum(spike(v, surrogate="sigmoid", alpha=2, smooth=true))')
    np.testing.assert_allclose(loss(v=jnp.array([0.0, 1.0])), 0.5 + 1 / (1 + np.exp(-2.0)))


# What is refused.

REFUSED = [
    ("LD112", lambda: surrogate.named("superspik"), "did you mean `superspike`?"),
    ("LD112", lambda: slayer_pdf(convention="alpha-beta"), "did you mean `alpha_beta`?"),
    ("LD102", lambda: surrogate.named("sigmoid", beta=10), "it takes `alpha`"),
    ("LD503", lambda: gaussian(0), None),
    ("LD503", lambda: superspike(-1), None),
    ("LD213", lambda: superspike("10"), None),
    ("LD213", lambda: superspike()("x"), None),
]


@pytest.mark.parametrize(("code", "call", "help"), REFUSED)
def test_a_wrong_call_is_refused(code: str, call: Callable[[], Any], help: str | None) -> None:
    with pytest.raises(lossdsl.LossError) as caught:
        call()
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert help is None or found.help == help


# Arguments of `spike`, the code, and what is said.
REFUSED_TEXTS = [
    ('v, surrogate="superspik"', "LD112", '"superspike" or "sigmoid" or "gaussian"'),
    ('v, surrogate="sigmoid", beta=10', "LD102", "no parameter `beta` with this `surrogate`"),
    ("v, alpha=2", "LD102", "no parameter `alpha` with this `surrogate`"),
    ('v, surrogate="slayer_pdf", convention="page"', "LD112", '"slayer" or "alpha_beta"'),
    ('v, surrogate="rectangular", alpha=0', "LD503", "this is 0"),
    ("v, surrogate=2", "LD112", '"superspike" or'),
    ("v, smooth=1", "LD113", "`true` or `false`"),
    ("", "LD104", "needs `x`"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), REFUSED_TEXTS)
def test_a_wrong_text_is_refused(arguments: str, code: str, said: str) -> None:
    result = lossdsl.check(f"mean(spike({arguments}))")
    assert [one.code for one in result.diagnostics] == [code]
    assert said in result.diagnostics[0].message


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: named("sigmoid", smooth="false"), "LD112"),
        (lambda: named(["superspike"]), "LD112"),
        (lambda: named("slayer_pdf", convention=["slayer"]), "LD112"),
        (lambda: superspike(float("nan")), "LD503"),
        (lambda: gaussian(np.float32(-1)), "LD503"),
    ],
)
def test_a_setting_of_another_kind_is_refused(call: Any, code: str) -> None:
    with pytest.raises(LossError) as error:
        call()
    assert error.value.codes == (code,)


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_a_surrogate_can_be_pickled(law: Any) -> None:
    copy = pickle.loads(pickle.dumps(law))
    assert copy == law
    assert float(copy(0.5)) == float(law(0.5))
