"""Compiled programs in float64: random ones and the library's examples against the oracle, losses
against optax with value and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import HealthCheck, given, settings
from oracle import flatten
from programs import INPUTS, expected, programs

import lossdsl
from lossdsl.elaborate.program import elaborate

# Each example is compiled, so there are few on every change: the profile `soak` has more.
EXAMPLES = settings.default.max_examples // 8


@pytest.fixture(autouse=True, scope="module")
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def same(actual: Any, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(actual, wanted, rtol=1e-9, atol=1e-11)
    assert np.shape(actual) == wanted.shape


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(text=programs())
def test_random_programs_agree_with_the_oracle(text: str) -> None:
    wanted = expected(text, INPUTS)
    value, terms = lossdsl.compile(text).with_terms(**INPUTS)
    same(value, wanted.values["loss"])
    for name, term in wanted.terms["loss"].items():
        same(terms.raw[name], term.raw)
        same(terms.weight[name], term.weight)
        same(terms.weighted[name], term.weighted)
    for name, metric in wanted.metrics.items():
        same(terms.metrics[name], metric)


RANDOM = np.random.default_rng(11)
OUT, TGT = RANDOM.normal(size=(2, 4, 3))
P, Q = np.exp(OUT) / np.exp(OUT).sum(-1, keepdims=True), RANDOM.dirichlet(np.ones(3), 4)
Y = np.array([2, 0, 1, 1])
SIGNS = RANDOM.choice([-1.0, 1.0], (4, 3))
HALF = (TGT > 0).astype(float)
CLASSES = np.array([[1, 0, 1], [1, 1, 1], [0, 1, 1], [1, 1, 0]], bool)
TREE = {"k": OUT, "b": {"c": TGT[0]}}

Reference = Callable[..., jax.Array]
OPTAX: dict[str, tuple[Reference, tuple[Any, ...]]] = {
    "mse(a, b)": (lambda a, b: optax.squared_error(a, b).mean(), (OUT, TGT)),
    "sse(a, b)": (lambda a, b: optax.squared_error(a, b).sum(), (OUT, TGT)),
    "0.5*sse(a, b)": (lambda a, b: optax.l2_loss(a, b).sum(), (OUT, TGT)),
    "huber(a, b)": (lambda a, b: optax.huber_loss(a, b).mean(), (OUT, TGT)),
    "huber(a, b, delta=0.5)": (
        lambda a, b: optax.huber_loss(a, b, delta=0.5).mean(),
        (OUT, TGT),
    ),
    "log_cosh(a, b)": (lambda a, b: optax.log_cosh(a, b).mean(), (OUT, TGT)),
    "cosine_distance(a, b)": (lambda a, b: optax.cosine_distance(a, b).mean(), (OUT, TGT)),
    "mean(cosine_similarity(a, b))": (
        lambda a, b: optax.cosine_similarity(a, b).mean(),
        (OUT, TGT),
    ),
    "cross_entropy(a, y)": (
        lambda a, y: optax.softmax_cross_entropy_with_integer_labels(a, y).mean(),
        (OUT, Y),
    ),
    "cross_entropy(a, b)": (lambda a, b: optax.softmax_cross_entropy(a, b).mean(), (OUT, Q)),
    "cross_entropy(a, y, class_axis=0)": (
        lambda a, y: optax.softmax_cross_entropy_with_integer_labels(a, y, axis=0).mean(),
        (OUT.T, Y),
    ),
    "cross_entropy(a, y, class_where=w)": (
        lambda a, y, w: optax.softmax_cross_entropy_with_integer_labels(a, y, where=w).mean(),
        (OUT, Y, CLASSES),
    ),
    "cross_entropy(a, y, smoothing=0.2)": (
        lambda a, y: optax.softmax_cross_entropy(
            a, optax.smooth_labels(jax.nn.one_hot(y, 3), 0.2)
        ).mean(),
        (OUT, Y),
    ),
    "binary_cross_entropy(a, b)": (
        lambda a, b: optax.sigmoid_binary_cross_entropy(a, b).mean(),
        (OUT, HALF),
    ),
    "kl(b, a)": (lambda a, b: optax.kl_divergence(jnp.log(a), b).mean(), (P, Q)),
    "hinge(a, b)": (lambda a, b: optax.hinge_loss(a, b).mean(), (OUT, SIGNS)),
    "focal(stack(-a/2, a/2, axis=-1), y)": (
        lambda a, y: optax.sigmoid_focal_loss(a, y.astype(float)).mean(),
        (OUT, HALF.astype(int)),
    ),
    "mse(a, b, where=w)": (
        lambda a, b, w: jnp.mean(optax.squared_error(a, b), where=w),
        (OUT, TGT, CLASSES),
    ),
    "mse(a, b, weight=w)": (
        lambda a, b, w: jnp.average(optax.squared_error(a, b), weights=w),
        (OUT, TGT, np.abs(TGT)),
    ),
    "l2(a)": (optax.tree.norm, (TREE,)),
    "sum_squares(a)": (lambda a: optax.tree.norm(a, squared=True), (TREE,)),
    "l1(a)": (lambda a: optax.tree.sum(jax.tree.map(jnp.abs, a)), (TREE,)),
}


@pytest.mark.parametrize("text", OPTAX)
def test_a_loss_agrees_with_optax(text: str) -> None:
    reference, inputs = OPTAX[text]
    loss = lossdsl.compile(text)
    names = [name for name in ("a", "b", "y", "w") if name in loss.signature]
    named = dict(zip(names, jax.device_put(inputs), strict=True))
    chosen = {
        name: value
        for name, value in named.items()
        if all(leaf.dtype.kind == "f" for leaf in jax.tree.leaves(value))
    }

    @jax.jit
    def both(chosen: Any) -> Any:
        ours = jax.value_and_grad(lambda given: loss(**{**named, **given}))
        theirs = jax.value_and_grad(lambda given: reference(*{**named, **given}.values()))
        return ours(chosen), theirs(chosen)

    (value, gradients), (wanted, slopes) = both(chosen)
    np.testing.assert_allclose(value, wanted, rtol=1e-9)
    for (path, gradient), (_, slope) in zip(flatten(gradients), flatten(slopes), strict=True):
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-13, err_msg="/".join(path))


def test_the_types_of_a_call_are_elaborated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = lossdsl.compile("mse(out, tgt) + 1e-3*l2sqr(out)  # elaborated once")
    seen: list[object] = []

    def counted(*given: Any, **named: Any) -> Any:
        seen.append(given)
        return elaborate(*given, **named)

    monkeypatch.setattr("lossdsl.loss.elaborate", counted)
    inputs = {"out": jnp.ones((4, 3)), "tgt": jnp.zeros((4, 3))}
    loss(**inputs)
    loss.with_terms(**inputs)
    jax.grad(lambda out: loss(out=out, tgt=inputs["tgt"]))(inputs["out"])
    jax.jit(loss.with_terms)(**inputs)
    loss.readers("out", inputs)
    assert len(seen) == 1
    loss(out=jnp.ones((5, 3)), tgt=jnp.zeros((5, 3)))
    assert len(seen) == 1
    with jax.enable_x64(False):
        assert loss(out=jnp.ones((4, 3)), tgt=jnp.zeros((4, 3))).dtype == jnp.float32
    assert len(seen) == 2


def test_constraints_are_read_off_the_core_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loss = lossdsl.compile("mean(x) + bounds(params, tau >= 0.1)  # elaborated at its types")
    seen: list[object] = []

    def counted(*given: Any, **named: Any) -> Any:
        seen.append(given)
        return elaborate(*given, **named)

    monkeypatch.setattr("lossdsl.lower.projection.elaborate", counted)
    params = {"tau": jnp.zeros(3)}
    assert loss.project(params)["tau"].tolist() == pytest.approx([0.1] * 3)
    loss.project(params)
    assert len(seen) == 1
    assert list(loss.violations(params)) == ["tau"]
    assert len(seen) == 1
