"""A batch in micro-batches: value, terms, metrics and gradient are those of the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from micro_batches import DECLARED, SPECS, WHOLE, part_of

import lossdsl
from lossdsl.training.parts import Parts

CUTS = (slice(0, 1), slice(1, 4), slice(4, 6))


def close(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def cuts_of(loss: lossdsl.CompiledLoss, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the inputs of a loss in micro-batches."""
    return [{name: part_of(batch, cut)[name] for name in loss.signature} for cut in CUTS]


def in_parts(text: str) -> str:
    return f"{DECLARED}loss = 0.5*({text}) as term\nmetric it = {text}"


def of_parts(text: str, batch: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return value and terms from parts, beside the inputs of one and another, and of the whole."""
    loss = lossdsl.compile(in_parts(text))
    given = cuts_of(loss, batch)
    total = sum(loss.parts(**part) for part in given)
    assert isinstance(total, Parts)
    whole = loss.with_terms(**{name: batch[name] for name in loss.signature})
    return loss.combine(total, **given[-1]), loss.combine(total, **given[0]), whole


def scaled(params: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs that depend on the parameters, all that are floating arrays."""
    return {
        name: jax.tree.map(lambda x: x * params["by"] + params["to"], value)
        if name in ("x", "y", "z", "states", "params", "v")
        else value
        for name, value in batch.items()
    }


def graded(text: str, batch: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return value, terms and gradient of a list of parts, of parts in one array, of the whole."""
    loss = lossdsl.compile(f"{DECLARED}loss = 0.5*({text}) as term + 0.1*mean(square(x)) as x")
    params = {"by": jnp.float32(0.7), "to": jnp.float32(0.1)}

    def inputs(params: Any, batch: Any) -> Any:
        return scaled(params, {name: batch[name] for name in loss.signature})

    parts = [part_of(batch, slice(at, at + 2)) for at in (0, 2, 4)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)
    listed = loss.accumulate(loss.objective(inputs))(params, cuts_of(loss, batch))
    whole = jax.value_and_grad(loss.objective(inputs), has_aux=True)(params, batch)
    return listed, loss.accumulate(inputs)(params, stacked), whole


@lru_cache
def together(of: Callable[[str, Any], tuple[Any, ...]], group: int) -> dict[str, tuple[Any, ...]]:
    """Return what is asked of some texts: many are one program, which costs less than each alone.

    The batch is an argument, so that XLA folds no part of it.
    """
    texts = list(SPECS)[group::GROUPS]
    return jax.jit(lambda batch: {text: of(text, batch) for text in texts})(WHOLE)


GROUPS = 4
GROUPED = [(text, at % GROUPS) for at, text in enumerate(SPECS)]


@pytest.mark.parametrize(("text", "group"), GROUPED, ids=SPECS)
def test_the_parts_make_the_whole(text: str, group: int) -> None:
    *found, whole = together(of_parts, group)[text]
    for each in found:
        close(each, whole)


def test_parts_are_arrays_that_go_in_and_out_of_programs() -> None:
    loss = lossdsl.compile(in_parts('mse(x, y, where=kept, weight=v, normalize="count")'))
    given = cuts_of(loss, WHOLE)
    whole = loss.with_terms(**{name: WHOLE[name] for name in loss.signature})
    total = sum(loss.parts(**part) for part in given)
    assert isinstance(total, Parts)
    close(loss.combine(total, **given[-1]), whole)
    close(jax.jit(lambda total, part: loss.combine(total, **part))(total, given[0]), whole)


@pytest.mark.parametrize(("text", "group"), GROUPED, ids=SPECS)
def test_the_gradient_is_that_of_the_whole(text: str, group: int) -> None:
    listed, stacked, whole = together(graded, group)[text]
    close(listed, whole)
    close(stacked, whole)


# The fault of October 2024: a mean over the tokens of each micro-batch, and a mean of these.

TOKENS = """
z: logits f32[B, T, V]
y: labels i32[B, T]
params: tree
loss = cross_entropy(z, y, ignore_index=-1) as fit + 1e-2*l2sqr(params) as decay
metric tokens = count(y >= 0)
metric right = mean(argmax(z, axis=V) == y, where=y >= 0)
metric perplexity = exp(cross_entropy(z, y, ignore_index=-1))
"""
RANDOM = np.random.default_rng(3)
TOKEN = RANDOM.integers(0, 5, size=(6, 7))
LABELS = np.where(np.arange(7) < np.array([7, 1, 2, 1, 6, 1])[:, None], TOKEN, -1).astype(np.int32)
BATCH = {"x": RANDOM.normal(size=(6, 7, 3)).astype(np.float32), "y": LABELS}
PARAMS = {"w": jnp.asarray(RANDOM.normal(size=(3, 5)).astype(np.float32))}


def language(params: Any, batch: Any) -> dict[str, Any]:
    return {"z": batch["x"] @ params["w"], "y": batch["y"]}


def cut(at: slice) -> dict[str, Any]:
    return {name: value[at] for name, value in BATCH.items()}


def test_tokens_are_counted_over_all_micro_batches() -> None:
    loss = lossdsl.compile(TOKENS)
    graded = jax.value_and_grad(loss.objective(language), has_aux=True)
    (value, terms), gradient = graded(PARAMS, BATCH)
    batches = [cut(slice(n, n + 1)) for n in range(6)]
    found = loss.accumulate(language)(PARAMS, batches)
    close(found, ((value, terms), gradient))
    assert terms.metrics["tokens"] == found[0][1].metrics["tokens"] == 18
    each = [graded(PARAMS, batch) for batch in batches]
    averaged = np.mean([float(value) for (value, _), _ in each])
    assert abs(averaged - float(value)) > 0.05
    slope = jnp.mean(jnp.stack([gradient["w"] for _, gradient in each]), axis=0)
    assert jnp.max(jnp.abs(slope - gradient["w"])) > 0.05


def test_a_micro_batch_without_a_token_adds_nothing() -> None:
    loss = lossdsl.compile(TOKENS)
    empty = {"x": BATCH["x"][:1], "y": np.full((1, 7), -1, np.int32)}
    expected = loss.accumulate(language)(PARAMS, [BATCH])
    close(loss.accumulate(language)(PARAMS, [empty, BATCH, empty]), expected)


def test_an_update_of_optax_is_that_of_the_whole() -> None:
    """Where all micro-batches weigh the same, `MultiSteps` averages what is already exact."""
    loss = lossdsl.compile(TOKENS)
    optimizer = optax.sgd(0.1)
    state = optimizer.init(PARAMS)
    stacked = jax.tree.map(lambda x: x.reshape(3, 2, *x.shape[1:]), BATCH)
    _, whole = jax.value_and_grad(loss.objective(language), has_aux=True)(PARAMS, BATCH)
    _, parts = loss.accumulate(language)(PARAMS, stacked)
    close(optimizer.update(parts, state)[0], optimizer.update(whole, state)[0])
    plain = lossdsl.compile("z: f32[B, T, V]\nmean(square(z))")
    graded = jax.grad(plain.objective(lambda p, b: {"z": b["x"] @ p["w"]}), has_aux=True)
    multi = optax.MultiSteps(optimizer, every_k_schedule=3)
    steps = multi.init(PARAMS)
    updates: Any = None
    for n in range(3):
        part = cut(slice(2 * n, 2 * n + 2))
        updates, steps = multi.update(graded(PARAMS, part)[0], steps, PARAMS)
    close(updates, optimizer.update(graded(PARAMS, BATCH)[0], state)[0])


def test_half_precision_is_summed_in_f32() -> None:
    loss = lossdsl.compile("x: float[B]\nsum(x)")
    step = loss.accumulate(lambda w, x: {"x": w * x})
    batches = jnp.concatenate([jnp.full((1, 1), 256.0), jnp.full((512, 1), 1.0)]).astype("bfloat16")
    _, gradient = step(jnp.ones((), jnp.bfloat16), batches)
    assert (gradient, gradient.dtype) == (768, jnp.bfloat16)


def dots(fn: Callable[..., Any], *arguments: Any) -> int:
    text = jax.jit(fn).lower(*arguments).compile().as_text()
    assert text is not None
    return sum(" dot(" in line or "__onednn$matmul" in line for line in text.splitlines())


def test_what_is_computed() -> None:
    """The model once to know the whole, and once with its gradient; not once more for the rest."""
    loss = lossdsl.compile("out, tgt: f32[B, K]\nparams: tree\nmse(out, tgt) + l2sqr(params)")
    params = [jnp.ones((4, 4)), jnp.ones((4, 4))]

    def inputs(params: Any, x: Any) -> Any:
        return {"out": jnp.tanh(x @ params[0]) @ params[1], "tgt": x}

    stacked = jnp.ones((3, 5, 4))
    both = dots(jax.grad(lambda p, x: loss.objective(inputs)(p, x)[0]), params, stacked[0])
    assert both == 5
    assert dots(loss.accumulate(inputs), params, stacked) == 2 + 5


MIXED = [
    ("std(x)", "the term `x` mixes examples"),
    ("mean(x) + max(x) as most", "the term `most` mixes examples"),
    ("loss = mean(x)\nmetric most = max(x)", "the metric `most` mixes examples"),
    ("loss = mean(x)\nmetric each = square(x)", "the metric `each` mixes examples"),
]


@pytest.mark.parametrize(("text", "message"), MIXED)
def test_what_mixes_examples_is_never_averaged(text: str, message: str) -> None:
    loss = lossdsl.compile(text)
    for call in (
        lambda: loss.parts(x=jnp.ones(3)),
        lambda: loss.accumulate(lambda w, x: {"x": w * x})(jnp.ones(()), jnp.ones((2, 3))),
    ):
        with pytest.raises(lossdsl.LossError, match=message) as raised:
            call()
        (found,) = raised.value.diagnostics
        assert found.code == "LD211"
        assert found.span is not None


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: lossdsl.compile("mean(x)").accumulate(3), "LD121"),  # type: ignore[arg-type]
    (
        lambda: lossdsl.compile("mean(x)").accumulate(lambda w, x: {"x": x})(jnp.ones(2), []),
        "LD121",
    ),
    (lambda: lossdsl.compile("mean(x)").accumulate(lambda w, x: x)(jnp.ones(2), [1.0]), "LD111"),
    (
        lambda: lossdsl.compile("loss a = mean(x)\nloss b = sum(x)").accumulate(
            lambda w, x: {"x": w * x}
        )(jnp.ones(2), [jnp.ones(2)]),
        "LD103",
    ),
    (lambda: lossdsl.compile("mean(x)").combine(3, x=jnp.ones(2)), "LD121"),  # type: ignore[arg-type]
    (
        lambda: lossdsl.compile("mean(x) + sum(x)").combine(
            lossdsl.compile("mean(x)").parts(x=jnp.ones(2)), x=jnp.ones(2)
        ),
        "LD121",
    ),
]


@pytest.mark.parametrize(("call", "code"), REFUSED)
def test_what_is_refused(call: Callable[[], Any], code: str) -> None:
    with pytest.raises(lossdsl.LossError, match=code):
        call()
