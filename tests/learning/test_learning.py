"""The interface of learning rules: what they return, what they compile, and what they refuse."""

from __future__ import annotations

import dataclasses
import os
import warnings
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from learning_networks import batch, far, near, parameters, wide
from learning_rules import LAYERS, RULES, SHALLOW, TEXT, every, every_local, given, settles

import lossdsl
from lossdsl.diagnostics.diagnostic import LossWarning
from lossdsl.learning import (
    BackProp,
    Bidirectional,
    BiPredictiveCoding,
    LearningResult,
    PredictiveCoding,
)
from lossdsl.learning.rule import compiled

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"

# What comes back


@every
def test_the_result(rule: Any, layers: Any) -> None:
    params, data, optimizer = parameters(SHALLOW), given(), optax.adam(1e-2)
    result = rule(lossdsl.compile(TEXT)).grads(layers, params, data)
    assert isinstance(result, LearningResult)
    assert jax.tree.structure(result.grads) == jax.tree.structure(params)
    assert list(result.metrics) == ["peak", "low"]
    assert all(one.dtype == jnp.float32 for one in jax.tree.leaves(result))
    assert all(np.isfinite(one).all() for one in jax.tree.leaves(result))
    assert len(jax.tree.leaves(result)) == 4 + 1 + 2 + 1 + 1 + 1 + 1
    assert result.residuals.shape == (2,)
    assert float(result.residual) == np.max(result.residuals)

    def stepped(grads: Any, params: Any) -> Any:
        return optax.apply_updates(params, optimizer.update(grads, optimizer.init(params))[0])

    moved = jax.eval_shape(stepped, result.grads, params)
    assert jax.tree.structure(moved) == jax.tree.structure(params)


@lru_cache
def feed_forward(layers: Any) -> Any:
    """Return the value of the shared text and its terms where a feed-forward pass leads."""

    def fn(params: Any, data: Any) -> Any:
        out = data["x"]
        for layer, own in zip(layers, params, strict=True):
            out = layer(own, out)
        read = {name: one for name, one in data.items() if name != "x"}
        return lossdsl.compile(TEXT).with_terms(out=out, params=params, **read)

    return jax.jit(fn)(parameters(SHALLOW), given())


@pytest.mark.parametrize("name", ["backprop", "strict", "fixed", "exact", "two ways"])
def test_loss_and_metrics_are_of_the_feed_forward_output(name: str) -> None:
    rule, layers = RULES[name]
    value, terms = feed_forward(layers)
    result = rule(lossdsl.compile(TEXT)).grads(layers, parameters(SHALLOW), given())
    assert float(result.loss) == pytest.approx(float(value), rel=1e-6)
    assert float(result.metrics["peak"]) == pytest.approx(float(terms.metrics["peak"]), rel=1e-6)


@every
@pytest.mark.parametrize("kind", [list, tuple])
def test_the_container_of_the_parameters_is_kept(rule: Any, layers: Any, kind: Any) -> None:
    chosen, data = rule(lossdsl.compile(TEXT)), given()
    # Which container it is shows when a rule is traced.
    result = jax.eval_shape(
        lambda params: chosen.grads(layers, params, data), kind(parameters(SHALLOW))
    )
    assert type(result.grads) is kind


@every
def test_paths_of_parameters_start_with_the_number_of_the_layer(rule: Any, layers: Any) -> None:
    chosen, params = rule(lossdsl.compile(TEXT)), parameters(SHALLOW)
    fit, decay = (chosen.grads(layers, params, given(decay=by)).grads for by in (0, 3))
    changed = jax.tree.map(lambda one, two: not np.allclose(one, two), fit, decay)
    assert changed == [{"w": number == 1, "b": False} for number in range(2)]


