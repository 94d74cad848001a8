"""Texts that are meant to break something: deep, wide, exponential, and random ones."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import generate
import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import HEADER, INPUTS, RULES, programs

import lossdsl

T = TypeVar("T")

LINES = "\n".join


def below(frames: int, work: Callable[[], T]) -> T:
    return below(frames - 1, work) if frames else work()


# The largest legal programs of each kind, over an array x or a tree p.
DEEP = {
    "calls": "abs(" * 62 + "mean(x)" + ")" * 62,
    "losses": "mse(" * 61 + "mean(x)" + ", 1.0)" * 61,
    "options": "mse(x, x, weight=" * 62 + "x" + ")" * 62,
    "divisors": "mse(x, x, normalize=" * 61 + "mean(x)" + ")" * 61,
    "brackets": "(" * 63 + "mean(x)" + ")" * 63,
    "signs": "-" * 62 + "mean(x)",
    "conditionals": "mean(" + "(x if x > 0 else " * 60 + "x" + ")" * 61,
    "maps": "sum(map(square, " * 30 + "p" + "))" * 30,
    "paths": "mean(p" + ".a" * 61 + ")",
    "terms": "loss = " + " + ".join(f"{n}*mean(x + {n})" for n in range(1, 257)),
    "bindings": LINES(
        ["b0 = mean(x)", *(f"b{n + 1} = b{n} + 1" for n in range(190)), "loss = b190"]
    ),
    "definitions": LINES(
        ["def g0(x) = abs(x)", *(f"def g{n + 1}(x) = g{n}(x)" for n in range(40)), "loss = g40(s)"]
    ),
    "options of definitions": f"def f(x) = {'mse(x, x, weight=' * 46}x{')' * 46}\n"
    f"loss = {'mse(x, x, normalize=' * 46}f(x){')' * 46}",
    "shared calls": LINES(
        [
            "def g0(x) = x + x",
            *(f"def g{n + 1}(x) = g{n}(x) - g{n}(x)" for n in range(24)),
            "loss = mean(g24(x))",
        ]
    ),
    "shared integers": LINES(
        [
            "n: i8[3]",
            "x: f32[3]",
            "n0 = n",
            *(f"n{k + 1} = n{k} + n{k}" for k in range(40)),
            "metric m = sum(n40)",
            "metric f = mean(1.0*n40)",
            "loss = mean(x)",
        ]
    ),
}  # fmt: skip


def inputs(signature: Any) -> dict[str, Any]:
    tree: Any = jnp.ones(3)
    for _ in range(61):
        tree = {"a": tree}
    given = {"p": tree, "x": jnp.full(3, 0.5), "s": 0.5, "n": jnp.ones(3, jnp.int8)}
    return {name: given[name] for name in signature}


@pytest.mark.parametrize("name", DEEP)
def test_the_largest_programs_compile_from_a_deep_stack(name: str) -> None:
    result = below(500, lambda: lossdsl.check(DEEP[name]))
    assert result.ok, result.diagnostics
    loss = below(500, lambda: lossdsl.compile(DEEP[name]))
    given = inputs(loss.signature)
    shape = below(500, lambda: jax.eval_shape(lambda: loss(**given)))
    assert shape.shape == ()


# What would take for ever if calls were expanded wherever they stand.
ENDLESS = {
    "LD603": LINES(
        [
            "def g0(x) = x",
            *(f"def g{n + 1}(x) = g{n}(2*x) + g{n}(3*x)" for n in range(20)),
            "loss = mean(g20(x))",
        ]
    ),
    "LD608": LINES(
        ["def g0(x) = x", *(f"def g{n + 1}(x) = g{n}(x) + 1" for n in range(60)), "loss = g60(x)"]
    ),
    "LD610": "loss = mean(x)" + " + mean(x)" * 256,
}


@pytest.mark.parametrize("code", ENDLESS)
def test_programs_without_end_are_refused_soon(code: str) -> None:
    began = time.monotonic()
    found = lossdsl.check(ENDLESS[code]).diagnostics
    assert {one.code for one in found} == {code}
    assert time.monotonic() - began < 30


def ends_in_findings(text: str, declared: dict[str, str] | None = None) -> None:
    """Hold that a check ends in a result or in findings, none of which is a defect of lossdsl."""
    result = lossdsl.check(text, declared)
    assert result.ok == (result.program is not None)
    assert "LD999" not in {found.code for found in result.diagnostics}, result.diagnostics


@given(generate.commented())
def test_generated_programs(text: str) -> None:
    ends_in_findings(text)


@given(generate.mutated())
def test_mutated_texts(text: str) -> None:
    ends_in_findings(text)


TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|\*\*|[<>=!]=|[^\s\w]")
WORDS = sorted(
    {match[0] for rules in RULES.values() for rule in rules for match in TOKEN.finditer(rule)}
    | {*lossdsl.BUILTINS, "none", "'kernel'", "all", "B", "C", "0", "-1", "1e300", "nan", "..."}
    - set("{}")
)


@st.composite
def altered(draw: st.DrawFn) -> str:
    """Return a well-typed program in which a few words are replaced by others."""
    text = draw(programs(depth=2)).removeprefix(HEADER)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(TOKEN.finditer(text))))
        text = text[: place.start()] + draw(st.sampled_from(WORDS)) + text[place.end() :]
    return HEADER + text


# Any function of anything, with any options: few of these mean something.
# fmt: off
ATOMS = (
    "a", "b", "r", "c", "s", "y", "m", "params", "params.tau", "params['kernel']", "post",
    "post.mu", "half", "any", "leaves", "0", "-1", "2", "0.5", "true", "none", "inf", "nan",
    "'sum'", "'kernel'", "'ij,jk->ik'", "(0, 1)", "(B, -1)", "()", "(0.1, 0.9)", "B", "C", "all",
    "mse", "abs", "a[:, 0]", "a[..., None]", "params[0]", "a[y]", "any[0]", "post['mu']",
)
OPTIONS = (
    "axis", "where", "weight", "reduce", "normalize", "keepdims", "class_axis", "temperature",
    "smoothing", "class_weight", "ignore_index", "delta", "law", "scale", "at", "like", "k", "q",
)
# fmt: on
DECLARED = HEADER.replace("params: tree", "params: tree\n") + (
    "post: {mu: f32[B], logvar: f32[B]}\nhalf: bf16[B]\nany: any[...]\nleaves: tree[f32[C, ...]]\n"
)
WHOLES = (
    "loss = mean({})",
    "loss = {}",
    "loss = mse({}, a)",
    "loss = mean(a)\nmetric q = {}",
    "loss = bounds(params, tau >= {})",
    "loss = penalty({} <= 1)",
    "def f(x) = {}\nloss = mean(f(a))",
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    option = st.tuples(st.sampled_from(OPTIONS), inner).map("=".join)
    arguments = st.tuples(st.lists(inner, min_size=1, max_size=3), st.lists(option, max_size=2))
    operators = st.sampled_from(["+", "-", "*", "/", "**", "//", "@", "<", "==", "and"])
    return st.one_of(
        st.tuples(st.sampled_from(sorted(lossdsl.BUILTINS)), arguments).map(
            lambda call: f"{call[0]}({', '.join(call[1][0] + call[1][1])})"
        ),
        st.tuples(inner, operators, inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, inner, inner).map(lambda x: f"({x[0]} if {x[1]} else {x[2]})"),
    )


calls = st.tuples(
    st.sampled_from(WHOLES), st.recursive(st.sampled_from(ATOMS), _compound, max_leaves=6)
).map(lambda parts: DECLARED + parts[0].format(parts[1]))


@given(calls)
def test_any_function_of_anything(text: str) -> None:
    ends_in_findings(text)


@given(altered())
def test_altered_programs(text: str) -> None:
    ends_in_findings(text)


@settings(max_examples=30)
@given(altered())
def test_altered_programs_run_or_say_why(text: str) -> None:
    """Hold that what passes a check runs: only sizes can be wrong still."""
    if lossdsl.check(text).ok:
        found = problems_of_call(lossdsl.compile(text))
        assert not {"LD999"}.intersection(found), found


def problems_of_call(loss: lossdsl.CompiledLoss) -> tuple[str, ...]:
    given = {name: INPUTS[name] for name in loss.signature}
    try:
        jax.eval_shape(lambda given: loss(**given), given)
    except lossdsl.LossError as error:
        return error.codes
    return ()
