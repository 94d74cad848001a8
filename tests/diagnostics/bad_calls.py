"""Wrong calls of compiled losses, each with its code and parts of its message and help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

MATRIX, VECTOR = jnp.ones((4, 3)), jnp.ones(4)
TYPES = {"out": "f32[B, C]", "tgt": "f32[B, C]"}
MSE = "mse(out, tgt)"


class State:
    """A variable of a framework as JAX sees it, such as one of brainstate: no array, no pytree."""

    def __init__(self, value: Any):
        self.value = value


@dataclass(frozen=True)
class Call:
    """A spec, what it is called with, and what is then found."""

    spec: str
    given: Mapping[str, Any]
    code: str
    message: str = ""
    help: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()


def typed(tgt: Any, code: str, message: str, help: str = "") -> Call:
    """Return a call whose `tgt` does not fit its declaration."""
    return Call(MSE, {"out": MATRIX, "tgt": tgt}, code, message, help, TYPES)


def of_tree(spec: str, params: Any, code: str, message: str, help: str = "") -> Call:
    """Return a call with one tree."""
    return Call(spec, {"params": params}, code, message, help)


CALLS = (
    Call(MSE, {"out": MATRIX}, "LD110", "`tgt` is missing", "loss(out=…, tgt=…)"),
    Call(MSE, {"out": MATRIX, "tgt": MATRIX, "tgtt": 1}, "LD111", "`tgtt`", "did you mean `tgt`?"),
    Call(MSE, {"out": MATRIX, "tgt": MATRIX, "x": 1}, "LD111", "`x`", "its inputs"),
    Call("mean(out)", {"out": MATRIX}, "LD111", "by position", "`loss(out=…)`", {}, (MATRIX,)),
    typed(MATRIX.astype(jnp.int32), "LD219", "the call passes i32[4, 3]", "astype"),
    typed(jnp.ones((4, 2)), "LD219", "is declared f32[B, C]; the call passes f32[4, 2]", "declare"),
    typed(VECTOR, "LD219", "the call passes f32[4]"),
    typed([MATRIX], "LD219", "the call passes a tree"),
    typed(None, "LD213", "`tgt` is None, not an array"),
    typed([[1.0, 2], [3, 4]], "LD219", "passes a list of numbers", "`jnp.asarray(tgt)`"),
    typed({"a": MATRIX, "b": 2}, "LD219", "the call passes a tree of `a`, `b`"),
    typed(jax.random.key(0), "LD219", "`tgt` is a key of random numbers", "jax.random.normal"),
    Call(MSE, {"out": MATRIX, "tgt": [1.0, 2]}, "LD203", "a list of numbers", "`jnp.asarray(tgt)`"),
    typed(State(MATRIX), "LD213", "`tgt` is a State, an object that holds", "`tgt.value`"),
    of_tree("l2sqr(params)", {"w": State(VECTOR)}, "LD213", "`params/w` is a State", "state.value"),
    of_tree("l2sqr(params)", {"l": State({"w": VECTOR})}, "LD213", "holds its array as `value`"),
    typed("abc", "LD213", "`tgt` is a str"),
    typed(MATRIX + 1j, "LD219", "no dtype of the language"),
    Call("s: float\nloss = s*1.0", {"s": VECTOR}, "LD219", "`s` is declared float"),
    Call(MSE, {"out": MATRIX, "tgt": VECTOR}, "LD201", "differ in shape"),
    Call(MSE, {"out": MATRIX, "tgt": 3}, "LD201", "differ in shape", "broadcast(tgt, like=out)"),
    Call(MSE, {"out": MATRIX, "tgt": MATRIX > 0}, "LD216", "`tgt` of `mse`"),
    Call(MSE, {"out": MATRIX, "tgt": None}, "LD213", "`tgt` is None, not an array"),
    Call(MSE, {"out": MATRIX, "tgt": [MATRIX]}, "LD203", "this is a tree"),
    Call("mean(a - b)", {"a": VECTOR, "b": VECTOR[:, None]}, "LD202", "grow", "squeeze(b, -1)"),
    Call("sum(a - b)", {"a": MATRIX, "b": VECTOR}, "LD201", "differ", ""),
    Call("a", {"a": VECTOR}, "LD210", "this is f32[4]", "`mean(a)`"),
    Call("sum(a)", {"a": jnp.arange(3)}, "LD215", "this is i32[]"),
    Call("cross_entropy(z, y)", {"z": MATRIX, "y": jnp.zeros((3,), int)}, "LD201", "`z` and `y`"),
    Call("sum(a - b)", {"a": {"x": VECTOR}, "b": {"y": VECTOR}}, "LD205", "structure"),
    Call("sum(a - b)", {"a": {"x": VECTOR}, "b": VECTOR}, "LD206", "a tree and an array"),
    Call("mean(x[7])", {"x": VECTOR}, "LD218", "index 7"),
    Call("mean(x[7])", {"x": [VECTOR]}, "LD301", "`x[7]` matches no leaf"),
    Call("mean(x.a)", {"x": VECTOR}, "LD217", "an array has no `.a`"),
    Call("mean(x.a)", {"x": {"b": VECTOR}}, "LD217", "`x` has no field `a`", "`b`",
         {"x": "{a: f32[B]}"}),
    Call("mean(x.a)", {"x": 3}, "LD217", "`x` has no field `a`", "", {"x": "{a: f32[B]}"}),
    of_tree("l2sqr(params)", {"w": VECTOR, "act": jnp.tanh}, "LD213", "`params/act`", "eqx.filter"),
    of_tree("l2sqr(params)", {"n": jnp.arange(3)}, "LD209", "no leaf", "floating"),
    of_tree("l2sqr(params)", {"n": jnp.ones(0)}, "LD209", "no leaf", "at least one element"),
    of_tree("l2sqr(params)", {"w": VECTOR, 1: VECTOR}, "LD213", "keys", "keys of one type"),
    of_tree("l2sqr(params['taus'])", {"tau": VECTOR}, "LD301", "`taus`", "close: `tau`"),
    of_tree("bounds(params, taus >= 0.1)", {"tau": VECTOR}, "LD301", "`taus`", "close: `tau`"),
    of_tree("bounds(params, tau >= 1, 'ta?' <= 0)", {"tau": VECTOR}, "LD302", "between", "swap"),
    of_tree("l2sqr(params)", {"a/b": VECTOR, "a": {"b": VECTOR}}, "LD304", "one path: `a/b`"),
    Call("bounds(params, tau >= low)", {"params": {"tau": VECTOR}, "low": jnp.ones(3)}, "LD303",
         "the bound of `tau`", "select the leaves"),
)  # fmt: skip