def test_inputs_are_of_the_batch_and_defaults_are_kept() -> None:
    text = "out, tgt: float[B, K]\nstep: i32\nshare: float = 0.5\nshare*mse(out, tgt)*(step + 1)"
    rule, data = BackProp(lossdsl.compile(text)), batch(sizes=SHALLOW)
    params = parameters(SHALLOW)
    once = rule.grads(LAYERS, params, {**data, "step": 0, "unread": "text"})
    thrice = rule.grads(LAYERS, params, {**data, "step": 2})
    assert far(thrice.grads, [3 * one for one in wide(once.grads)]) < 1e-6
    share = rule.grads(LAYERS, params, {**data, "step": 0, "share": 1.0})
    assert far(share.grads, [2 * one for one in wide(once.grads)]) < 1e-6


def test_names_of_the_ends_may_be_chosen() -> None:
    params, data = parameters(SHALLOW), batch(sizes=SHALLOW)
    usual = PredictiveCoding(lossdsl.compile("mse(out, tgt)")).grads(LAYERS, params, data)
    rule = PredictiveCoding(lossdsl.compile("mse(logits, x)"), input="image", output="logits")
    renamed = rule.grads(LAYERS, params, {"image": data["x"], "x": data["tgt"]})
    assert far(renamed.grads, usual.grads) == 0


def test_an_input_of_integers_feeds_an_embedding() -> None:
    layers = (lambda table, x: table[x], lambda w, x: jnp.tanh(x) @ w)
    params = [jnp.asarray(np.linspace(-1, 1, 15, dtype="f4").reshape(5, 3)), jnp.ones((3, 2))]
    data = {"x": jnp.array([0, 3, 3]), "tgt": jnp.ones((3, 2))}
    loss = lossdsl.compile("mse(out, tgt)")
    exact = BackProp(loss).grads(layers, params, data).grads
    for mode in ("exact", "fixed"):
        rule = PredictiveCoding(loss, eta=1.0, steps=2, mode=mode)
        assert far(rule.grads(layers, params, data).grads, exact) < 1e-6
    strict = PredictiveCoding(loss).grads(layers, params, data).grads
    assert not np.any(np.asarray(strict[0])[1])


@every
def test_an_empty_mask_gives_no_gradient_and_no_nan(rule: Any, layers: Any) -> None:
    settings = {"generative": 0.0} if rule is BiPredictiveCoding else {}
    chosen = rule(lossdsl.compile(TEXT), **settings)
    result = chosen.grads(layers, parameters(SHALLOW), given(keep=False, decay=0))
    assert not any(np.any(one) for one in jax.tree.leaves(result.grads))
    # Equilibrium propagation measures what is left against a nudge, and there is none.
    assert float(result.residual) == 0 or settles(rule)


@every
def test_metrics_are_in_the_order_of_the_spec(rule: Any, layers: Any) -> None:
    chosen, params, data = rule(lossdsl.compile(TEXT)), parameters(SHALLOW), given()
    assert list(chosen.grads(layers, params, data).metrics) == ["peak", "low"]
    inside = jax.eval_shape(lambda params: chosen.grads(layers, params, data), params)
    assert list(inside.metrics) == ["peak", "low"]


@every
def test_it_is_evaluated_without_gradients(rule: Any, layers: Any) -> None:
    chosen, params, data = rule(lossdsl.compile(TEXT)), parameters(SHALLOW), given()
    value, terms = chosen.evaluate(layers, params, data)
    result = chosen.grads(layers, params, data)
    assert float(value) == pytest.approx(float(result.loss), rel=1e-6)
    assert float(terms.metrics["peak"]) == pytest.approx(float(result.metrics["peak"]), rel=1e-6)


# Numbers


# How a rule infers and in which dtype it does are apart: each with one of the other, in short.
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
HALF = jnp.float16
DTYPES = [(name, HALF) for name in RULES] + [
    (name, dtype)
    for name in (RULES if SOAK else ("strict", "two ways", "equilibrium"))
    for dtype in (jnp.float32, jnp.bfloat16)
]


