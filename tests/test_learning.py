"""The interface of learning rules: what they return, what they compile, and what they refuse."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from learning_networks import LAYERS, batch, far, near, parameters, shared

import lossdsl
from lossdsl.diagnostics.diagnostic import LossWarning
from lossdsl.learning import (
    BackProp,
    Bidirectional,
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
    assert len(jax.tree.leaves(result)) == 6 + 1 + 1 + 1 + 1 + 1 + 1
    assert result.residuals.shape == (3,)
    assert float(result.residual) == float(jnp.max(result.residuals))
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
    "a mean over the batch alone": ("sum(mean(square(out - tgt), axis=0))", 6.0),
    "a masked mean over it": ("sum(mean(square(out - tgt), axis=0, where=some))", 3.0),
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

    off, some = jnp.zeros((6, 2), bool), jnp.arange(6)[:, None] < jnp.array([2, 4])
    params, data = parameters(), {**batch(), "w": jnp.arange(1.0, 7.0), "off": off, "some": some}
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


@every
def test_metrics_are_in_the_order_of_the_spec(rule: Any, layers: Any) -> None:
    loss = lossdsl.compile("loss = mse(out, tgt)\nmetric b = max(out)\nmetric a = min(out)")
    chosen, params, data = rule(loss), parameters(), batch()
    assert list(chosen.grads(layers, params, data).metrics) == ["b", "a"]
    jitted = jax.jit(lambda params: chosen.grads(layers, params, data))(params)
    assert list(jitted.metrics) == ["b", "a"]


@every
def test_it_is_evaluated_without_gradients(rule: Any, layers: Any) -> None:
    loss = lossdsl.compile("loss = mse(out, tgt) + l2sqr(params)\nmetric peak = max(abs(out))")
    chosen, params, data = rule(loss), parameters(), batch()
    value, terms = chosen.evaluate(layers, params, data)
    result = chosen.grads(layers, params, data)
    assert float(value) == pytest.approx(float(result.loss), rel=1e-6)
    assert float(terms.metrics["peak"]) == pytest.approx(float(result.metrics["peak"]), rel=1e-6)


# Numbers


@every
@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32, jnp.bfloat16, jnp.float16])
def test_dtypes(rule: Any, layers: Any, dtype: Any) -> None:
    settings = {} if rule is BackProp else {"steps": 10}
    chosen = rule(lossdsl.compile("mse(out, tgt)"), **settings)
    with jax.enable_x64(True):
        exact = chosen.grads(layers, parameters(), batch()).grads
    with jax.enable_x64(dtype == jnp.float64):
        params, data = parameters(dtype=dtype), batch(dtype=dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossWarning)  # of half precision
            result = chosen.grads(layers, params, data)
        assert {one.dtype for one in jax.tree.leaves(result.grads)} == {jnp.dtype(dtype)}
        # Equilibrium propagation divides rounding by `beta`, a tenth.
        within = float(jnp.finfo(dtype).eps) * (200 if settles(rule) else 20) + 1e-6
        wide = jax.tree.map(np.float64, result.grads)
        assert far(wide, jax.tree.map(np.float64, exact)) < within


@every
@pytest.mark.parametrize("wide", [False, True])
def test_a_label_of_another_dtype_and_numbers_of_numpy(rule: Any, layers: Any, wide: bool) -> None:
    loss = lossdsl.compile("mse(out, tgt)")
    settings = {
        "eta": np.float64(0.1), "dt": np.float64(0.1), "beta": np.float64(2),
        "generative": np.float64(0.5), "steps": np.int64(20), "tolerance": np.float32(0.01),
    }  # fmt: skip
    with jax.enable_x64(wide):
        own = {field.name for field in dataclasses.fields(rule(loss))}
        chosen = rule(loss, **{name: one for name, one in settings.items() if name in own})
        assert not any(isinstance(one, np.generic) for one in vars(chosen).values())
        params, data = parameters(dtype=jnp.bfloat16), batch(dtype=jnp.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossWarning)
            given = {**data, "x": data["x"].astype(jnp.bfloat16)}
            result = chosen.grads(layers, params, given)
        assert {one.dtype for one in jax.tree.leaves(result.grads)} == {jnp.dtype(jnp.bfloat16)}


@pytest.mark.parametrize("mode", ["strict", "fixed", "exact"])
def test_a_count_may_be_past_the_largest_number_of_a_half(mode: str) -> None:
    ones = jnp.ones((300, 300), jnp.float16)
    rule = PredictiveCoding(lossdsl.compile("mse(out, tgt)"), mode=mode)
    params = [jnp.eye(300, dtype=jnp.float16)] * 2
    result = rule.grads([lambda w, x: x @ w] * 2, params, {"x": ones, "tgt": ones / 2})
    assert all(np.isfinite(one).all() for one in jax.tree.leaves(result.grads))


@every
def test_where_nothing_is_left_to_learn_derivatives_are_numbers(rule: Any, layers: Any) -> None:
    settings = {"start": "forward"} if settles(rule) else {}
    settings |= {"generative": 0.0} if rule is BiPredictiveCoding else {}
    chosen = rule(lossdsl.compile("mse(out, tgt)"), **settings)
    params, data = parameters(), batch()
    best = {**data, "tgt": chosen.predict(layers, params, data["x"])}
    for part in ("loss", "energy", "residual", "rounding"):
        found = jax.grad(lambda own, part=part: getattr(chosen.grads(layers, own, best), part))(
            params
        )
        assert all(np.isfinite(one).all() for one in jax.tree.leaves(found)), part


@every
def test_outputs_may_be_numbers(rule: Any, layers: Any) -> None:
    def scaled(w: Any, x: Any) -> Any:
        return w * x

    one = Bidirectional(scaled, scaled) if rule is BiPredictiveCoding else scaled
    data = {"x": jnp.float32(0.5), "tgt": jnp.float32(1.0)}
    params = [jnp.float32(0.7), jnp.float32(0.9)]
    result = rule(lossdsl.compile("sum(square(out - tgt))")).grads([one, one], params, data)
    assert np.isfinite(result.grads).all()


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
        made = jax.jit(lambda *given: chosen.grads(layers, *given)).lower(params, data).compile()
        return made.memory_analysis().temp_size_in_bytes

    assert temporary(1000) == temporary(10) > 0


def test_memory_of_a_network_that_stops_does_not_grow_either() -> None:
    def temporary(steps: int) -> int:
        rule = EquilibriumPropagation(lossdsl.compile("mse(out, tgt)"), steps=steps, stop=1e-6)
        given = parameters(), batch()
        made = jax.jit(lambda *given: rule.grads(LAYERS, *given)).lower(*given).compile()
        return made.memory_analysis().temp_size_in_bytes

    assert temporary(1000) == temporary(10)


@every
def test_it_composes_with_transformations(rule: Any, layers: Any) -> None:
    chosen = rule(lossdsl.compile("mse(out, tgt)"))
    params, data = parameters(), batch()
    plain = chosen.grads(layers, params, data)
    jitted = jax.jit(lambda params, data: chosen.grads(layers, params, data))(params, data)
    assert near(jitted, plain)
    both = jax.tree.map(lambda *ones: jnp.stack(ones), data, batch(seed=2))
    mapped = jax.vmap(lambda data: chosen.grads(layers, params, data))(both)
    assert near(jax.tree.map(lambda one: one[0], mapped), plain)

    def size(params: Any) -> Any:
        leaves = jax.tree.leaves(chosen.grads(layers, params, data).grads)
        return sum(jnp.sum(jnp.square(one)) for one in leaves)

    along = jax.jvp(size, (params,), (params,))[1]
    back = jax.tree.map(lambda one, two: jnp.vdot(one, two), jax.grad(size)(params), params)
    assert float(sum(jax.tree.leaves(back))) == pytest.approx(float(along), rel=1e-3)


def test_inference_runs_in_a_shard_map() -> None:
    mesh = jax.make_mesh((1,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    params, data = parameters(), batch()
    whole, spread = jax.sharding.PartitionSpec(), jax.sharding.PartitionSpec("batch")
    for rule, layers in RULES.values():
        chosen = rule(lossdsl.compile("mse(out, tgt)"))

        def mapped(params: Any, data: Any, chosen: Any = chosen, layers: Any = layers) -> Any:
            return jax.lax.pmean(chosen.grads(layers, params, data).grads, "batch")

        over = jax.shard_map(mapped, mesh=mesh, in_specs=(whole, spread), out_specs=whole)
        assert far(jax.jit(over)(params, data), chosen.grads(layers, params, data).grads) < 1e-5
