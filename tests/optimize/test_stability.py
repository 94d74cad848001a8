"""What is computed by rules in place of a text: right where the text is, and where it is lost."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from probes import PROBES, Probe, verdict
from stability_texts import FIRES, QUIET

import lossdsl
from lossdsl.lower.jax_dtypes import default_float
from lossdsl.lower.tape import evaluate
from lossdsl.optimize.rewrite import Rewriter
from lossdsl.optimize.shown import rewrites
from lossdsl.optimize.stability_rules import RULES, Rule
from lossdsl.specialize.leafwise import Flat, leafwise
from lossdsl.specialize.verify_flat import verify_flat
from lossdsl.terms import value_roots

X = np.array([[0.3, 0.1, 0.9], [0.5, 0.7, 0.2]], np.float32)
Y = np.array([[0.8, 0.2, 0.4], [0.6, 0.1, 0.3]], np.float32)
M = np.array([[True, False, True], [False, True, True]])
GIVEN: Mapping[str, Any] = {"x": X, "y": Y, "m": M}


def flat_of(text: str, inputs: Mapping[str, Any]) -> tuple[Flat, Mapping[str, int]]:
    """Return the flat core of a text at some inputs, before any rewrite, and their sizes."""
    loss = lossdsl.compile(text, stabilize=False)
    call, _ = loss._call({name: inputs[name] for name in loss.signature}, value_roots)
    flat = leafwise(call.core.graph, value_roots(call.core), default_float())
    flat.graph.ranges = call.core.ranges
    return flat, call.sizes


def fired(text: str, inputs: Mapping[str, Any], rules: Sequence[Rule] = RULES) -> list[str]:
    """Return the rules of a table that fire in a text, in their order."""
    flat, _ = flat_of(text, inputs)
    rewriter = Rewriter(flat.graph, rules)
    verify_flat(flat.graph, rewriter(flat.roots), default_float())
    return [each.rule.written for each in rewriter.fired]


def value(text: str, inputs: Mapping[str, Any], rules: Sequence[Rule]) -> Any:
    """Return what a text is worth after the rules of a table alone."""
    flat, sizes = flat_of(text, inputs)
    roots = Rewriter(flat.graph, rules)(flat.roots)
    given = {name: jnp.asarray(value) for name, value in inputs.items()}
    return evaluate(flat.graph, roots, given, sizes)[0]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.text)
def test_a_probe_is_right(probe: Probe) -> None:
    loss, x = lossdsl.compile(probe.text), jnp.array(probe.at, jnp.float32)
    value, gradient = jax.value_and_grad(lambda x: loss(x=x))(x)
    assert verdict(probe, value, gradient) == "right"


def test_all_but_two_probes_are_wrong_as_they_are_written() -> None:
    right: list[str] = []
    for probe in PROBES:
        loss = lossdsl.compile(probe.text, stabilize=False)
        answer = jax.value_and_grad(lambda x, loss=loss: loss(x=x))(jnp.float32(probe.at))
        right += [probe.text] if verdict(probe, *answer) == "right" else []
    assert right == ["sum(xlogy(x, x))", "mean(where(x > 0, log(x), 0))"]


@pytest.mark.parametrize("text", FIRES)
def test_rules_fire(text: str) -> None:
    assert tuple(dict.fromkeys(fired(text, GIVEN))) == FIRES[text]


@pytest.mark.parametrize("text", QUIET)
def test_no_rule_fires(text: str) -> None:
    assert fired(text, GIVEN) == []


def test_every_rule_fires_somewhere() -> None:
    assert {rule.written for rule in RULES} == {name for names in FIRES.values() for name in names}


def slopes(loss: lossdsl.CompiledLoss, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return value, gradient by x, and along a direction the derivatives of both."""
    rest = {name: value for name, value in inputs.items() if name != "x"}
    x = jnp.asarray(inputs["x"])
    both = jax.value_and_grad(lambda x: loss(x=x, **rest))
    way = jnp.cos(jnp.arange(x.size)).reshape(x.shape).astype(x.dtype)
    (value, gradient), (along, bend) = jax.jvp(both, (x,), (way,))
    return value, gradient, along, bend


@pytest.mark.parametrize("at", range(0, len(FIRES), 12))
def test_what_is_right_stays_right_in_every_derivative(at: int) -> None:
    inputs = {name: value if name == "m" else value.astype(float) for name, value in GIVEN.items()}
    with jax.enable_x64(True):
        for text in list(FIRES)[at : at + 12]:
            mine, theirs = both(text, inputs, slopes)
            for one, other in zip(mine, theirs, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12, err_msg=text)