@pytest.mark.parametrize(("name", "dtype"), DTYPES)
def test_dtypes(name: str, dtype: Any) -> None:
    rule, layers = RULES[name]
    settings = {} if rule is BackProp else {"steps": 10}
    chosen = rule(lossdsl.compile("mse(out, tgt)"), **settings)
    with jax.enable_x64(True):
        exact = chosen.grads(layers, parameters(SHALLOW), batch(sizes=SHALLOW)).grads
        assert {one.dtype for one in jax.tree.leaves(exact)} == {jnp.dtype(jnp.float64)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)  # of half precision
        result = chosen.grads(
            layers, parameters(SHALLOW, dtype=dtype), batch(sizes=SHALLOW, dtype=dtype)
        )
    assert {one.dtype for one in jax.tree.leaves(result.grads)} == {jnp.dtype(dtype)}
    # Equilibrium propagation divides rounding by `beta`, a tenth.
    within = float(jnp.finfo(dtype).eps) * (200 if settles(rule) else 20) + 1e-6
    assert far(result.grads, exact) < within


@every
@pytest.mark.parametrize("x64", [False, True])
def test_a_label_of_another_dtype_and_numbers_of_numpy(rule: Any, layers: Any, x64: bool) -> None:
    loss = lossdsl.compile("mse(out, tgt)")
    settings = {
        "eta": np.float64(0.1), "dt": np.float64(0.1), "beta": np.float64(2),
        "generative": np.float64(0.5), "steps": np.int64(20), "tolerance": np.float32(0.01),
    }  # fmt: skip
    with jax.enable_x64(x64):
        own = {field.name for field in dataclasses.fields(rule(loss))}
        chosen = rule(loss, **{name: one for name, one in settings.items() if name in own})
        assert not any(isinstance(one, np.generic) for one in vars(chosen).values())
        params = parameters(SHALLOW, dtype=jnp.bfloat16)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossWarning)
            mixed = {
                "x": batch(sizes=SHALLOW, dtype=jnp.bfloat16)["x"],
                "tgt": batch(sizes=SHALLOW, dtype=jnp.float32)["tgt"],
            }
            # Dtypes show when a rule is traced, its numbers being arguments.
            result = jax.eval_shape(lambda: chosen.grads(layers, params, mixed))
        assert {one.dtype for one in jax.tree.leaves(result.grads)} == {jnp.dtype(jnp.bfloat16)}


@pytest.mark.parametrize("mode", ["strict", "fixed", "exact"])
def test_a_count_may_be_past_the_largest_number_of_a_half(mode: str) -> None:
    ones = jnp.ones((300, 300), jnp.float16)
    rule = PredictiveCoding(lossdsl.compile("mse(out, tgt)"), mode=mode)
    params = [jnp.eye(300, dtype=jnp.float16)] * 2
    result = rule.grads([lambda w, x: x @ w] * 2, params, {"x": ones, "tgt": ones / 2})
    assert all(np.isfinite(one).all() for one in jax.tree.leaves(result.grads))


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
    loss, params = lossdsl.compile(TEXT), parameters(SHALLOW)
    rule(loss).grads(layers, params, given())
    before = compiled._cache_size()
    for seed in range(3):
        rule(loss).grads(list(layers), params, given(seed=seed))  # an equal rule
    assert compiled._cache_size() == before


def test_a_rule_compiles_once_for_a_shape() -> None:
    rule, params = PredictiveCoding(lossdsl.compile("7*mse(out, tgt)")), parameters(SHALLOW)
    before = compiled._cache_size()
    for seed in range(3):
        rule.grads(LAYERS, params, batch(sizes=SHALLOW, seed=seed))
    assert compiled._cache_size() == before + 1
    rule.grads(LAYERS, params, batch(3, SHALLOW))
    assert compiled._cache_size() == before + 2


