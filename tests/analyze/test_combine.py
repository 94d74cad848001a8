"""How a term combines over micro-batches, for every way in which a batch can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import pytest
import user_functions

import lossdsl
from lossdsl.core.graph import Combine, Core
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import elaborate
from lossdsl.library import follow
from lossdsl.lower.passed_values import concrete
from lossdsl.source import Source
from lossdsl.syntax.parse import parse_program
from lossdsl.types.types import ArrayType, RecordType, Type, array

BATCHES = """
x, y: f32[B, T]
z: f32[B, T, K]
labels: i32[B, T]
ids: i32[B]
kept: bool[B, T]
params: tree
states: tree[f32[B, ...]]
other: tree[f32[M, ...]]
out: {mu: f32[B, T], scale: f32}
aux: f32
v: f32[B]
each: f32[K]
table: f32[K, M]
beside: f32[B, B]
w: float = 1
"""
DEFINED = (
    "def average(v: float[N]) = share(sum(v), N)\ndef share(s: float, n: int) -> float = s/n\n"
)
COMBINES: dict[str, str] = {
    # no batch
    "1.0": "constant",
    "aux": "constant",
    "l2sqr(params)": "constant",
    "w*aux*l2(params)": "constant",
    "l2sqr(other)": "constant",
    "bounds(params, v >= 0)": "constant",
    "out.scale": "constant",
    "mean(each)": "constant",
    "mean(square(each))/K": "constant",
    # one reduction
    "mean(x)": "mean",
    "3*mean(x)/w": "mean",
    "sum(x)": "sum",
    "sum(x)/4": "sum",
    "sum(x)/T": "sum",
    "mean(x)/(K*T)": "mean",
    "mse(x, y, normalize=7)": "sum",
    "mse(x, y, normalize=w)": "sum",
    "-(2*sum(x)/w)": "sum",
    "mean(x)*l2sqr(params)": "mean",
    "sse(x, y)": "sum",
    "mse(x, y)": "mean",
    "mse(x, y, where=kept)": "mean",
    "mse(z, 2*z, where=kept)": "mean",
    "mse(x, y, weight=square(x), normalize='count')": "mean",
    "mean(out.mu)": "mean",
    "mean(states)": "mean",
    "mean(mean(x, axis=T))": "mean",
    "mean(max(x, axis=T))": "mean",
    "mean(x - mean(x, axis=T, keepdims=true))": "mean",
    "mean(std(x, axis=T))": "mean",
    "mean(sum(z, axis=(T, K)))": "mean",
    "cross_entropy(z, labels)": "mean",
    "mean(cross_entropy(transpose(z, (0, 2, 1)), labels, class_axis=1, reduce='none'))": "mean",
    "accuracy(z, labels)": "mean",
    "kl(softmax(z), softmax(2*z))": "mean",
    "cosine_distance(x, y)": "mean",
    "mean(softmax(z, axis=T))": "mean",
    "mean(logsumexp(z, axis=K))": "mean",
    "mean(cumsum(x, axis=T)*sort(y, axis=T))": "mean",
    "mean(argmax(z))": "mean",
    "mean(z[:, 0]*z[:, 1:, :][:, 0])": "mean",
    "mean(x[None, :, 1:] - x[None, :, :-1])": "mean",
    "mean(transpose(z, (2, 0, 1)))": "mean",
    "mean(reshape(z, (B, T*K)))": "mean",
    "mean(expand(x, 0))": "mean",
    "mean(x @ params.w)": "mean",
    "mean(transpose(params.w) @ transpose(x))": "mean",
    "mean(transpose(x)[0] @ params.u)": "whole",
    "mean(einsum('bt,bt->b', x, y))": "mean",
    "mean(take(params.w, ids))": "mean",
    "mean(one_hot(ids, 5))": "mean",
    "mean(concatenate(x, y, axis=1) @ params.d)": "mean",
    "mean(stack(x, y, axis=0))": "mean",
    "mean(x*where(kept, x, y))": "mean",
    "mean(z*each)": "mean",
    "mean(z*each[None, None, :])": "mean",
    "mean(z @ table)": "mean",
    "cross_entropy(z, labels, class_weight=each)": "mean",
    "mean(x*arange(T))": "mean",
    "mean(x/T)": "mean",
    "mean(x[:, :, None]*v[:, None, None])": "mean",
    # leaves of trees that hold several
    "mean({a: x, b: aux}.a)": "mean",
    "mean((2*{a: x, b: aux}).a)": "mean",
    "mean({a: softmax(x, axis=B), b: x}.b)": "mean",
    "mean({a: softmax(x, axis=B), b: x}.a)": "whole",
    "mean((2*{a: softmax(x, axis=B), b: x}).a)": "whole",
    "{a: mean(x), b: aux}.a": "function",
    "{a: mean(x), b: aux}.b": "constant",
    "{a: mean(x), b: x}.a": "function",
    "map(mean, {a: x, b: y}).a": "function",
    # a function of reductions
    "exp(mean(x))": "function",
    "sqrt(mse(x, y))": "function",
    "sum(x)/sum(y)": "function",
    "2/mean(x)": "function",
    "l2sqr(params) - mean(x)/2 if w > 0 else 1": "function",
    "mean(mean(x, axis=B))": "function",
    "mean(sum(mean(transpose(z, (2, 0, 1)), axis=0), axis=0))": "function",
    "max(mean(x, axis=B))": "function",
    "mean(x, axis=B) @ mean(y, axis=B)": "function",
    "penalty(mean(x) <= 0.2)": "function",
    "l2sqr(states)": "function",
    "2*(mean(x) + sum(y))": "function",
    # examples that cannot be split
    "mean(abs(v[:, None] - v[None, :]))": "whole",
    "mean(square(v[:, None] - v[None, :]))": "whole",
    "mean(v[:, None]*v)": "whole",
    "mean(pairwise_distance(x, y))": "whole",
    "mean(beside)": "whole",
    "mean(transpose(x) * arange(B))": "whole",
    "sum(x)/B": "whole",
    "sum(x)/-B": "whole",
    "sum(x)/(2*B)": "whole",
    "sum(x)/(B*T)": "whole",
    "(1/B)*sum(x)": "whole",
    "sum(x/sqrt(B))": "whole",
    "sum(x)*huber(out.scale, 0, delta=B)": "whole",
    "sum(z*(1, 2, 3, 4, B))": "whole",
    "average(v)": "whole",
    "max(x)": "whole",
    "std(x)": "whole",
    "norm(x)": "whole",
    "max(mean(x, axis=T))": "whole",
    "mean(x - mean(x))": "whole",
    "mean(square(x - mean(x, axis=B, keepdims=true)))": "whole",
    "mean(std(x, axis=B))": "whole",
    "mean(softmax(x, axis=B))": "whole",
    "mean(cumsum(x, axis=B))": "whole",
    "mean(z[0])": "whole",
    "mean(x[1:] - x[:-1])": "whole",
    "mean(x @ transpose(y))": "whole",
    "mean(concatenate(x, y, axis=0))": "whole",
    "mean(reshape(x, (T, B)))": "whole",
    "mean(huber(x, y, delta=mean(x), reduce='none'))": "whole",
}


def checked(text: str, inputs: Mapping[str, Any]) -> Core:
    """Return the core of a spec for inputs of these sizes."""
    program, _ = parse_program(Source(text))
    assert program is not None
    declared = elaborate(program, lossdsl.BUILTINS).declared
    types: dict[str, Any] = {}
    for name, value in inputs.items():
        type = declared[name].type if name in declared else None
        types[name] = concrete(value, type, name, 100)[0]
    done = elaborate(program, lossdsl.BUILTINS, passed=Passed(types, "f32"))
    assert done.core is not None, [one.message for one in done.diagnostics]
    return done.core


def combine_of(core: Core) -> Combine:
    (term,) = core.results[0].terms
    return term.combine


@pytest.mark.parametrize(("text", "kind"), COMBINES.items(), ids=COMBINES)
def test_how_a_term_combines_over_micro_batches(text: str, kind: str) -> None:
    x = jnp.ones((4, 6))
    inputs = {
        "x": x,
        "y": x,
        "z": jnp.ones((4, 6, 5)),
        "labels": jnp.zeros((4, 6), int),
        "ids": jnp.zeros(4, int),
        "kept": x > 0,
        "params": {"w": jnp.ones((6, 3)), "v": x, "u": x, "d": jnp.ones((12, 2))},
        "states": [x, jnp.ones((4, 2, 2))],
        "other": [jnp.ones((7, 2))],
        "out": {"mu": x, "scale": jnp.float32(1)},
        "aux": jnp.float32(1),
        "v": jnp.ones(4),
        "each": jnp.ones(5),
        "table": jnp.ones((5, 7)),
        "beside": jnp.ones((4, 4)),
        "w": jnp.float32(1),
    }
    assert combine_of(checked(f"{BATCHES}{DEFINED}loss = {text}", inputs)).kind == kind


# Where it is less clear which inputs are batches: declarations (none: only sizes are known), the
# shapes given, and how texts combine.
ROWS = {"x": (4, 6), "y": (6,)}
LATE = {"x": (4, 6), "y": (6, 4)}
PAIR = {"x": (4,), "y": (7,)}
OTHERS: list[tuple[str, Mapping[str, tuple[int, ...]], dict[str, str]]] = [
    (
        "x: f32[B, T]\ny: f32[T, B]\n",
        LATE,
        {
            "mean(x*transpose(y))": "whole",
            "mean(x*mean(y, axis=1)[None, :])": "whole",
            "mean(x @ y)": "whole",
            "mean(x)": "mean",
        },
    ),
    ("", LATE, {"mean(x*transpose(y))": "whole", "mean(x)*mean(y)": "function"}),
    (
        "x: f32[B]\ny: f32[M]\n",
        PAIR,
        {"mean(abs(x[:, None] - y[None, :]))": "whole", "mean(x)*mean(y)": "function"},
    ),
    ("x: f32[B, K]\ny: f32[K]\n", ROWS, {"mean(x*y)": "mean", "mean(x)*sum(y)": "mean"}),
    ("y: f32[K]\nx: f32[B, K]\n", ROWS, {"mean(y*x)": "mean", "sum(y)": "constant"}),
    ("x: f32[B, _]\ny: f32[_]\n", ROWS, {"mean(x*y)": "mean"}),
    ("", ROWS, {"mean(x*y)": "mean", "l2sqr(y)*mean(x)": "mean"}),
    ("", {"x": (4, 4)}, {"mse(x, x)": "mean"}),
]


@pytest.mark.parametrize(
    ("types", "shapes", "text", "kind"),
    [
        (types, shapes, text, kind)
        for types, shapes, found in OTHERS
        for text, kind in found.items()
    ],
)
def test_which_inputs_are_batches(
    types: str, shapes: Mapping[str, tuple[int, ...]], text: str, kind: str
) -> None:
    inputs = {name: jnp.ones(shape) for name, shape in shapes.items()}
    assert combine_of(checked(f"{types}loss = {text}", inputs)).kind == kind


def test_a_caller_names_the_batch_and_terms_say_how_they_combine() -> None:
    text = "loss = mean(a) + mean(b) + std(a) as s\nmetric m = sum(a)"
    loss = lossdsl.compile(text, batch=("a",))
    _, terms = jax.jit(lambda **inputs: loss.with_terms(**inputs))(a=jnp.ones(2), b=jnp.ones(3))
    assert terms.combine == {"a": "mean", "b": "constant", "s": "whole", "m": "sum"}
    with pytest.raises(lossdsl.LossError, match="`batch` names `z`"):
        lossdsl.compile("mean(a)", batch=("z",))


def test_a_long_chain_of_factors_needs_no_stack() -> None:
    limits = lossdsl.Limits(chain=5_000, nodes=20_000, nodes_warning=20_000)
    text = "x: f32[B]\nw: f32\nmean(x)" + "/w" * 2_500
    assert not lossdsl.check(text, limits=limits).diagnostics


def outputs(call: Any) -> Type:
    given: ArrayType = call.array("x")
    last = array(given.dtype, None if given.dims is None else given.dims[:-1])
    return RecordType((("same", given), ("less", RecordType((("last", last),)))))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mean({}(x).same)", "mean"),
        ("mean({}(x).less.last)", "mean"),
        ("sum({}(x).less.last)", "sum"),
        ("mean({}({}(x).same).less.last)", "mean"),
        ("mean({{a: {}(x).same}}.a)", "mean"),
        ("mean({}(transpose(x)).same)", "mean"),
        ("mean({}(transpose(x)).less.last)", "whole"),
    ],
)
def test_outputs_of_one_function_combine_as_its_facts_say(text: str, kind: str) -> None:
    signature = "(x: float[*S]) -> tree"
    mine = lossdsl.Library.of(
        user_functions.kernel(f"told{signature}", split, rule=outputs, axes=follow.same),
        user_functions.kernel(f"bare{signature}", split, rule=outputs),
    )
    for name, wanted in (("told", kind), ("bare", "whole")):
        written = text.replace("{}", name).replace("{{", "{").replace("}}", "}")
        loss = lossdsl.compile(f"x: f32[B, T]\nloss = {written} as t", library=mine)
        _, terms = loss.with_terms(x=jnp.ones((4, 6)))
        assert terms.combine == {"t": wanted}


def split(x: Any) -> list[Any]:
    return [x, x.sum(-1)]
