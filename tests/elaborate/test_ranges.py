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


def test_what_is_traced_is_not_read() -> None:
    loss = lossdsl.compile(LOSS)
    value = jax.jit(lambda decay: loss(x=jnp.ones(2), decay=decay))(-1.0)
    assert value == -1


def test_a_debug_build_holds_arrays_to_their_range() -> None:
    loss = lossdsl.compile(LOSS, debug=True)
    loss(x=jnp.array([0.5, 100.0]))
    with pytest.raises(lossdsl.LossError, match=r"`x` lies in \(-1, inf\]; element \[1\] is -2"):
        loss(x=jnp.array([0.5, -2.0]))
