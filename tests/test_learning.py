"""The interface of learning rules: what they return, what they compile, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from learning_networks import LAYERS, batch, far, parameters, shared

import lossdsl
from lossdsl.learning import (
    BackProp,
    BiPredictiveCoding,
    EquilibriumPropagation,
    LearningResult,
    PredictiveCoding,
)
from lossdsl.learning.rule import compiled

TWO_WAYS = (shared(jnp.tanh),) * 3
RULES: dict[str, tuple[Callable[..., Any], Any]] = {
    "backprop": (BackProp, LAYERS),
    "strict": (PredictiveCoding, LAYERS),
    "fixed": (lambda loss, **more: PredictiveCoding(loss, mode="fixed", **more), LAYERS),
    "exact": (lambda loss, **more: PredictiveCoding(loss, mode="exact", **more), LAYERS),
    "two ways": (BiPredictiveCoding, TWO_WAYS),
    "equilibrium": (EquilibriumPropagation, LAYERS),
    "stopped": (lambda loss, **more: EquilibriumPropagation(loss, stop=1e-3, **more), LAYERS),
}
LOCAL = {name: RULES[name] for name in ("strict", "fixed", "two ways", "equilibrium")}


def settles(rule: Any) -> bool:
    return rule in (RULES["equilibrium"][0], RULES["stopped"][0])


every = pytest.mark.parametrize(("rule", "layers"), RULES.values(), ids=RULES)
every_local = pytest.mark.parametrize(("rule", "layers"), LOCAL.values(), ids=LOCAL)


# What comes back


@every
def test_the_result(rule: Any, layers: Any) -> None:
    loss = lossdsl.compile("loss = mse(out, tgt)\nmetric peak = max(abs(out))")
    params, data = parameters(), batch()
    result = rule(loss).grads(layers, params, data)
    assert isinstance(result, LearningResult)
    assert jax.tree.structure(result.grads) == jax.tree.structure(params)
    assert list(result.metrics) == ["peak"]
    assert all(one.dtype == jnp.float32 for one in jax.tree.leaves(result))
    assert all(np.isfinite(one).all() for one in jax.tree.leaves(result))
    assert len(jax.tree.leaves(result)) == 6 + 1 + 1 + 1 + 1 + 1
    updates, _ = optax.adam(1e-2).update(result.grads, optax.adam(1e-2).init(params))
    assert jax.tree.structure(optax.apply_updates(params, updates)) == jax.tree.structure(params)


@pytest.mark.parametrize("name", ["backprop", "strict", "fixed", "exact", "two ways"])
def test_loss_and_metrics_are_of_the_feed_forward_output(name: str) -> None:
    rule, layers = RULES[name]
    loss = lossdsl.compile("loss = mse(out, tgt) + 0.1*l2sqr(params)\nmetric peak = max(abs(out))")
    params, data = parameters(), batch()
    out = data["x"]
    for layer, own in zip(layers, params, strict=True):
        out = layer(own, out)
    value, terms = loss.with_terms(out=out, tgt=data["tgt"], params=params)
    result = rule(loss).grads(layers, params, data)
    assert float(result.loss) == pytest.approx(float(value), rel=1e-6)
    assert float(result.metrics["peak"]) == pytest.approx(float(terms.metrics["peak"]), rel=1e-6)


@every
@pytest.mark.parametrize("kind", [list, tuple])
def test_the_container_of_the_parameters_is_kept(rule: Any, layers: Any, kind: Any) -> None:
    loss = lossdsl.compile("mse(out, tgt) + l2sqr(params)")
    result = rule(loss).grads(layers, kind(parameters()), batch())
    assert type(result.grads) is kind


@every
def test_paths_of_parameters_start_with_the_number_of_the_layer(rule: Any, layers: Any) -> None:
    fit, decay = (
        rule(lossdsl.compile(text)).grads(layers, parameters(), batch()).grads
        for text in ("mse(out, tgt)", 'mse(out, tgt) + 3*l2sqr(params["1/w"])')
    )
    changed = jax.tree.map(lambda one, two: not np.allclose(one, two), fit, decay)
    assert changed == [{"w": number == 1, "b": False} for number in range(3)]


def test_inputs_are_of_the_batch_and_defaults_are_kept() -> None:
    text = "out, tgt: float[B, K]\nstep: i32\nshare: float = 0.5\nshare*mse(out, tgt)*(step + 1)"
    rule, data = BackProp(lossdsl.compile(text)), batch()
    params = parameters()
    once = rule.grads(LAYERS, params, {**data, "step": 0, "unread": "text"})
    thrice = rule.grads(LAYERS, params, {**data, "step": 2})
    assert far(thrice.grads, jax.tree.map(lambda one: 3 * one, once.grads)) < 1e-6
    share = rule.grads(LAYERS, params, {**data, "step": 0, "share": 1.0})
    assert far(share.grads, jax.tree.map(lambda one: 2 * one, once.grads)) < 1e-6


def test_names_of_the_ends_may_be_chosen() -> None:
    params, data = parameters(), batch()
    usual = PredictiveCoding(lossdsl.compile("mse(out, tgt)")).grads(LAYERS, params, data)
    rule = PredictiveCoding(lossdsl.compile("mse(logits, x)"), input="image", output="logits")
    renamed = rule.grads(LAYERS, params, {"image": data["x"], "x": data["tgt"]})
    assert far(renamed.grads, usual.grads) == 0


def test_an_input_of_integers_feeds_an_embedding() -> None:
    layers = (lambda table, x: table[x], lambda w, x: jnp.tanh(x) @ w)
    params = [jnp.linspace(-1, 1, 15).reshape(5, 3), jnp.ones((3, 2))]
    data = {"x": jnp.array([0, 3, 3]), "tgt": jnp.ones((3, 2))}
    loss = lossdsl.compile("mse(out, tgt)")
    exact = BackProp(loss).grads(layers, params, data).grads
    for mode in ("exact", "fixed"):
        rule = PredictiveCoding(loss, eta=1.0, steps=2, mode=mode)
        assert far(rule.grads(layers, params, data).grads, exact) < 1e-6
    strict = PredictiveCoding(loss).grads(layers, params, data).grads
    assert float(jnp.abs(strict[0]).sum(axis=1)[1]) == 0


# Counts

COUNTED = {
    "a mean of examples": ("mean(sum(square(out - tgt), axis=-1))", 6.0),
    "a mean of elements": ("mse(out, tgt)", 12.0),
    "a root of a mean": ("sqrt(mean(square(out - tgt)))", 12.0),
    "a sum": ("sum(square(out - tgt))/6", 1.0),
    "weights": ("mean(sum(square(out - tgt), axis=-1), weight=w)", 21.0),
    "a function of one mean": ("mean(out)**2", 12.0),
    "elements, then examples": ("mse(out, tgt) + mean(sum(square(out), axis=-1))", 6.0),
    "examples, then elements": ("mean(sum(square(out), axis=-1)) + mse(out, tgt)", 6.0),
    "nothing, then elements": ("mean(square(out), where=off) + mse(out, tgt)", 12.0),
    "sums": ("sum(square(out)) + sum(abs(out))", 1.0),
    "another term first": ("l2sqr(params) + mse(out, tgt)", 12.0),
    "a sum over params": ('sum(square(params["0/w"])) + mse(out, tgt)', 12.0),
}


@pytest.mark.parametrize(("text", "count"), COUNTED.values(), ids=COUNTED)
def test_the_error_of_an_example_is_the_derivative_times_the_count(text: str, count: float) -> None:
    from lossdsl.learning.errors import objective

    off = jnp.zeros((6, 2), bool)
    params, data = parameters(), {**batch(), "w": jnp.arange(1.0, 7.0), "off": off}
    out = jnp.ones((6, 2))
    seen = objective(lossdsl.compile(text), "out", data).evaluate(out, params)
    assert float(seen.count) == count
    derivative = jax.grad(lambda out: objective(lossdsl.compile(text), "out", data).value(
        out, params)[0])(out)  # fmt: skip
    np.testing.assert_allclose(seen.error, count * derivative, rtol=1e-6)


@every
def test_an_empty_mask_gives_no_gradient_and_no_nan(rule: Any, layers: Any) -> None:
    text = "keep: bool[B]\nout, tgt: float[B, K]\nmse(out, tgt, where=keep)"
    settings = {"generative": 0.0} if rule is BiPredictiveCoding else {}
    result = rule(lossdsl.compile(text), **settings).grads(
        layers, parameters(), {**batch(), "keep": jnp.zeros(6, bool)}
    )
    assert all(not one.any() for one in jax.tree.leaves(result.grads))
    # Equilibrium propagation measures what is left against a nudge, and there is none.
    assert float(result.residual) == 0 or settles(rule)


# Numbers


@every
@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32, jnp.bfloat16])
def test_dtypes(rule: Any, layers: Any, dtype: Any) -> None:
    with jax.enable_x64(dtype == jnp.float64):
        loss = lossdsl.compile("mse(out, tgt)")
        settings = {"beta": 1.0} if settles(rule) else {}
        result = rule(loss, **settings).grads(layers, parameters(dtype=dtype), batch(dtype=dtype))
        assert {one.dtype for one in jax.tree.leaves(result.grads)} == {jnp.dtype(dtype)}
        assert all(np.isfinite(np.float64(one)).all() for one in jax.tree.leaves(result))


# Compilation


@every
def test_a_rule_compiles_once(rule: Any, layers: Any) -> None:
    loss = lossdsl.compile("7*mse(out, tgt)")  # of no other test
    chosen = rule(loss)
    params, data = parameters(), batch()
    before = compiled._cache_size()
    for seed in range(3):
        chosen.grads(list(layers), params, batch(seed=seed))
    assert compiled._cache_size() == before + 1
    rule(loss).grads(layers, params, data)  # an equal rule
    assert compiled._cache_size() == before + 1
    chosen.grads(layers, params, batch(3))
    assert compiled._cache_size() == before + 2


@every_local
def test_memory_does_not_grow_with_the_steps(rule: Any, layers: Any) -> None:
    sizes = (32, 64, 64, 8)
    params, data = parameters(sizes), batch(64, sizes)

    def temporary(steps: int) -> int:
        chosen = rule(lossdsl.compile("mse(out, tgt)"), steps=steps)
        made = compiled.lower(chosen, tuple(layers), params, data).compile()
        return made.memory_analysis().temp_size_in_bytes

    assert temporary(1000) == temporary(10) > 0


def test_memory_of_a_network_that_stops_does_not_grow_either() -> None:
    def temporary(steps: int) -> int:
        rule = EquilibriumPropagation(lossdsl.compile("mse(out, tgt)"), steps=steps, stop=1e-6)
        made = compiled.lower(rule, LAYERS, parameters(), batch()).compile()
        return made.memory_analysis().temp_size_in_bytes

    assert temporary(1000) == temporary(10)


@every
def test_it_composes_with_transformations(rule: Any, layers: Any) -> None:
    chosen = rule(lossdsl.compile("mse(out, tgt)"))
    params, data = parameters(), batch()
    plain = chosen.grads(layers, params, data)
    jitted = jax.jit(lambda params, data: chosen.grads(layers, params, data))(params, data)
    assert far(jitted, plain) < 1e-5
    both = jax.tree.map(lambda *ones: jnp.stack(ones), data, batch(seed=2))
    mapped = jax.vmap(lambda data: chosen.grads(layers, params, data))(both)
    assert far(jax.tree.map(lambda one: one[0], mapped), plain) < 1e-5

    def size(params: Any) -> Any:
        leaves = jax.tree.leaves(chosen.grads(layers, params, data).grads)
        return sum(jnp.sum(jnp.square(one)) for one in leaves)

    along = jax.jvp(size, (params,), (params,))[1]
    back = jax.tree.map(lambda one, two: jnp.vdot(one, two), jax.grad(size)(params), params)
    assert float(sum(jax.tree.leaves(back))) == pytest.approx(float(along), rel=1e-3)
