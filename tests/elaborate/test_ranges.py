"""Ranges that inputs are declared with: read, printed, and held at a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl

HEAD = "decay: float = 1e-3 in [0, 1)\nx: f32[B] in (-1, inf]\n\n"
LOSS = HEAD + "decay * mean(x)"


def test_a_range_is_printed_as_it_is_read() -> None:
    written = LOSS.replace(" in ", "  in").replace(", 1)", ",1 )").replace("1e-3", "0.001")
    assert lossdsl.format(written) == LOSS.replace("1e-3", "0.001") + "\n"
    assert lossdsl.check(LOSS).signature == {
        "decay": "float = 1e-3 in [0, 1)",
        "x": "f32[B] in (-1, inf]",
    }


def test_a_range_is_given_beside_the_text() -> None:
    found = lossdsl.check("mean(log(y))*x", inputs={"y": "f32[B] in [0, 1]", "x": "float"})
    assert [one.code for one in found.diagnostics] == ["LD420"]
    with pytest.raises(lossdsl.LossError, match="LD038"):
        lossdsl.compile("mean(y)", inputs={"y": "f32[B] in [1, 0]"})


# What a call passes for `decay`, and what is said of it.
PASSED: Sequence[tuple[Any, str | None]] = (
    (0, None),
    (0.5, None),
    (np.float64(0.25), None),
    (np.nan, None),
    (-1, "`decay` is declared to lie in [0, 1); the call passes -1"),
    (1, "the call passes 1"),
    (np.float32(2), "the call passes 2"),
    (np.array(7), "the call passes 7"),
)


@pytest.mark.parametrize(("number", "message"), PASSED)
def test_a_number_is_held_to_its_range(number: Any, message: str | None) -> None:
    loss, x = lossdsl.compile(LOSS), jnp.ones(2)
    for call in (loss, loss.with_terms):
        if message is None:
            call(x=x, decay=number)
            continue
        with pytest.raises(lossdsl.LossError) as raised:
            call(x=x, decay=number)
        (found,) = raised.value.diagnostics
        assert found.code == "LD503"
        assert message in found.message


@pytest.mark.parametrize("number", [0.1, 0.2, 0.7, 0.9, 1e-3, 1e-8, 3e38])
def test_an_end_is_rounded_as_the_number_is(number: float) -> None:
    ranges = (f"[0, {number}]", f"[{number}, inf)", f"[{number}, {number}]")
    for text in ranges:
        loss = lossdsl.compile(f"a: float = {number} in {text}\nx: f32[B]\n\na * mean(x)")
        for passed in ({}, {"a": number}, {"a": np.float32(number)}):
            loss(x=jnp.zeros(2), **passed)
    loss = lossdsl.compile(f"a: float in [0, {number})\nx: f32[B]\n\na * mean(x)")
    with pytest.raises(lossdsl.LossError, match="LD503"):
        loss(x=jnp.zeros(2), a=number)


def test_a_number_that_a_bound_reads_is_held_to_its_range() -> None:
    text = 'low: float in [0, 1]\nparams: tree\n\nsum(params["w"]) + bounds(params, w >= low)'
    loss, params = lossdsl.compile(text), {"w": jnp.ones(2)}
    assert loss.violations(params, low=1.0) == {}
    for call in (loss.project, loss.violations):
        with pytest.raises(lossdsl.LossError, match=r"`low` is declared to lie in \[0, 1\]"):
            call(params, low=2.0)


# What stands behind a type, and what is said of it.
WRONG: Sequence[tuple[str, str]] = (
    ("in 0, 1", "LD001.*unexpected `0` in a range; expected `\\(` or `\\["),
    ("in [a, b]", "LD001.*unexpected `a` in a range"),
    ("= 0.5 in [0; 1]", "LD001.*unexpected `;` in a range; expected `,`"),
    ("in [0, 1] = 0.5", "LD001.*a default behind the range"),
    ("in", "LD001.*the text ends|LD001.*in a range"),
    (">= 0", "LD010.*nothing to compare"),
)


@pytest.mark.parametrize(("written", "message"), WRONG)
def test_what_is_no_range(written: str, message: str) -> None:
    with pytest.raises(lossdsl.LossError, match=message) as raised:
        lossdsl.compile(f"a: float {written}\nloss = mean(a)")
    assert raised.value.diagnostics[0].help is not None


def test_a_range_of_whole_numbers_has_one() -> None:
    for empty in ("(0, 1)", "[0.2, 0.8]"):
        (found,) = lossdsl.check(f"n: i32[B] in {empty}\nloss = mean(1.0*n)").diagnostics
        assert found.code == "LD038"
    assert lossdsl.check("n: i32[B] in (0, 1]\nloss = mean(1.0*n)").ok


def test_what_is_traced_is_not_read() -> None:
    loss = lossdsl.compile(LOSS)
    value = jax.jit(lambda decay: loss(x=jnp.ones(2), decay=decay))(-1.0)
    assert value == -1


def test_a_debug_build_holds_arrays_to_their_range() -> None:
    loss = lossdsl.compile(LOSS, debug=True)
    loss(x=jnp.array([0.5, 100.0]))
    with pytest.raises(lossdsl.LossError, match=r"`x` lies in \(-1, inf\]; element \[1\] is -2"):
        loss(x=jnp.array([0.5, -2.0]))