@every_local
def test_memory_does_not_grow_with_the_steps(rule: Any, layers: Any) -> None:
    sizes = (32, 64, 8)
    params, data = parameters(sizes), batch(64, sizes)

    def temporary(steps: int) -> int:
        chosen = rule(lossdsl.compile("mse(out, tgt)"), steps=steps)
        made = jax.jit(lambda *arrays: chosen.grads(layers, *arrays)).lower(params, data).compile()
        return made.memory_analysis().temp_size_in_bytes

    assert temporary(1000) == temporary(10) > 0


@every
def test_it_composes_with_transformations(rule: Any, layers: Any) -> None:
    chosen, params, data = rule(lossdsl.compile(TEXT)), parameters(SHALLOW), given()
    both = jax.tree.map(lambda *ones: np.stack(ones), data, given(seed=2))

    def gradients(own: Any, data: Any) -> Any:
        result = chosen.grads(layers, own, data)
        return result.grads, result

    def size(own: Any, data: Any) -> Any:
        grads, result = gradients(own, data)
        return sum(jnp.sum(jnp.square(one)) for one in jax.tree.leaves(grads)), result

    @jax.jit
    def transformed(own: Any, data: Any, both: Any) -> Any:
        def along(data: Any) -> Any:
            return jax.jvp(lambda own: gradients(own, data), (own,), (own,), has_aux=True)

        return jax.vmap(along)(both), jax.grad(size, has_aux=True)(own, data)

    plain = chosen.grads(layers, params, data)
    forward, (back, jitted) = transformed(params, data, both)
    grads, moved, mapped = jax.tree.map(lambda one: np.asarray(one)[0], forward)
    assert near(jitted, plain)
    assert near(mapped, plain)
    assert dot(back, params) == pytest.approx(2 * dot(grads, moved), rel=1e-3)


def dot(one: Any, two: Any) -> float:
    return float(sum(np.vdot(*pair) for pair in zip(wide(one), wide(two), strict=True)))


# The nudged phase of equilibrium propagation alone, from an output that is right: `stopped`.
@pytest.mark.parametrize("name", [name for name in RULES if name != "equilibrium"])
def test_where_nothing_is_left_to_learn_derivatives_are_numbers(name: str) -> None:
    rule, layers = RULES[name]
    settings = {"generative": 0.0} if rule is BiPredictiveCoding else {}
    chosen, params, data = (
        rule(lossdsl.compile(TEXT), **settings),
        parameters(SHALLOW),
        given(decay=0),
    )
    best = {**data, "tgt": jax.jit(lambda x: chosen.predict(layers, params, x))(data["x"])}

    def parts(own: Any) -> Any:
        # A derivative that is no number is none in the sum either.
        result = chosen.grads(layers, own, best)
        return result.loss + result.energy + result.residual + result.rounding

    found = jax.jit(jax.grad(parts))(params)
    assert all(np.isfinite(one).all() for one in jax.tree.leaves(found))


def test_inference_runs_in_a_shard_map() -> None:
    mesh = jax.make_mesh((1,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    params, data, loss = parameters(SHALLOW), given(), lossdsl.compile(TEXT)
    whole, spread = jax.sharding.PartitionSpec(), jax.sharding.PartitionSpec("batch")
    rules = {name: (rule(loss), layers) for name, (rule, layers) in RULES.items()}

    def mapped(params: Any, data: Any) -> Any:
        found = {name: rule.grads(of, params, data).grads for name, (rule, of) in rules.items()}
        return jax.lax.pmean(found, "batch")

    specs = {name: spread if np.ndim(one) else whole for name, one in data.items()}
    over = jax.shard_map(mapped, mesh=mesh, in_specs=(whole, specs), out_specs=whole)
    for name, found in jax.jit(over)(params, data).items():
        rule, layers = rules[name]
        assert far(found, rule.grads(layers, params, data).grads) < 1e-5, name