def both(text: str, inputs: Mapping[str, Any], of: Callable[..., Any]) -> list[Any]:
    """Return what is asked of a text, as it is compiled and as it is written, in one program."""
    losses = [lossdsl.compile(text, stabilize=on) for on in (True, False)]
    given = {name: inputs[name] for name in losses[0].signature}
    return jax.jit(lambda given: [of(loss, given) for loss in losses])(given)


# Where a guard is left out, the inputs at which its rule is wrong, and what is then computed.
GUARDED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "log(mean(exp(x)))": ("log(mean(exp(x)))", {"x": np.zeros(0, np.float32)}),
    "log(prod(x))": ("log(prod(x))", {"x": np.array([-2, -3], np.float32)}),
    "log(x**a)": ("sum(log(x**2.0))", {"x": np.array([-2, 3], np.float32)}),
    "exp(x)/sum(exp(x))": ("sum(x*(exp(x)/sum(exp(x), axis=1)))", {"x": X[:, :2]}),
    "a*exp(x)/sum(exp(x))": ("sum(x*exp(x)/sum(exp(x), axis=1))", {"x": X[:, :2]}),
    "x/norm(x)": (
        "sum(x/norm(x, where=m, axis=1, keepdims=true))",
        {"x": X, "m": np.array([[True, False, True], [False, False, False]])},
    ),
    "a*x/norm(x)": (
        "sum(x*x/norm(x, axis=1))",
        {"x": np.array([[0, 0], [1, 2]], np.float32)},
    ),
}


def test_each_guard_is_needed() -> None:
    assert GUARDED.keys() == {rule.written for rule in RULES if rule.holds or rule.domain}
    for rule in RULES:
        if rule.written not in GUARDED:
            continue
        text, inputs = GUARDED[rule.written]
        unguarded = replace(rule, domain="", holds=None)
        assert (fired(text, inputs, (rule,)), fired(text, inputs, (unguarded,))) == (
            [],
            [rule.written],
        )
        right, wrong = (value(text, inputs, rules) for rules in ((), (unguarded,)))
        assert not np.allclose(wrong, right, equal_nan=True), text


def test_what_is_declared_lets_a_rule_fire() -> None:
    x = np.full(40, 1e-3, np.float32)
    for text in ("log(prod(x))", "x: f32[B]\nlog(prod(x))"):
        assert lossdsl.compile(text)(x=x) == -np.inf
    for text in ("x: probs f32[B]\nlog(prod(x))", "x: f32[B] in (0, 1]\nlog(prod(x))"):
        np.testing.assert_allclose(lossdsl.compile(text)(x=x), 40 * np.log(1e-3), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "int32"])
def test_a_dtype_stays_what_it_was(dtype: str) -> None:
    for text in FIRES:
        kinds = [lossdsl.compile(text, stabilize=on) for on in (True, False)]
        given = {name: value if name == "m" else jnp.asarray(10 * value, dtype)
                 for name, value in GIVEN.items() if name in kinds[0].signature}  # fmt: skip
        mine, theirs = (jax.eval_shape(loss.fn, **given) for loss in kinds)
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape), text


def values(texts: Sequence[str], inputs: Mapping[str, Any]) -> list[list[Any]]:
    """Return what texts are worth, as they are compiled and as they are written."""

    def each(stabilize: bool) -> list[Any]:
        losses = [lossdsl.compile(text, stabilize=stabilize) for text in texts]
        return [loss(**{name: inputs[name] for name in loss.signature}) for loss in losses]

    return jax.jit(lambda: [each(True), each(False)])()


def of_shape(shape: tuple[int, ...], mask: bool = True) -> dict[str, Any]:
    """Return inputs of a shape."""
    return {"x": jnp.full(shape, 0.25), "y": jnp.full(shape, 0.5), "m": jnp.full(shape, mask)}


def test_shapes_at_their_edges() -> None:
    # A softmax has more than one class, and an index a second entry.
    texts = [text for text in FIRES if "[:, 1]" not in text and "softmax" not in text]
    for shape in ((1, 1), (2, 1)):
        for mine, theirs, text in zip(*values(texts, of_shape(shape)), texts, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6, err_msg=text)
    for mine, theirs, text in zip(*values(texts, of_shape((0, 3))), texts, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=text)


def test_what_a_mask_hides_reaches_nothing() -> None:
    dirty = np.where(M, X, np.nan)
    texts = [text for text in FIRES if "where=m" in text and "softmax" not in text]
    for text in texts:
        loss = lossdsl.compile(text)
        clean, hidden = (
            jax.value_and_grad(lambda x, loss=loss: loss(x=x, m=M))(jnp.asarray(x))
            for x in (X, dirty)
        )
        for one, other in zip(clean, hidden, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=text)
    for mine, theirs, text in zip(*values(texts, of_shape((2, 3), False)), texts, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=text)


