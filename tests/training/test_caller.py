"""What a caller makes of the inputs, held to the text: mistakes that are told, and what is not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lossdsl
from lossdsl.diagnostics.diagnostic import LossWarning

sg = jax.lax.stop_gradient
W = {"body": jnp.ones((3, 3)) / 4, "head": {"w": jnp.ones((3, 2)), "b": jnp.zeros(2)}}
TWO = {"student": W, "teacher": jax.tree.map(lambda leaf: leaf / 2, W)}
X = jnp.arange(12.0).reshape(4, 3)
Y = jnp.ones((4, 2))

FIT = "mse(out, tgt)"
HELD = "out: f32[B, K]\ntgt: target f32[B, K]\nmse(out, tgt)"
DISTILL = "z: logits f32[B, K]\nteacher: frozen f32[B, K]\ndistill(z, teacher) + 0.1*mean(abs(z))"
DECAY = "mse(out, tgt) + 1e-3*l2sqr(params)"


def model(p: Any, x: Any = X) -> Any:
    return jnp.tanh(x @ p["body"]) @ p["head"]["w"] + p["head"]["b"]


def scanned(p: Any) -> Any:
    out, _ = jax.lax.scan(lambda h, _: (jnp.tanh(h @ p["body"]), None), X, None, length=3)
    return out @ p["head"]["w"] + p["head"]["b"]


@jax.custom_vjp
def held(x: Any) -> Any:
    return x


held.defvjp(lambda x: (x, None), lambda _, g: (g,))


@jax.custom_jvp
def spike(x: Any) -> Any:
    return jnp.heaviside(x, 1.0)


spike.defjvp(lambda x, t: (spike(x[0]), t[0] / (1 + x[0] ** 2)))

Function = Callable[[Any], Any]

# A text, parameters, a function of them, and for each code what its message says.
MISTAKES: list[tuple[str, Any, Function, dict[str, str]]] = [
    (
        HELD,
        W,
        lambda p: {"out": model(p), "tgt": 2 * model(p)},
        {"LD414": "`tgt`, declared `target`"},
    ),
    (
        DISTILL,
        TWO,
        lambda p: {"z": model(p["student"]), "teacher": model(p["teacher"])},
        {"LD414": "`teacher`, declared `frozen`: it depends on `params/teacher`"},
    ),
    (
        DISTILL,
        TWO,
        lambda p: {"z": scanned(p["student"]), "teacher": jax.jit(scanned)(p["teacher"])},
        {"LD414": "`params/teacher`"},
    ),
    (HELD, W, lambda p: {"out": model(p), "tgt": held(p["head"]["b"]) + Y}, {"LD414": "head/b"}),
    (FIT, W, lambda p: {"out": model(W), "tgt": Y}, {"LD417": "`out`, `tgt`"}),
    (DECAY, W, lambda p: {"out": model(W), "tgt": Y}, {"LD417": "`out`, `tgt`"}),
    (FIT, W, lambda p: {"out": sg(model(p)), "tgt": Y}, {"LD417": "no gradient"}),
    (FIT, W, lambda p: {"out": jnp.round(model(p)), "tgt": Y}, {"LD417": "no gradient"}),
    (FIT, W, lambda p: {"out": jnp.float32(model(p) > 0), "tgt": Y}, {"LD417": "no gradient"}),
    (
        FIT,
        {**W, "gate": jnp.ones(3)},
        lambda p: {"out": model(p, X * jnp.round(p["gate"])), "tgt": Y},
        {"LD441": "no gradient reaches `params/gate`"},
    ),
    (
        FIT,
        {**W, "key": {"a": jnp.ones(3), "b": jnp.ones(3)}},
        lambda p: {"out": model(p, X + jnp.argmax(p["key"]["a"] * p["key"]["b"])), "tgt": Y},
        {"LD441": "no gradient reaches `params/key`"},
    ),
    (
        DECAY,
        W,
        lambda p: {"out": X @ p["body"][:, :2], "tgt": Y},
        {"LD441": "do not depend on `params/head`"},
    ),
    (
        HELD,
        {**W, "more": jnp.ones(2)},
        lambda p: {"out": model(p), "tgt": p["head"]["b"] + Y},
        {"LD414": "`params/head/b`", "LD441": "`params/more`"},
    ),
]


def told(loss: lossdsl.CompiledLoss, call: Callable[[], Any]) -> list[Any]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LossWarning)
        call()
    assert len(caught) <= 1
    return [found for one in caught for found in one.message.diagnostics]  # type: ignore[union-attr]


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "alone": lambda objective, p: objective(p),
    "grad": lambda objective, p: jax.grad(objective, has_aux=True)(p),
    # What is told is told when it is traced; to compile and to run it adds nothing.
    "jit": lambda objective, p: jax.jit(jax.value_and_grad(objective, has_aux=True)).trace(p),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("text", "params", "function", "codes"), MISTAKES)
def test_mistakes_are_told_once(
    text: str, params: Any, function: Function, codes: dict[str, str], way: str
) -> None:
    lossdsl.clear_cache()
    loss = lossdsl.compile(text)
    before = loss.diagnostics
    objective = loss.objective(function)
    found = told(loss, lambda: WAYS[way](objective, params))
    assert {one.code for one in found} == {*codes}
    for one in found:
        assert codes[one.code] in one.message
        assert one.severity == "warning"
        assert one.span is not None or one.code == "LD441"
        assert one.span is None or one.span.source.text == text
    assert loss.diagnostics == (*before, *found)
    assert told(loss, lambda: WAYS[way](objective, params)) == []
    assert told(loss, lambda: WAYS[way](loss.objective(function), params)) == found
    assert loss.diagnostics == (*before, *found)


def test_a_strict_loss_raises() -> None:
    loss = lossdsl.compile(HELD, strict=True)
    objective = loss.objective(lambda p: {"out": model(p), "tgt": model(p)})
    with pytest.raises(lossdsl.LossError) as raised:
        jax.jit(jax.grad(objective, has_aux=True))(W)
    (found,) = raised.value.diagnostics
    assert (found.code, found.severity) == ("LD414", "error")
    assert found.span is not None
    assert found.span.text == "tgt"


def test_a_comment_allows_a_warning() -> None:
    text = "out: f32[B, K]\ntgt: target f32[B, K]  # lossdsl: allow LD414\nmse(out, tgt)"
    loss = lossdsl.compile(text)
    assert told(loss, lambda: loss.objective(lambda p: {"out": model(p), "tgt": model(p)})(W)) == []


VQ = "mse(sg(z), e) + 0.25*mse(z, sg(e)) + mse(x, y) as decode"
CLIPPED = (
    "logp: f32[B]\nadv: frozen f32[B]\nv: f32[B]\nret: target f32[B]\n-mean(adv*logp) + mse(v, ret)"
)
GAN = "real: logits f32[B]\nfake: logits f32[B]\nmean(softplus(-real)) + mean(softplus(fake))"
INT = "z: logits f32[B, K]\ny: labels i32[B]\ncross_entropy(z, y)"
STATS = "out, tgt: f32[B, K]\nmse(out, tgt)"


def branching(p: Any) -> dict[str, Any]:
    """Branch on numbers: nothing is known of it outside of a call."""
    return {"out": model(p) if p["body"][0, 0] > 0 else sg(model(p)), "tgt": Y}


RIGHT: list[tuple[str, Any, Function]] = [
    (HELD, W, lambda p: {"out": model(p), "tgt": Y}),
    (DISTILL, W, lambda p: {"z": model(p), "teacher": model(TWO["teacher"])}),
    (DISTILL, TWO, lambda p: {"z": model(p["student"]), "teacher": sg(model(p["teacher"]))}),
    (DISTILL, TWO, lambda p: {"z": model(p["student"]), "teacher": model(sg(p)["teacher"])}),
    # An ema teacher that is no part of what is trained, and one that is stopped in the text.
    ("out, tgt: f32[B, K]\nmse(out, sg(tgt))", W, lambda p: {"out": model(p), "tgt": model(p)}),
    (
        "out: f32[B, K]\ntgt: target f32[B, K]\nmse(out, sg(tgt))",
        W,
        lambda p: {"out": model(p), "tgt": model(p)},
    ),
    # An auto-encoder, whose target is its input; two views that are both trained.
    (
        "out: f32[B, D]\ntgt: target f32[B, D]\nmse(out, tgt)",
        W,
        lambda p: {"out": model(p) @ model(p).T @ X, "tgt": X},
    ),
    (FIT, W, lambda p: {"out": model(p), "tgt": model(p, X + 1)}),
    (
        VQ,
        W,
        lambda p: {"z": X @ p["body"], "e": X @ p["body"] + 1, "x": model(p), "y": Y},
    ),
    (
        CLIPPED,
        {**W, "v": jnp.ones(3)},
        lambda p: {
            "logp": model(p)[:, 0],
            "adv": sg(X @ p["v"]),
            "v": X @ p["v"],
            "ret": jnp.ones(4) + sg(X @ p["v"]),
        },
    ),
    (GAN, W, lambda p: {"real": jnp.ones(4), "fake": model(p)[:, 0]}),
    (INT, W, lambda p: {"z": model(p), "y": jnp.argmax(sg(model(p)), axis=-1)}),
    (INT, W, lambda p: {"z": model(p), "y": jnp.argmax(model(p), axis=-1)}),
    (FIT, W, lambda p: {"out": scanned(p), "tgt": Y}),
    (FIT, W, lambda p: {"out": jax.checkpoint(model)(p), "tgt": Y}),
    (FIT, W, lambda p: {"out": held(model(p)), "tgt": Y}),
    (FIT, W, lambda p: {"out": spike(model(p)), "tgt": Y}),
    (FIT, W, lambda p: {"out": jax.vmap(lambda x: model(p, x))(X), "tgt": Y}),
    (FIT, W, lambda p: {"out": jax.lax.cond(True, model, scanned, p), "tgt": Y}),
    # What is beside the inputs is used, too, such as statistics.
    (
        STATS,
        {**W, "stats": jnp.ones(2)},
        lambda p: ({"out": model(p), "tgt": Y}, 0.9 * p["stats"] + jnp.mean(model(p), axis=0)),
    ),
    ("l2sqr(params)", W, lambda p: {}),
    (DECAY, W, lambda p: {"out": model(p), "tgt": Y}),
    (FIT, W, branching),
]


@pytest.mark.parametrize(("text", "params", "function"), RIGHT)
def test_nothing_is_told_of_what_is_right(text: str, params: Any, function: Function) -> None:
    lossdsl.clear_cache()
    loss = lossdsl.compile(text)
    before = loss.diagnostics
    graded = jax.value_and_grad(loss.objective(function), has_aux=True)
    _, gradient = graded(params) if function is branching else jax.eval_shape(graded, params)
    assert jax.tree.structure(gradient) == jax.tree.structure(params)
    assert loss.diagnostics == before


class Dropping(nnx.Module):
    def __init__(self) -> None:
        self.linear = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
        self.dropout = nnx.Dropout(0.5, rngs=nnx.Rngs(1))
        self.mean = nnx.BatchStat(jnp.zeros(2))

    def __call__(self, x: Any) -> Any:
        out = self.dropout(self.linear(x))
        self.mean.set_value(0.9 * self.mean[...] + 0.1 * jnp.mean(out, axis=0))
        return out


def test_a_module_is_as_it_was() -> None:
    loss = lossdsl.compile(FIT)
    objective = loss.objective(lambda m, x, y: {"out": m(x), "tgt": y})
    model, other = Dropping(), Dropping()
    found = nnx.grad(objective, has_aux=True)(model, X, Y)[0]

    def written(m: Any) -> Any:
        return jnp.mean(jnp.square(m(X) - Y))

    expected = nnx.grad(written)(other)
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    assert all(np.allclose(a, b, rtol=1e-5) for a, b in pairs)
    pairs = zip(jax.tree.leaves(nnx.state(model)), jax.tree.leaves(nnx.state(other)), strict=True)
    for a, b in pairs:
        if not jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def test_a_setting_of_a_module_is_no_parameter() -> None:
    net = eqx.nn.Sequential([eqx.nn.Linear(3, 2, key=jax.random.key(0)), eqx.nn.Dropout(0.5)])
    loss = lossdsl.compile(FIT)

    def inputs(model: Any, key: Any) -> Any:
        keys = jax.random.split(key, 4)
        return {"out": jax.vmap(lambda x, k: model(x, key=k))(X, keys), "tgt": Y}

    eqx.filter_grad(loss.objective(inputs), has_aux=True)(net, jax.random.key(1))
    assert loss.diagnostics == ()


def test_the_function_is_called_once_more_for_new_types() -> None:
    calls: list[int] = []

    def inputs(p: Any, x: Any) -> Any:
        calls.append(len(x))
        return {"out": model(p, x), "tgt": jnp.ones((len(x), 2))}

    objective = lossdsl.compile(FIT).objective(inputs)
    for size in (4, 4, 3, 4, 3):
        objective(W, X[:size])
    assert calls == [4, 4, 4, 3, 3, 4, 3]
