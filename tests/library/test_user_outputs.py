"""Kernels with several outputs: what they may return, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import pytest
from user_functions import X, kernel, places, refused

import lossdsl
from lossdsl.types.types import ArrayType, RecordType, Type, array


class Outputs(NamedTuple):
    same: Any
    less: Any


def outputs(call: Any) -> Type:
    given: ArrayType = call.array("x")
    less = array(given.dtype, None if given.dims is None else given.dims[:-1])
    return RecordType((("same", given), ("less", less)))


def loss_of(made: Callable[[Any], Any]) -> lossdsl.CompiledLoss:
    split = kernel("split(x: float[*S]) -> tree", made, rule=outputs)
    text = "mean(split(x).same) + mean(split(x).less)"
    return lossdsl.compile(text, library=lossdsl.Library.of(split))


@pytest.mark.parametrize("several", [list, tuple, lambda parts: Outputs(*parts)])
def test_outputs_come_in_the_order_of_the_record(several: Any) -> None:
    assert loss_of(lambda x: several([x, x.sum(-1)]))(x=X) == X.mean() + X.sum(-1).mean()


WRONG = [
    (lambda x: {"same": x, "less": x.sum(-1)}, "returns a `dict`"),
    (lambda x: x, "returns f32[2, 3]"),
    (lambda x: None, "returns `None`"),
    (lambda x: (x,), "returns a `tuple` of length 1"),
    (lambda x: (x, x), "returns f32[2, 3]"),
    (lambda x: (x, jnp.sum(x, -1, dtype=jnp.float16)), "returns f16[2]"),
]


@pytest.mark.parametrize(("made", "message"), WRONG)
def test_other_outputs_than_the_rule_gives_are_said_at_the_call(made: Any, message: str) -> None:
    error = refused(lambda: loss_of(made)(x=X))
    assert (error.code, places(error)) == ("LD806", [("<loss>", "split(x)")])
    assert message in error.message
