"""Spikes in the language, those of one's own, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surrogate_laws import LAWS, each_law, jet, kind_of

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


def text_of(law: Surrogate, x: str) -> str:
    given = [f'surrogate="{law.name}"', *(f"{name}={value}" for name, value in law.parameters)]
    given += [f'{name}="{value}"' for name, value in law.options]
    given += ["smooth=true"] if law.smooth else []
    return f"sum(spike({x}, {', '.join(given)}))"


NEAR = 1 + np.random.default_rng(4).normal(size=20)
FAR = [np.inf, -np.inf, np.nan]
DTYPES = ("float64", "float32", "bfloat16", "float16")
# Far out, a law's numbers are those of Python; the slopes of all laws are in `test_surrogate.py`.
ONE_OF_EACH = list({kind_of(law): law for law in reversed(LAWS)}.values())


@cache
def in_the_language(law: Surrogate) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return value and slopes by `v`, and the slopes far out in each dtype, of one program."""
    kinds = ("step", "smooth") if law in ONE_OF_EACH else ()
    far = {f"{kind}_{dtype}": dtype for kind in kinds for dtype in DTYPES}
    sums = [text_of(replace(law, smooth=name.startswith("smooth")), name) for name in far]
    lines = [f"value = {text_of(law, 'v - 1')}", f"loss = {' + '.join(['value', *sums])}"]
    loss = lossdsl.compile("\n".join([*lines, "metric value = value"]))

    def total(v: Any, far: Any) -> tuple[Any, Any]:
        value, terms = loss.with_terms(v=v, **far)
        return value, terms.metrics["value"]

    given = {name: np.array(FAR, dtype) for name, dtype in far.items()}
    slopes, value = jax.jit(jax.grad(total, (0, 1), has_aux=True))(NEAR, given)
    return value, *jax.device_get(slopes)


@each_law
def test_the_language_has_the_same_value_and_gradient(law: Surrogate) -> None:
    value, slopes, _ = in_the_language(law)
    np.testing.assert_allclose(value, jet(law, NEAR - 1).value.sum(), rtol=1e-12)
    np.testing.assert_allclose(slopes, jet(law, NEAR - 1).forward, rtol=1e-12)


@pytest.mark.parametrize("law", ONE_OF_EACH, ids=repr)
def test_slopes_at_infinity_are_at_their_limit_and_nan_shows(law: Surrogate) -> None:
    """In each dtype, of the step and of the smooth value."""
    limit = 1 if law.name == "straight_through" else 0
    _, _, far = in_the_language(law)
    for name, slopes in far.items():
        assert slopes.dtype == name.split("_")[1]
        np.testing.assert_array_equal(slopes.astype(float), [limit, limit, np.nan], err_msg=name)


def test_what_a_mask_leaves_out_reaches_neither_value_nor_gradient() -> None:
    loss = lossdsl.compile('mean(spike(v - 1, surrogate="gaussian"), where=m)')
    v, m = jnp.array([2.0, jnp.nan, 0.5, jnp.inf]), jnp.array([True, False, True, False])
    value, slopes = jax.value_and_grad(lambda v: loss(v=v, m=m))(v)
    assert value == 0.5
    wanted = jet(gaussian(), [1.0, -0.5]).forward / 2
    np.testing.assert_allclose(slopes, [wanted[0], 0, wanted[1], 0], rtol=1e-12)


def test_a_parameter_may_change_while_it_runs() -> None:
    loss = lossdsl.compile("v: float[N]\nbeta: float = 10\nmean(spike(v - 1, beta=beta))")
    slopes = jax.jit(jax.grad(lambda v, beta: loss(v=v, beta=beta), (0, 1)))
    for beta in (1.0, 10.0, 50.0):
        by_v, by_beta = slopes(np.array([1.2]), beta)
        np.testing.assert_allclose(by_v, jet(superspike(beta), [1.2 - 1]).forward)
        assert by_beta == 0


def test_each_leaf_of_a_tree_spikes() -> None:
    loss = lossdsl.compile("params: tree\nsum(spike(params - 1))")
    assert loss(params={"a": jnp.array([1.0, 0.5]), "b": jnp.array([2.0])}) == 2


def test_smooth_in_the_language() -> None:
    loss = lossdsl.compile('sum(spike(v, surrogate="sigmoid", alpha=2, smooth=true))')
    np.testing.assert_allclose(loss(v=jnp.array([0.0, 1.0])), 0.5 + 1 / (1 + np.exp(-2.0)))


def test_a_surrogate_of_infinite_width_has_one_slope() -> None:
    derivative = jax.jit(lambda: superspike(0).derivative([-np.inf, 0, np.inf]))
    assert derivative().tolist() == [1, 1, 1]


def test_laws_elsewhere_are_special_cases() -> None:
    x = np.linspace(-2, 2, 41)[1:] - 0.03
    same = np.testing.assert_allclose
    same(jet(arctan(4), x).forward, 2 * np.pi / (1 + (2 * np.pi * x) ** 2) / np.pi)
    same(jet(triangle(2, 2), x).forward, 4 * jet(polynomial(1), x).forward)
    same(jet(boxcar(0.5, 2), x).forward, jet(rectangular(2), x).forward)


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
    loss = lossdsl.compile(f"v: f64[N]\nsum({text})")

    @partial(jax.jit, static_argnums=0)
    def run(own: Any, v: Any) -> Any:
        found = jax.value_and_grad(lambda v: loss(v=v))(v)
        second = jax.vmap(jax.grad(jax.grad(own)))(v), jax.vmap(jax.grad(own.of))(v)
        return found, own(v), own.of(v), own.derivative(v), second

    v = np.array([-1.3, 0.2, 0.7])
    (value, slopes), forward, of, derivative, second = run(own, v)
    np.testing.assert_allclose(value, np.sum(forward))
    np.testing.assert_allclose(slopes, of)
    np.testing.assert_allclose(derivative, of)
    np.testing.assert_allclose(*second, rtol=1e-12)
    np.testing.assert_array_equal(forward, own(v))
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