def test_under_vmap_a_program_is_the_same() -> None:
    batch = jnp.stack([jnp.asarray(X), 2 * jnp.asarray(X)])
    for text in ("mean(log(softmax(x)))", "sqrt(mean(x**2) - mean(x)**2)", "sum(x*log(x))"):
        loss = lossdsl.compile(text)
        several = jax.vmap(jax.grad(lambda x, loss=loss: loss(x=x)))(batch)
        each = [jax.grad(lambda x, loss=loss: loss(x=x))(x) for x in batch]
        np.testing.assert_allclose(several, each, rtol=1e-6)


def test_what_is_shared_is_kept() -> None:
    text = "p = softmax(x)\nloss = sum(y*p) - mean(log(p)) + max(p)"
    x = np.array([[0.0, 300, 1], [2, 3, 4]], np.float32)
    value = lossdsl.compile(text)(x=x, y=Y)
    p = np.exp(np.float64(x) - np.float64(x).max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    logs = np.float64(x) - np.log(np.exp(np.float64(x)).sum(1, keepdims=True))
    np.testing.assert_allclose(value, (Y * p).sum() - logs.mean() + p.max(), rtol=1e-6)


def test_a_table_without_an_end_is_a_defect_of_ours() -> None:
    for rules in (
        (Rule("x + y", "y + x", "never", "it does not end"),),
        (Rule("x + y", "x + (y + 0)", "never", "it grows"),),
        (Rule("exp(x)", "exp(x) + exp(x)", "never", "it doubles"),),
    ):
        with pytest.raises(lossdsl.LossError) as caught:
            fired("mean(exp(x) + y)", GIVEN, rules)
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.code == "LD999"
        assert "rewrite rules that come to no end" in diagnostic.message


def test_a_rule_is_driven_to_the_end() -> None:
    assert len(fired("mean(log(square(square(square(x)))))", GIVEN)) == 3


def test_what_only_the_library_computes_is_as_it_was() -> None:
    assert fired("rmse(x, y) + norm(y)", GIVEN) == []


def test_the_text_is_computed_as_it_is_written_where_that_is_asked() -> None:
    text, x = "log(sum(exp(x)))", jnp.array([1000.0, 1.0])
    written, computed = lossdsl.compile(text, stabilize=False), lossdsl.compile(text)
    assert written is not computed
    assert (float(written(x=x)), float(computed(x=x))) == (np.inf, 1000)
    assert pickle.loads(pickle.dumps(written)) is written
    assert pickle.loads(pickle.dumps(computed)) is computed
    named = lossdsl.compile(f"loss a = {text}\nloss b = mean(x)", stabilize=False)
    assert (named["a"](x=x), named["a"].options.stabilize) == (np.inf, False)
    assert lossdsl.compile(text, debug=True)(x=x) == 1000
    with pytest.raises(lossdsl.LossError, match="LD504"):
        lossdsl.compile(text, debug=True, stabilize=False)(x=x)


def test_a_debug_build_says_what_it_said() -> None:
    x = jnp.array([0.5, 1000.0])
    for text in ("mean(log(softmax(x)))", "mean(log(1 + exp(x)))", "sqrt(sum(square(x - x)))"):
        value = lossdsl.compile(text)(x=x)
        np.testing.assert_array_equal(lossdsl.compile(text, debug=True)(x=x), value)
    with pytest.raises(lossdsl.LossError, match="`x` of `log` lies in"):
        lossdsl.compile("mean(log(1 + x))", debug=True)(x=-x)


@pytest.mark.parametrize("value", [None, 1, "yes", np.True_])
def test_a_setting_that_is_no_bool_is_refused(value: Any) -> None:
    with pytest.raises(lossdsl.LossError) as caught:
        lossdsl.compile("mean(x)", stabilize=value)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LD121"
    assert diagnostic.message.startswith("`stabilize` is `True` or `False`, not ")


def test_rules_are_told_without_a_call() -> None:
    for text, wanted in FIRES.items():
        types = {"x": "f32[2, 3]", "y": "f32[2, 3]", "m": "bool[2, 3]"}
        checked = lossdsl.check(text)
        given = {name: types[name] for name in checked.signature}
        core = lossdsl.check(text, inputs=given).program
        assert core is not None
        told = {rewrite.why for rewrite in rewrites(core)}
        assert told == {rule.why for rule in RULES if rule.written in wanted}, text
    tree = lossdsl.check("params: tree\nsqrt(sum(square(params)))").program
    assert tree is not None and rewrites(tree) == ()
