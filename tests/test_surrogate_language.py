"""Spikes in the language, those of one's own, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surrogate_laws import LAWS, each_law

import lossdsl
from lossdsl import LossError
from lossdsl.learning import surrogate
from lossdsl.learning.surrogate import (
    Surrogate,
    arctan,
    boxcar,
    custom,
    gaussian,
    named,
    polynomial,
    rectangular,
    slayer_pdf,
    superspike,
    triangle,
)


@pytest.fixture(autouse=True)
def float64() -> Any:
    with jax.enable_x64(True):
        yield


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


@each_law
@pytest.mark.parametrize("smoothly", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_at_infinity_derivatives_are_at_their_limit_and_nan_shows(
    law: Surrogate, smoothly: bool, dtype: str
) -> None:
    law = replace(law, smooth=smoothly)
    x = jnp.array([jnp.inf, -jnp.inf, jnp.nan]).astype(dtype)
    limit = 1 if law.name == "straight_through" else 0

    def second(x: Any) -> Any:
        return jax.grad(lambda x: jax.grad(lambda x: law(x).sum())(x).sum())(x)

    np.testing.assert_array_equal(law.derivative(x).astype(float), [limit, limit, np.nan])
    np.testing.assert_array_equal(second(x[:2]).astype(float), 0)
    assert np.isnan(law(x[2]))
    text = f"sum({text_of(replace(law, smooth=False))[:-1]}, smooth={str(smoothly).lower()}))"
    slopes = jax.grad(lambda v: lossdsl.compile(text)(v=v))(x)
    np.testing.assert_array_equal(slopes.astype(float), [limit, limit, np.nan])


def test_a_surrogate_of_infinite_width_has_one_slope() -> None:
    assert superspike(0).derivative([-np.inf, 0, np.inf]).tolist() == [1, 1, 1]


def test_laws_elsewhere_are_special_cases() -> None:
    x = jnp.linspace(-2, 2, 41)[1:] - 0.03
    same = np.testing.assert_allclose
    same(arctan(4).derivative(x), 2 * np.pi / (1 + (2 * np.pi * x) ** 2) / np.pi)
    same(triangle(2, 2).derivative(x), 4 * polynomial(1).derivative(x))
    same(boxcar(0.5, 2).derivative(x), rectangular(2).derivative(x))


@pytest.mark.parametrize(
    ("own", "text"),
    [
        (
            custom(lambda x: jnp.exp(-abs(x))),
            "surrogate(v, where(v >= 0, 1, 0), exp(-abs(v)))",
        ),
        (custom(jnp.ones_like, jnp.round), "surrogate(v, round(v), 1)"),
        (custom(lambda x: 1 / jnp.cosh(x) ** 2, jnp.sign), "surrogate(v, sign(v), 1 - tanh(v)**2)"),
    ],
)
def test_a_forward_and_a_derivative_of_one_s_own(own: Any, text: str) -> None:
    v = jnp.array([-1.3, 0.2, 0.7])
    loss = lossdsl.compile(f"v: f64[N]\nsum({text})")
    value, slopes = jax.value_and_grad(lambda v: loss(v=v))(v)
    np.testing.assert_allclose(value, own(v).sum())
    np.testing.assert_allclose(slopes, own.of(v))
    np.testing.assert_allclose(own.derivative(v), own.of(v))
    second = jax.vmap(jax.grad(jax.grad(own)))(v)
    np.testing.assert_allclose(second, jax.vmap(jax.grad(own.of))(v), rtol=1e-12)
    run = jax.jit(lambda law, x: law(x), static_argnums=0)
    np.testing.assert_array_equal(run(own, v), own(v))
    assert own(1).dtype == jnp.float64


# What is refused.

REFUSED = [
    ("LD112", lambda: surrogate.named("superspik"), "did you mean `superspike`?"),
    ("LD112", lambda: slayer_pdf(convention="alpha-beta"), "did you mean `alpha_beta`?"),
    ("LD102", lambda: surrogate.named("sigmoid", beta=10), "it takes `alpha`"),
    ("LD503", lambda: gaussian(0), None),
    ("LD503", lambda: superspike(-1), None),
    ("LD213", lambda: superspike("10"), None),
    ("LD213", lambda: superspike()("x"), None),
    ("LD112", lambda: surrogate.named("arctn"), "did you mean `arctan`?"),
    ("LD503", lambda: triangle(-1), None),
    ("LD503", lambda: boxcar(width=0), None),
    ("LD213", lambda: custom(None), None),
    ("LD213", lambda: custom(jnp.ones_like, 1), None),
    ("LD213", lambda: custom(lambda x: "x")(1.0), None),
    ("LD201", lambda: custom(lambda x: x[:1])(jnp.ones(3)), "a number for each element"),
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
