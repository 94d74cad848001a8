"""Every number that a function takes as an option has a domain, and constants are held to it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import jax.numpy as jnp
import pytest

import lossdsl
from lossdsl.diagnostics.diagnostic import LossWarning
from lossdsl.library.declare import Builtin, builtins
from lossdsl.syntax import ast
from lossdsl.syntax.options import LOSS_OPTIONS

LIBRARY = builtins()
INPUTS = {"x": jnp.ones(1000), "y": jnp.zeros(1000, jnp.int32)}


def _is_count(parameter: ast.Parameter) -> bool:
    match parameter.plain_type:
        case ast.WordTypeExpr("shape") | ast.WordTypeExpr("static", ("int" | "float" | "num",)):
            # An axis is held to the rank of what it is an axis of.
            return parameter.name != "axis"
        case _:
            return False


def _is_option(function: Builtin, parameter: ast.Parameter) -> bool:
    """Say whether a parameter is one number: what an element of an array is, is no option."""
    type = parameter.plain_type
    if isinstance(type, ast.UnionTypeExpr):
        type = type.options[-1]
    number = isinstance(type, ast.ArrayTypeExpr) and not type.dims and type.dtype != "bool"
    data = function.elementwise and parameter.default is None
    return number and not data and not parameter.variadic and parameter.name != "step"


def numbers(function: Builtin) -> Iterator[str]:
    for signature in function.signatures:
        for one in signature.parameters:
            named = one.name not in LOSS_OPTIONS
            if named and (_is_count(one) or _is_option(function, one)):
                yield one.name


def test_every_number_that_is_an_option_has_a_domain() -> None:
    missing = {
        f"{name}({parameter})"
        for name in LIBRARY
        for parameter in numbers(LIBRARY[name])
        if parameter not in {**LIBRARY[name].domains, **LIBRARY[name].positions}
    }
    assert missing == set()


GROWING = "x: f32[4]\n" + "".join(
    f"a{n} = stack({', '.join([f'a{n - 1}' if n else 'x'] * 8)})\n" for n in range(6)
)


def test_a_value_that_no_machine_holds_is_refused_by_its_shape() -> None:
    small = lossdsl.Limits(array_bytes=2**16)
    found = lossdsl.check(f"{GROWING}loss = mean(a5)", limits=small).diagnostics
    assert [one.code for one in found] == ["LD614"]
    assert found[0].message == "a value of 512 KiB; at most 64 KiB"
    assert found[0].span is not None
    assert found[0].span.text.startswith("stack(a3")
    # What nothing reads is not made.
    assert lossdsl.check(f"{GROWING}loss = mean(a3)", limits=small).ok


@pytest.mark.parametrize(
    "text",
    [
        "mean(square(x[:, None] - x[None, :]))",
        "mean(one_hot(y, 4096))",
        "mean(x[:8, None]*arange(10000))",
        "loss = mean(x)\nmetric all = x[:, None]*x[None, :]",
        "sum(x[:, None] @ x[None, :])",
    ],
)
def test_the_sizes_of_a_call_are_held_to_the_limit(text: str) -> None:
    small = lossdsl.Limits(array_bytes=2**16)
    loss = lossdsl.compile(text, limits=small)
    with pytest.raises(lossdsl.LossError, match="LD614"):
        loss(**{name: INPUTS[name] for name in loss.signature})


def test_a_value_that_grew_large_is_warned_of_once() -> None:
    text = "mean(square(x[:, None] - x[None, :]))"
    limits = lossdsl.Limits(array_bytes_warning=2**16)
    loss = lossdsl.compile(text, limits=limits)
    with pytest.warns(LossWarning, match="LD615"):
        loss(x=INPUTS["x"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(x=INPUTS["x"][:-1])
        # A value as large as an input is none that grew.
        lossdsl.compile("mean(square(x))", limits=lossdsl.Limits(array_bytes_warning=64))(
            x=INPUTS["x"]
        )
    checked = lossdsl.check(text, {"x": "f32[1000]"}, limits=limits)
    assert [one.code for one in checked.diagnostics] == ["LD615"]


@pytest.mark.parametrize(
    "text",
    [
        "mean(softmax(z, temperature=nan))",
        "huber(z, z, delta=nan)",
        "bounds(p, a >= 5, scale=nan)",
        "triplet(z, z, z, margin=nan)",
        "mmd(z, z, bandwidths=(0.5, nan))",
        "linear_schedule(step, nan, 1, 100)*mean(z)",
    ],
)
def test_a_literal_nan_is_in_no_domain(text: str) -> None:
    types = {"z": "f32[B, C]", "p": "tree", "step": "i32"}
    found = [one.code for one in lossdsl.check(text, types).diagnostics]
    assert found == ["LD503"], found
