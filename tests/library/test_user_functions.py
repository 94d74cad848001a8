"""Functions that users write in Python: primitives, plain functions, and what goes wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from user_functions import DECLARED, X, Y, kernel, places, refused

import lossdsl
from lossdsl.library.declare import Builtin
from lossdsl.types.types import UNKNOWN

Library = lossdsl.Library


# Primitives


def test_a_primitive_of_a_user() -> None:
    gap = kernel("gap(x: float[*S, K], k: static int = 1) -> float[*S]", lambda x, k: k * x.sum(-1))
    loss = lossdsl.compile("mean(gap(x, k=3), axis=B)", {"x": "f32[B, T]"}, Library.of(gap))
    np.testing.assert_allclose(loss(x=X), 3 * X.sum(-1).mean(), rtol=1e-6)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: lossdsl.primitive(),
        lambda: lossdsl.primitive(abs),  # type: ignore[arg-type]
        lambda: lossdsl.primitive("f(x: float) -> float", elemntwise=True),
        lambda: Library.of(kernel("f(x: float", abs)),
        lambda: Library.of(kernel("f(x: flaot) -> float", abs)),
        lambda: Library.of(kernel("f(x: float[*S])", abs)),
        lambda: Library.of(kernel("f(x: tree) -> tree", abs)),
        lambda: Library.of(
            lossdsl.primitive("f(x: int) -> int", "g(x: float) -> float")(lambda: abs)
        ),
        lambda: Library.of(kernel("f(x: float) -> float", abs, domain="x above 0")),
        lambda: Library.loads("## F.\n## domain: x above 0\ndef f(x) = x"),
        lambda: Library.of(kernel("f(x: float) -> float", abs, domain="y in (0, 1)")),
        lambda: Library.of(kernel("f(x: float) -> float", abs, partial={"q": 1})),
        lambda: Library.of(kernel("f(x: float) -> float", abs, keeps=("zz",))),
        lambda: Library.of(kernel("f(x: float) -> float", abs, scales=("zz",))),
        lambda: Library.of(kernel("f(x: float) -> float", abs, shifts=("zz",))),
        lambda: kernel("f(x: float) -> float", abs, partial=3),
        lambda: kernel("f(x: float) -> float", abs, partial={"x": "1"}),
        lambda: kernel("f(x: float) -> float", abs, keeps="x"),
        lambda: kernel("f(x: float) -> float", abs, sink="nope"),
        lambda: kernel("f(x: float) -> float", abs, across="zzz"),
        lambda: kernel("f(x: float) -> float", abs, combine=[]),
        lambda: kernel("f(x: float) -> float", abs, sink=[]),
        lambda: kernel("f(x: float) -> float", abs, rule=1),
        lambda: kernel("f(x: float) -> float", abs, elementwise="yes"),
    ],
)
def test_declarations_that_cannot_be_read(declare: Callable[[], Any]) -> None:
    found = refused(declare)
    assert found.code == "LD804"
    assert "`" in found.message


GAP = "gap(x: float[*S]) -> float[*S]"


def failing(x: Any) -> Any:
    raise KeyError("lost")


KERNELS = [
    (kernel(GAP, lambda: X), "LD805", "takes ()"),
    (kernel(GAP, lambda x, k: x), "LD805", "takes (x, k)"),
    (kernel("gap(x: float[*S], k: static int = 2) -> float[*S]", lambda x: x), "LD805", "k=…"),
    (kernel(GAP, 3), "LD805", "returns an `int`"),  # type: ignore[arg-type]
    (kernel(GAP, lambda x: x.sum()), "LD806", "returns f32[]"),
    (kernel(GAP, lambda x: x.astype(jnp.float16)), "LD806", "returns f16[2, 3]"),
    (kernel(GAP, lambda x: (x, x)), "LD806", "returns a `tuple`"),
    (kernel(GAP, lambda x: None), "LD806", "returns `None`"),
    (kernel("gap(x: float) -> float", lambda x: x[:1], elementwise=True), "LD806", "f32[1, 3]"),
    (kernel(GAP, failing), "LD807", "raised a `KeyError`: 'lost'"),
    (lossdsl.primitive(GAP)(lambda: failing(1)), "LD807", "raised a `KeyError`"),
    (kernel(GAP, lambda x: x if x.sum() > 0 else -x), "LD807", "TracerBoolConversionError"),
]


@pytest.mark.parametrize(("function", "code", "said"), KERNELS)
def test_what_is_wrong_with_a_kernel_is_said_at_its_call(
    function: Builtin, code: str, said: str
) -> None:
    mine = Library.of(function)
    loss = lossdsl.compile("1 + mean(gap(x))", library=mine)
    found = refused(lambda: loss(x=X))
    assert (found.code, places(found)) == (code, [("<loss>", "gap(x)")])
    assert "`gap`" in found.message
    assert said in found.message
    outer = mine | Library.loads("loss outer(x: float[*S]) -> float[*S] = 2*gap(x)", "mine.loss")
    masked = lossdsl.compile("outer(x, where=x > 0)", library=outer)
    found = refused(lambda: jax.grad(lambda x: masked(x=x))(X))
    assert places(found) == [("mine.loss", "gap(x)"), ("<loss>", "outer(x, where=x > 0)")]


RULES = [
    (lambda call: None, "LD806", "has a rule that returns `None`, not a type"),
    (lambda call: 3, "LD806", "returns an `int`"),
    (lambda call: UNKNOWN, "LD806", "leaves the type of a call open"),
    (lambda call: failing(call), "LD807", "has a rule that raised a `KeyError`: 'lost'"),
    (lambda: None, "LD807", "raised a `TypeError`"),
]


@pytest.mark.parametrize(("rule", "code", "said"), RULES)
def test_what_is_wrong_with_a_rule_is_said_at_its_call(
    rule: Callable[..., Any], code: str, said: str
) -> None:
    gap = kernel("gap(x: float[*S]) -> float", jnp.sum, rule=rule)
    found = refused(lambda: lossdsl.compile("gap(x)", library=Library.of(gap))(x=X))
    assert (found.code, places(found)) == (code, [("<loss>", "gap(x)")])
    assert said in found.message


@pytest.mark.parametrize("fact", ["axes", "sink"])
def test_what_a_fact_raises_is_a_finding(fact: str) -> None:
    gap = kernel("gap(x: float[*S]) -> float[*S]", lambda x: x, **{fact: failing})
    loss = lossdsl.compile("sum(gap(x), where=x > 0)", library=Library.of(gap))
    found = refused(lambda: loss(x=X))
    assert (found.code, f"a function for `{fact}` that raised" in found.message) == ("LD807", True)


def test_a_string_is_no_array_of_a_primitive_without_types() -> None:
    mine = Library.of(kernel("gap(x) -> float", jnp.sum), total=lambda *x: sum(x))
    assert refused(lambda: lossdsl.compile("gap('a')", library=mine)).code == "LD113"
    assert refused(lambda: lossdsl.compile("mean(total(x, 'a'))", library=mine)).code == "LD113"


def test_what_a_kernel_raises_is_said_with_its_file_and_line() -> None:
    found = refused(lambda: lossdsl.compile("mean(gap(x))", library=Library.of(KERNELS[9][0]))(x=X))
    (note,) = found.notes
    line = failing.__code__.co_firstlineno + 1
    assert note == f'at {__file__}:{line}, in `failing`: `raise KeyError("lost")`'


def test_a_loss_inside_a_kernel_says_what_is_wrong_with_it() -> None:
    inner = lossdsl.compile("mse(a, b)", {"a": "f32[2]", "b": "f32[2]"})
    mine = Library.of(kernel("gap(x: float[*S]) -> float", lambda x: inner(a=x, b=x)))
    assert refused(lambda: lossdsl.compile("gap(x)", library=mine)(x=X)).code == "LD219"


# Plain Python functions


def center(x: Any, c: Any, scale: float = 1.0, mode: str = "sum") -> Any:
    """Squared distance from the center."""
    d = (x - c) ** 2 * scale
    return d.sum(-1) if mode == "sum" else d.mean(-1)


def squares(tree: Any) -> Any:
    return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)) + 0 * tree["a"]["b"].sum()


PYTHON = Library.of(
    center,
    squares,
    half=lambda x: x[: x.shape[0] // 2],
    chosen=lambda *xs, at=0: xs[at],
    zero=lambda x: 0.0,
    total=lambda x, axes, times=2: jnp.sum(x, axes) * times,
    both=lambda pair: jnp.sum(pair["m"]) * pair["s"],
    jitted=jax.jit(lambda x: x + 1),
    dtype=lambda x: x,
)

# text, types of inputs, inputs, value
CALLS = [
    ("mean(center(x, y))", DECLARED, {"x": X, "y": Y}, (X**2).sum(-1).mean()),
    ("mean(center(x, y, mode='mean'), axis=B)", DECLARED, {"x": X, "y": Y}, (X**2).mean()),
    ("mean(center(x, y, 3))", DECLARED, {"x": X, "y": Y}, 3 * (X**2).sum(-1).mean()),
    ("mean(center(x, 0, scale=w))", {}, {"x": X, "w": 2.0}, 2 * (X**2).sum(-1).mean()),
    ("mean(center(x, 0, scale=none))", {}, {"x": X}, (X**2).sum(-1).mean()),
    ("squares(p) + squares({p})", {"p": "tree"}, {"p": {"a": {"b": X}, "c": [Y]}}, (X**2).sum()),
    ("sum(half(x), axis=all)", {}, {"x": X}, X[0].sum()),
    ("sum(chosen(x, y))", {}, {"x": X, "y": Y}, X.sum()),
    ("sum(chosen(x, 2.0*y, at=1))", {}, {"x": X, "y": Y + 1}, 12.0),
    ("zero(x)", {}, {"x": X}, 0.0),
    ("total(x, (0, 1))", {}, {"x": X}, 2 * X.sum()),
    ("total(x, (0, 1), times=T)", DECLARED | {"y": "f32"}, {"x": X, "y": 1.0}, 3 * X.sum()),
    ("both(r)", {"r": "{m: f32[B], s: f32}"}, {"r": {"m": X[0], "s": 2.0, "n": ""}}, 14.0),
    ("mean(jitted(x))", {}, {"x": Y}, 1.0),
]


@pytest.mark.parametrize(("text", "types", "inputs", "value"), CALLS)
def test_a_plain_function(text: str, types: Any, inputs: Any, value: Any) -> None:
    text = text.replace("'", '"').replace(" + squares({p})", "")
    loss = lossdsl.compile(text, types or None, PYTHON)
    np.testing.assert_allclose(loss(**inputs), value, rtol=1e-6)


def test_gradient_and_transformations_pass_through_a_plain_function() -> None:
    loss = lossdsl.compile("mean(center(x, y))", library=PYTHON)
    slope = jax.grad(lambda x: loss(x=x, y=Y))(X)
    np.testing.assert_allclose(slope, X, rtol=1e-6)
    mapped = jax.vmap(lambda x: loss(x=x, y=Y[0]))(X)
    np.testing.assert_allclose(mapped, (X**2).sum(-1), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32", "bool"])
def test_arrays_reach_a_plain_function_as_they_are(dtype: str) -> None:
    loss = lossdsl.compile("metric d = dtype(x)\nloss = mean(y)", library=PYTHON)
    _, terms = loss.with_terms(x=X.astype(dtype), y=Y)
    assert terms.metrics["d"].dtype == dtype


def checked(text: str, **types: str) -> lossdsl.check:  # type: ignore[valid-type]
    return lossdsl.check(text, types, PYTHON)


def test_types_are_found_with_a_symbol_for_every_size() -> None:
    assert checked("mean(center(x, y), axis=B)", **DECLARED).ok
    (found,) = checked("mean(center(x, y), axis=T)", **DECLARED).diagnostics
    assert found.code == "LD207"
    (found,) = checked("center(x, y)", **DECLARED).diagnostics
    assert "this is f32[B]" in found.message
    (found,) = checked("1 + mean(center(x, y))", x="f32[B, T]", y="f32[T, B]").diagnostics
    assert (found.code, places(found)) == ("LD807", [("<loss>", "center(x, y)")])
    assert "(B, T)" in found.message
    assert found.notes[0] == "with `x`: f32[B, T], `c`: f32[T, B]"
    assert checked("mean(half(x))", x="f32[B, T]").ok
    assert checked("mse(chosen(x, y), y)", **DECLARED).ok
    assert checked("mean(center(x, y))", x="float[B, T]", y="bf16[B, T]").ok


def test_what_cannot_be_told_waits_for_the_call() -> None:
    assert checked("mean(center(x, y), axis=0)").ok
    assert checked("mean(total(x, 0, times=B))", x="f32[B, T]").ok
    assert checked("squares(p)", p="tree").ok
    uneven = Library.of(pairs=lambda x: x.reshape(-1, 2).sum(-1))
    loss = lossdsl.compile("mean(pairs(x))", {"x": "f32[B]"}, uneven)
    assert loss(x=jnp.ones(4)) == 2
    assert refused(lambda: loss(x=jnp.ones(3))).code == "LD807"


FAILING = [
    (lambda x: {"a": x}, "LD806", "returns a `dict`, not an array"),
    (lambda x: None, "LD806", "returns `None`"),
    (lambda x: (x, x), "LD806", "returns a `tuple`"),
    (lambda x: x.astype(complex), "LD806", "an array of complex64, which no spec can hold"),
    (lambda x: "text", "LD806", "returns a `str`, not an array"),
    (lambda x: 2j, "LD806", "returns a `complex`, not an array"),
    (lambda x: [x], "LD806", "returns a `list`, not an array"),
    (lambda x: x @ x, "LD807", "raised a `TypeError`"),
    (failing, "LD807", "raised a `KeyError`: 'lost'"),
    (lambda x: x if x.sum() > 0 else -x, "LD807", "TracerBoolConversionError"),
]


@pytest.mark.parametrize(("function", "code", "said"), FAILING)
def test_what_a_plain_function_does_wrong(function: Any, code: str, said: str) -> None:
    mine = Library.of(f=function)
    (found,) = lossdsl.check("mean(f(x))", {"x": "f32[B, T]"}, mine).diagnostics
    assert (found.code, said in found.message) == (code, True)
    found = refused(lambda: lossdsl.compile("1 + mean(f(x))", library=mine)(x=X))
    assert (found.code, places(found)) == (code, [("<loss>", "f(x)")])
    assert said in found.message
    assert found.notes[0] == "with `x`: f32[2, 3]"
    if code == "LD807":
        assert f"at {__file__}:" in found.notes[1]


def test_arguments_of_a_plain_function() -> None:
    for text, code in [
        ("mean(center(x))", "LD104"),
        ("mean(center(x, y, 1, 'sum', 3))", "LD104"),
        ("mean(center(x, y, size=3))", "LD102"),
        ("mean(center(x, y, mode=3))", "LD113"),
    ]:
        (found,) = checked(text.replace("'", '"')).diagnostics
        assert (found.code, found.message.count("`center`")) == (code, 1)


def test_a_check_without_jax_leaves_a_plain_function_unknown() -> None:
    code = (
        "import sys, lossdsl\n"
        "mine = lossdsl.Library.of(f=lambda x: x @ x)\n"
        "assert lossdsl.check('mean(f(x))', {'x': 'f32[B, T]'}, mine).ok\n"
        "assert 'jax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plain_function_whose_parameters_cannot_be_told() -> None:
    assert refused(lambda: Library.of(range=range, of=dict)).code == "LD804"
    found = refused(lambda: Library.of(f=lambda x, nan: x))
    assert (found.code, places(found)) == ("LD804", [("<signature of f>", "nan")])


def test_defaults_and_parameters_in_the_language() -> None:
    def f(x: Any, /, y: Any = None, *rest: Any, flag: bool = True, low: float = -1.0, **more: Any):  # type: ignore[no-untyped-def]
        return x

    text = Library.of(f)["f"].texts[0]
    assert text == "f(x, y=none, *rest, flag=true, low=none)"
    loss = lossdsl.compile("mean(f(x, y, x, flag=false))", library=Library.of(f))
    assert loss(x=X, y=Y) == X.mean()


def test_numbers_trees_and_functions_by_name_reach_functions_of_users() -> None:
    square = kernel("sq(x: num) -> num", lambda x: x * x, elementwise=True)
    total = kernel("total(x: float[*S]) -> float", jnp.sum)
    mine = Library.of(square, total, twice=lambda x: 2 * x, host=lambda x: np.float32(3))
    params = {"a": jnp.ones(2), "b": {"c": 2 * jnp.ones((2, 2))}}
    for text, value in [
        ("sq(2.0)*mean(x)", 4.0),
        ("sq(2)*mean(x) + 0*sum(x)", 4.0),
        ("sum(sq(p))", 18.0),
        ("sum(map(total, p))", 10.0),
        ("sum(map(twice, p))", 20.0),
        ("host(x)*mean(x)", 3.0),
        ("bounds(p, c <= twice(0.5))", None),
    ]:
        loss = lossdsl.compile(text, {"p": "tree", "x": "f32[N]"}, mine)
        inputs = {name: {"p": params, "x": jnp.ones(3)}[name] for name in loss.signature}
        assert value is None or loss(**inputs) == value
    assert loss.violations(params) == {"b/c": 1.0}


def test_a_reduction_of_a_user_takes_masks_and_axes() -> None:
    def reduce(x: Any, where: Any = None, *, axis: Any = None, keepdims: bool = False) -> Any:
        return jnp.max(jnp.abs(x), axis=axis, keepdims=keepdims, where=where, initial=0.0)

    mine = Library.of(kernel("peak(x: float[*S]) -> float", reduce, reduction=True))
    loss = lossdsl.compile("mean(peak(x, axis=T, where=x < 4))", {"x": "f32[B, T]"}, mine)
    assert loss(x=X) == 2.5
