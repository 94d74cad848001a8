"""Sizes that `jax.export` leaves open: one program for every batch, worth what a call is worth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from sharded_library import TEXTS, drawn

import lossdsl
from lossdsl.diagnostics.diagnostic import LossError

Shapes = dict[str, Any]
LABELS, MASK = "y", "m"


def rows(b: Any, t: Any) -> Shapes:
    return {"out": (b, 3), "tgt": (b, 3)}


# The inputs of each text by their shapes, of which `b` and `t` are left open.
SPECS: dict[str, Callable[[Any, Any], Shapes]] = {
    "mse(out, tgt)": rows,
    "out, tgt: float[B, C]\nsum(square(out - tgt))/(B*C) + log(B)": rows,
    "mse(out, tgt, where=m) + cross_entropy(out, y)": lambda b, t: {
        **rows(b, t),
        LABELS: (b,),
        MASK: (b,),
    },
    "mean(log(out), where=out > 0.1) + mean(reshape(out, (-1,))[2:])": lambda b, t: {"out": (b, 3)},
    "x: float[B, T]\nm: bool[B, T]\nmean(x[:, 1:] - x[:, :-1], where=m[:, 1:])": lambda b, t: {
        "x": (b, t),
        MASK: (b, t),
    },
    "z: float[B, K]\nx: float[N]\nmean(z*one_hot(argmax(z), K)) + (mean(x) if B > 6 else 0)": (
        lambda b, t: {"z": (b, 3), "x": (2 * b + 1,)}
    ),
    "info_nce(out, tgt) + vicreg_variance(out) + mean(std(tgt, axis=0))": rows,
    "def half(x: float[N, C]) -> float = sum(x)/(2*N)\nloss = half(out) + half(out[1:])": (
        lambda b, t: {"out": (b, 3)}
    ),
    "l2sqr(params) + sum(params)": lambda b, t: {"params": {"v": (4,), "w": (b, 3)}},
    "mean(diff(out, axis=0)) + mean(concatenate((out, tgt))[-1])": rows,
    "mean(pairwise_distance(out, tgt)) + mmd(out, tgt) + energy_distance(out, tgt)": rows,
}


def mapped(make: Callable[[str, tuple[Any, ...]], Any], shapes: Shapes) -> dict[str, Any]:
    """Return what is made of each shape and the name of its input."""
    return {
        name: {leaf: make(name, one) for leaf, one in of.items()}
        if isinstance(of, dict)
        else make(name, of)
        for name, of in shapes.items()
    }


def array_of(name: str, shape: tuple[int, ...]) -> jax.Array:
    random = np.random.default_rng(0)
    if name == LABELS:
        return jnp.asarray(random.integers(0, 3, shape), jnp.int32)
    values = random.normal(size=shape)
    return jnp.asarray(values > -0.5 if name == MASK else values.astype(np.float32))


def slope(loss: Any, inputs: dict[str, Any]) -> Any:
    """Return the value and the gradient of a loss."""
    moving = {name: one for name, one in inputs.items() if name not in (LABELS, MASK)}
    return jax.value_and_grad(lambda some: loss(**{**inputs, **some}))(moving)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.splitlines()[-1])
def test_an_exported_loss_is_worth_what_a_call_is(spec: str) -> None:
    loss, shapes = lossdsl.compile(spec), SPECS[spec]
    inputs = [mapped(array_of, shapes(*sizes)) for sizes in ((4, 5), (7, 2))]
    scope = export.SymbolicScope(["b >= 2"])
    b, t = (export.symbolic_shape(name, scope=scope)[0] for name in "bt")
    open_shapes = mapped(
        lambda name, shape: jax.ShapeDtypeStruct(shape, array_of(name, ()).dtype), shapes(b, t)
    )
    exported = export.export(jax.jit(partial(slope, loss)))(open_shapes)
    for given in inputs:
        pairs = zip(*map(jax.tree.leaves, (exported.call(given), slope(loss, given))), strict=True)
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "mean(x)",
        "mean(x, where=x > 0)",
        'mean(x, where=x > 0, normalize="all")',
        "sum(mean(x, axis=0))",
        "sum(mean(x, axis=0, where=x > 0))",
    ],
)
def test_exported_terms_count_what_a_call_does(text: str) -> None:
    loss = lossdsl.compile(text)

    def parts(x: Any) -> Any:
        value, terms = loss.with_terms(x=x)
        return value, terms.raw, terms.count

    shape = jax.ShapeDtypeStruct(export.symbolic_shape("b, t"), jnp.float32)
    x = jnp.arange(20.0).reshape(4, 5) - 7
    exported = export.export(jax.jit(parts))(shape).call(x)
    for ours, theirs in zip(*map(jax.tree.leaves, (exported, parts(x))), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


# What JAX itself cannot trace without the number of a size.
NEED_A_NUMBER = {"auc", "midrank", "recurrence", "reshape"}


def test_the_library_takes_a_batch_of_any_size() -> None:
    (b,) = export.symbolic_shape("b", constraints=["b >= 4"])
    refused: set[str] = set()
    asked = 0
    for name in sorted(lossdsl.BUILTINS):
        text = TEXTS.get(name, lossdsl.BUILTINS[name].about["example"].partition("\n")[0])
        inputs = drawn(name, text)
        shapes = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(
                tuple(b if size == 8 else size for size in leaf.shape), leaf.dtype
            ),
            inputs,
        )
        asked += any(b in leaf.shape for leaf in jax.tree.leaves(shapes))
        try:
            jax.eval_shape(lambda on, text=text: lossdsl.compile(text)(**on), shapes)
        except LossError as problem:
            refused |= {name, *(one.code for one in problem.diagnostics)}
    assert refused <= NEED_A_NUMBER | {"LD225"}
    assert asked > 200


@pytest.mark.parametrize(
    ("text", "shapes", "code", "message"),
    [
        ("mse(out, tgt)", {"out": "b, 3", "tgt": "c, 3"}, "LD201", "f32[c, 3]"),
        ("mean(reshape(x, (2, -1)))", {"x": "b"}, "LD225", "`reshape` depends on a size that"),
        ("x: f32[A + C]\nsum(x)/A", {"x": "b"}, "LD224", "nothing determines the size `A`"),
    ],
)
def test_what_is_refused_of_open_sizes(
    text: str, shapes: dict[str, str], code: str, message: str
) -> None:
    scope = export.SymbolicScope()
    given = {
        name: jax.ShapeDtypeStruct(export.symbolic_shape(shape, scope=scope), jnp.float32)
        for name, shape in shapes.items()
    }
    with pytest.raises(LossError) as raised:
        jax.eval_shape(lambda on: lossdsl.compile(text)(**on), given)
    assert [one.code for one in raised.value.diagnostics] == [code]
    assert message in str(raised.value)


def test_a_gradient_that_needs_a_number_says_so() -> None:
    (b,) = export.symbolic_shape("b")
    loss = lossdsl.compile("prod(p)")
    with pytest.raises(LossError, match="a gradient of the loss depends on a size"):
        jax.eval_shape(jax.grad(lambda p: loss(p=p)), jax.ShapeDtypeStruct((b,), jnp.float32))
