"""The program that XLA gets from a spec is byte for byte that of the same loss written in JAX.

It is told without the programs that `jax.numpy` makes of some of its functions, which XLA inlines.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from programs import unnested

import lossdsl

OUT, TGT = jnp.ones((4, 3)), jnp.zeros((4, 3))
Y = jnp.zeros(4, jnp.int32)
IMAGES, MAPS = jnp.ones((2, 5, 4)), jnp.zeros((2, 4), jnp.int32)
PARAMS = {
    "encoder": {"kernel": jnp.ones((3, 4)), "bias": jnp.ones(4)},
    "decoder": {"kernel": jnp.ones((4, 2)), "bias": jnp.ones(2)},
}
INPUTS: dict[str, Any] = {
    "out": OUT,
    "tgt": TGT,
    "y": Y,
    "images": IMAGES,
    "maps": MAPS,
    "params": PARAMS,
    "decay": jnp.float32(1e-3),
    "half": OUT.astype(jnp.bfloat16),
}


@jax.custom_jvp
def magnitude(x: jax.Array) -> jax.Array:
    """The absolute value with gradient 0 at 0, which is what `abs` is in the language."""
    return jnp.abs(x)


@magnitude.defjvp
def _(primals: Any, tangents: Any) -> Any:
    return magnitude(*primals), tangents[0] * jnp.sign(primals[0])


def huber(out: Any, tgt: Any) -> Any:
    error = out - tgt
    size = magnitude(error)
    return jnp.mean(jnp.where(size <= 1.0, 0.5 * jnp.square(error), 1.0 * (size - 0.5)))


# The product that is 0 where a weight of 0 meets an infinity, with a derivative of its own.
weigh = lossdsl.BUILTINS["weigh"].kernel
# The log-softmax at a label, which has one too.
pick = lossdsl.BUILTINS["pick_log_softmax"].kernel


def l2sqr(params: Any) -> Any:
    means = [jnp.mean(jnp.square(leaf)) for leaf in jax.tree.leaves(params)]
    return reduce(operator.add, means) / len(means)


def mse(out: Any, tgt: Any) -> Any:
    return jnp.mean(jnp.square(out - tgt))


def shared(out: Any, tgt: Any) -> Any:
    log_p = jax.nn.log_softmax(out)
    return -jnp.mean(tgt * log_p) + 0.1 * jnp.mean(jnp.exp(log_p) * log_p)


DECLARED = "out, tgt: float[B, C]\nparams: tree\n"
PAIRS: dict[str, Callable[..., Any]] = {
    "mse(out, tgt)": mse,
    "sse(out, tgt)": lambda out, tgt: jnp.sum(jnp.square(out - tgt)),
    "huber(out, tgt)": huber,
    "mae(out, tgt)": lambda out, tgt: jnp.mean(magnitude(out - tgt)),
    "cross_entropy(out, y)": lambda out, y: jnp.mean(-pick(out, y)),
    "cross_entropy(images, maps, class_axis=1)": lambda images, maps: jnp.mean(
        -pick(images, maps, axis=1)
    ),
    "binary_cross_entropy(out, tgt)": lambda out, tgt: jnp.mean(
        -(weigh(tgt, jax.nn.log_sigmoid(out)) + weigh(1 - tgt, jax.nn.log_sigmoid(-out)))
    ),
    "l2sqr(params)": l2sqr,
    "l2sqr(params['kernel'])": lambda params: l2sqr(
        [params["decoder"]["kernel"], params["encoder"]["kernel"]]
    ),
    "sum_squares(params)": lambda params: reduce(
        operator.add, [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(params)]
    ),
    "mse(out, tgt) + 1e-3*l2sqr(params)": lambda out, tgt, params: (
        mse(out, tgt) + 1e-3 * l2sqr(params)
    ),
    DECLARED + "decay: float = 1e-3\nmse(out, tgt) + decay*l2sqr(params)": (
        lambda out, tgt, params, decay: mse(out, tgt) + decay * l2sqr(params)
    ),
    "loss fit = mse(out, tgt)\nloss size = l2sqr(params)": lambda out, tgt, params: {
        "fit": mse(out, tgt),
        "size": l2sqr(params),
    },
    "p = log_softmax(out)\nloss = -mean(tgt*p) + 0.1*mean(exp(p)*p)": shared,
    "-mean(out) - 2*mean(tgt)/3": lambda out, tgt: -jnp.mean(out) - 2 * jnp.mean(tgt) / 3,
    "mean(out**2)": lambda out: jnp.mean(out**2),
    "mean(out, axis=0)@mean(tgt, axis=0)": lambda out, tgt: (
        jnp.mean(out, axis=0) @ jnp.mean(tgt, axis=0)
    ),
    "mean(tanh(out[:, 0])*out[:, 1])": lambda out: jnp.mean(jnp.tanh(out[:, 0]) * out[:, 1]),
    "mean(where(out > tgt, out, tgt))": lambda out, tgt: jnp.mean(jnp.where(out > tgt, out, tgt)),
    "mse(half, half + 1)": lambda half: jnp.mean(
        jnp.square(half.astype(jnp.float32) - (half + 1).astype(jnp.float32))
    ),
}


def program(text: str) -> str:
    """Return the text of a program without where its operations come from."""
    text = re.sub(r"\nFileNames\n.*?\n\n\n", "\n", text, flags=re.DOTALL)
    text = re.sub(r", metadata=\{[^}]*\}", "", text)
    return re.sub(r" ?loc\(.*?\)$|^#loc.*\n", "", text, flags=re.MULTILINE)


def texts(fn: Callable[..., Any], inputs: dict[str, Any]) -> list[str]:
    """Return what is lowered and what is compiled, for the value and for value and gradient."""
    moving = {
        name: value
        for name, value in inputs.items()
        if all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(value))
    }
    still = {name: value for name, value in inputs.items() if name not in moving}

    def total(given: dict[str, Any]) -> Any:
        return reduce(operator.add, jax.tree.leaves(fn(**given, **still)))

    stages = [fn.lower(**inputs), jax.jit(jax.value_and_grad(total)).lower(moving)]
    return [program(text) for one in stages for text in (one.as_text(), one.compile().as_text())]


@pytest.mark.parametrize("spec", PAIRS, ids=lambda spec: spec.splitlines()[-1])
def test_a_spec_is_the_program_written_by_hand(spec: str) -> None:
    loss = lossdsl.compile(spec)
    inputs = {name: INPUTS[name] for name in loss.signature}
    by_hand = unnested(PAIRS[spec])
    by_hand.__name__ = "loss"  # a program holds the name of what was jitted
    hand = jax.jit(by_hand)
    for ours, theirs in zip(texts(loss.fn, inputs), texts(hand, inputs), strict=True):
        assert ours == theirs
