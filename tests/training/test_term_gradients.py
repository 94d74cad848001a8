"""Gradients of the terms by themselves, and weights that make terms equal by them or by values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lossdsl

TEXT = """
out, tgt: f32[B]
params:   tree
step:     i32 = 0
fit = mse(out, tgt)
loss = fit - 0.1*mean(abs(out)) as spread + 0.5*l2sqr(params) as shrink
"""
X = jnp.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0], [0.5, 1.5, 2.0], [-1.0, 0.75, 4.0]])
Y = jnp.array([1.0, -1.0, 0.5, 2.0])
PARAMS = {
    "w": jnp.array([[0.3, -0.2], [0.1, 0.4], [-0.5, 0.2]]),
    "v": jnp.array([0.7, -0.3]),
    "steps": 3,
}


def inputs(params: Any, x: Any, y: Any) -> dict[str, Any]:
    return {"out": jnp.tanh(x @ params["w"]) @ params["v"], "tgt": y}


def floating(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: params[name] for name in ("w", "v")}


def by_hand(loss: lossdsl.CompiledLoss) -> dict[str, Any]:
    """Return the gradient of each weighted term as one vector, one `jax.grad` a term."""

    def term(leaves: Any, name: str) -> Any:
        whole = {**PARAMS, **leaves}
        _, terms = loss.with_terms(**inputs(whole, X, Y), params=leaves)
        return terms.weighted[name]

    @jax.jit
    def each(leaves: Any) -> dict[str, Any]:
        return {name: jax.grad(term)(leaves, name) for name in loss.term_names}

    gradients = each(floating(PARAMS))
    return {
        name: np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(gradients[name])])
        for name in loss.term_names
    }


def measured(loss: lossdsl.CompiledLoss, params: Any = PARAMS) -> Any:
    return loss.term_gradients(loss.objective(inputs), params, X, Y)


def test_norms_and_cosines() -> None:
    loss = lossdsl.compile(TEXT)
    expected = by_hand(loss)
    functions = (loss.objective(inputs), inputs, jax.jit(loss.objective(inputs)))
    found, *others = jax.jit(lambda: [loss.term_gradients(f, PARAMS, X, Y) for f in functions])()
    for again in others:
        np.testing.assert_array_equal(again.cosine, found.cosine)
    assert list(found.norm) == list(loss.term_names)
    vectors = [*expected.values()]
    norms = [np.linalg.norm(vector) for vector in vectors]
    np.testing.assert_allclose([*found.norm.values()], norms, rtol=1e-5)
    cosine = [[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a in vectors] for b in vectors]
    np.testing.assert_allclose(found.cosine, cosine, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.conflict, np.array(cosine) < 0)
    assert np.any(found.conflict)
    flat = json.loads(json.dumps(jax.device_get(found).flat()))
    assert list(flat) == [
        *(f"gradient/{name}" for name in loss.term_names),
        "cosine/fit/spread",
        "cosine/fit/shrink",
        "cosine/spread/shrink",
    ]
    assert flat["cosine/spread/shrink"] == float(found.cosine[1, 2])


def test_every_k_steps_inside_of_jit() -> None:
    loss = lossdsl.compile(TEXT)
    objective = loss.objective(inputs)
    of = jax.jit(lambda v: measured(loss, {**PARAMS, "v": v}))
    fresh, moved = of(PARAMS["v"]), -PARAMS["v"]

    @jax.jit
    def update(v: Any, step: Any, last: Any) -> Any:
        params = {**PARAMS, "v": v}
        now = lambda: loss.term_gradients(objective, params, X, Y, step=step)  # noqa: E731
        return jax.lax.cond(step % 10 == 0, now, lambda: last)

    kept = update(moved, 3, fresh)
    np.testing.assert_array_equal(kept.cosine, fresh.cosine)
    changed = update(moved, 20, fresh)
    np.testing.assert_allclose(changed.cosine, of(moved).cosine, rtol=1e-5, atol=1e-6)
    assert not np.allclose(changed.cosine, fresh.cosine)


def test_an_infinite_derivative_stays_in_its_term() -> None:
    loss = lossdsl.compile("mean(w) as fit + sqrt(sum(v)) as root + mean(w*v) as both")
    params = {"w": jnp.ones(2), "v": jnp.zeros(2)}
    found = loss.term_gradients(lambda p: p, params)
    norms = {name: float(norm) for name, norm in found.norm.items()}
    assert norms == {
        "fit": pytest.approx(0.5**0.5),
        "root": np.inf,
        "both": pytest.approx(0.5**0.5),
    }
    assert float(found.cosine[0, 2]) == 0
    assert np.all(np.isnan(found.cosine[1]))


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_lengths_whose_squares_are_out_of_range(size: float) -> None:
    loss = lossdsl.compile("w: f32[N]\nc: f32[]\nsum(w)*c as a + -sum(w) as b + 0*mean(w) as c")
    found = loss.term_gradients(lambda w: {"w": w, "c": jnp.float32(size)}, jnp.ones(4))
    np.testing.assert_allclose(found.norm["a"], 2 * size, rtol=1e-5)
    np.testing.assert_allclose(found.cosine, [[1, -1, 0], [-1, 1, 0], [0, 0, 0]], atol=1e-6)


def dots(fn: Callable[..., Any], *arguments: Any) -> int:
    """Return how many matrix products a compiled function has."""
    text = jax.jit(fn).lower(*arguments).compile().as_text()
    assert text is not None
    return sum(" dot(" in line or "__onednn$matmul" in line for line in text.splitlines())


def test_the_model_is_evaluated_once_and_differentiated_once_a_term() -> None:
    loss = lossdsl.compile(TEXT)
    params = floating(PARAMS)
    forward = dots(lambda p: loss.objective(inputs)(p, X, Y)[0], params)
    both = dots(lambda p: jax.grad(lambda p: loss.objective(inputs)(p, X, Y)[0])(p), params)
    terms = dots(lambda p: loss.term_gradients(inputs, p, X, Y), params)
    assert forward == 2
    # `fit` and `spread` read the model, `shrink` does not.
    assert terms == forward + 2 * (both - forward)


@jax.custom_vjp
def doubled(x: Any) -> Any:
    return x


doubled.defvjp(lambda x: (x, None), lambda _, g: (2 * g,))


def test_a_model_with_a_rule_of_its_own() -> None:
    loss = lossdsl.compile("mean(out) + mean(square(out)) as square")
    found = loss.term_gradients(lambda w: {"out": doubled(w)}, jnp.ones(4))
    np.testing.assert_allclose([*found.norm.values()], [1, 2], rtol=1e-6)


def test_models_of_frameworks() -> None:
    loss = lossdsl.compile("mse(out, tgt) as fit + 0.25*mean(abs(out)) as small")
    module = nnx.Linear(3, 1, rngs=nnx.Rngs(0))
    other = eqx.nn.MLP(3, "scalar", 4, 1, key=jax.random.key(0))
    for model, apply, jit, grad in (
        (module, lambda m, x: m(x)[:, 0], nnx.jit, nnx.grad),
        (other, lambda m, x: jax.vmap(m)(x), eqx.filter_jit, eqx.filter_grad),
    ):
        function = lambda m, x, y, apply=apply: {"out": apply(m, x), "tgt": y}  # noqa: E731

        def alone(name: str, function: Any = function) -> Any:
            part = loss.only(name)
            return part.objective(
                lambda m, x, y: {key: function(m, x, y)[key] for key in part.signature}
            )

        found = loss.term_gradients(function, model, X, Y)

        @jit
        def each(m: Any, grad: Any = grad, alone: Any = alone) -> dict[str, Any]:
            return {name: grad(alone(name), has_aux=True)(m, X, Y)[0] for name in loss.term_names}

        for name, gradient in each(model).items():
            leaves = jax.tree.leaves(gradient)
            expected = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in leaves))
            np.testing.assert_allclose(found.norm[name], expected, rtol=1e-5)


def test_half_precision_and_complex_parameters() -> None:
    loss = lossdsl.compile("out: float[N]\nsum(out) as a + sum(square(out)) as b")
    found = loss.term_gradients(lambda w: {"out": w}, jnp.full(9, 300, jnp.bfloat16))
    assert [norm.dtype for norm in found.norm.values()] == [jnp.float32] * 2
    np.testing.assert_allclose([*found.norm.values()], [3, 1800], rtol=1e-2)
    z = jnp.array([3 + 4j, 1j])
    found = loss.term_gradients(lambda z: {"out": jnp.real(z * (1 - 2j))}, z)
    expected = jax.grad(lambda z: jnp.sum(jnp.real(z * (1 - 2j))))(z)
    np.testing.assert_allclose(found.norm["a"], np.linalg.norm(expected), rtol=1e-6)


# Weights of terms


def pairs(params: Any, batch: Any) -> dict[str, Any]:
    return inputs(params, *batch)


BATCHES = [(X, Y), (3 * X, Y - 1), (X[:2], Y[:2])]


@pytest.mark.parametrize("by", ["value", "gradient"])
def test_terms_are_of_one_scale(by: str) -> None:
    loss = lossdsl.compile(TEXT)
    weights = loss.calibrate(loss.objective(pairs), PARAMS, *BATCHES, by=by)
    signs = {name: np.sign(weight) for name, weight in weights.items()}
    assert signs == {"fit": 1, "spread": -1, "shrink": 1}
    assert sum(map(abs, weights.values())) == pytest.approx(3)
    balanced = loss.replace(weights)
    alone = [loss.only(name).replace({name: weights[name]}) for name in weights]

    def value(leaves: Any, part: Any, batch: Any) -> Any:
        given = {**pairs({**PARAMS, **leaves}, batch), "params": leaves, "step": 0}
        return part(**{name: given[name] for name in part.signature})

    @jax.jit
    def of(leaves: Any, batch: Any) -> Any:
        if by == "value":
            return balanced.objective(pairs)({**PARAMS, **leaves}, batch)[1].weighted
        return {
            name: jax.grad(value)(leaves, part, batch)
            for name, part in zip(weights, alone, strict=True)
        }

    scales = np.zeros(3)
    for batch in BATCHES:
        found = of(floating(PARAMS), batch)
        scales += [
            sum(np.sum(np.abs(leaf)) for leaf in jax.tree.leaves(found[name])) for name in weights
        ]
    np.testing.assert_allclose(scales / scales.sum(), [1 / 3] * 3, rtol=1e-5)


CALIBRATED: list[tuple[str, str, dict[str, float]]] = [
    # Terms that are equal already keep weights that add up to how many there are.
    ("mean(w) as a + mean(w) as b + mean(w) as c", "value", {"a": 1, "b": 1, "c": 1}),
    ("mean(w) as a + mean(3*w) as b", "value", {"a": 1.5, "b": 0.5}),
    ("mean(3*w) as b + mean(w) as a", "value", {"b": 0.5, "a": 1.5}),
    ("9*mean(w) as a - 1e-3*mean(3*w) as b", "value", {"a": 1.5, "b": -0.5}),
    # The derivatives of the second are 1 and -1: their mean is 0, and their magnitude is not.
    ("sum(w) as a + (w[0] - w[1]) as b", "gradient", {"a": 1, "b": 1}),
    ("sum(w) as a + 0*sum(w) as b", "gradient", {"a": 1}),
    ("sum(w) as alone", "gradient", {"alone": 1}),
    ("step: i32\nw: f32[B]\n(step + 1)*sum(w) as a + sum(w) as b", "value", {"a": 1, "b": 1}),
    (
        "loss x = mean(w) as a + 3*mean(3*w) as b\nloss y = mean(w) as c",
        "value",
        {"x/a": 1.5, "x/b": 0.5, "y/c": 1},
    ),
]


@pytest.mark.parametrize(("text", "by", "weights"), CALIBRATED)
def test_calibrated_weights(text: str, by: str, weights: Mapping[str, float]) -> None:
    loss = lossdsl.compile(text)
    found = loss.calibrate(lambda w: {"w": w}, jnp.array([2.0, 3.0]), by=by)
    assert list(found) == list(weights)
    assert found == pytest.approx(weights)
    json.dumps(found)


NO_SCALE: list[tuple[str, str, str]] = [
    ("mean(w) as a + mean(relu(w - 9)) as b", "value", "`b` .* its value is 0"),
    ("mean(w) as a + mean(relu(w - 9)) as b", "gradient", "`b` .* its gradient is 0"),
    ("mean(w) as a + mean(stop_gradient(w)) as b", "gradient", "`b` .* its gradient is 0"),
    ("mean(w) as a + mean(log(w - w)) as b", "value", "`b` .* its value is inf"),
    ("mean(w) as a + mean(sqrt(w - w)) as b", "gradient", "`b` .* its gradient is nan"),
]


@pytest.mark.parametrize(("text", "by", "message"), NO_SCALE)
def test_a_term_without_a_scale(text: str, by: str, message: str) -> None:
    loss = lossdsl.compile(text)
    with pytest.raises(lossdsl.LossError, match=message) as raised:
        loss.calibrate(lambda w: {"w": w}, jnp.array([2.0, 3.0]), by=by)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "LD125"
    assert diagnostic.span is not None
    assert diagnostic.span.text.endswith("as b")


Refused = Callable[[lossdsl.CompiledLoss], Any]
REFUSED: list[tuple[Refused, str]] = [
    (lambda x: x.calibrate(lambda w: {"w": w}, jnp.ones(2), by="loss"), "LD121"),
    (lambda x: x.calibrate(lambda w: {"w": w}, jnp.ones(2), by=2), "LD121"),
    (lambda x: x.calibrate(3, jnp.ones(2)), "LD121"),
    (lambda x: x.calibrate(lambda w: w, jnp.ones(2)), "LD111"),
    (lambda x: jax.jit(lambda w: x.calibrate(lambda w: {"w": w}, w))(jnp.ones(2)), "LD125"),
    (lambda x: x.term_gradients(lambda w: {"w": w["w"]}, {"w": jnp.arange(3)}), "LD209"),
    (lambda x: x.term_gradients(lambda w: {"v": w}, jnp.ones(2)), "LD111"),
    (lambda x: x.term_gradients(None, jnp.ones(2)), "LD121"),
]


@pytest.mark.parametrize(("call", "code"), REFUSED)
def test_what_is_refused(call: Refused, code: str) -> None:
    with pytest.raises(lossdsl.LossError, match=code):
        call(lossdsl.compile("mean(w) + mean(square(w)) as square"))
