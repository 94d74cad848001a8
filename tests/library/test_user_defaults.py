"""Plain Python functions: defaults that the language has to say, and arguments left out."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import jax.numpy as jnp
import numpy as np

import lossdsl

Library = lossdsl.Library


class Level(IntEnum):
    HIGH = 2


class Mode(StrEnum):
    SUM = "sum"


def test_defaults_of_numpy_and_enumerations() -> None:
    two = np.float64(2.0)

    def f(x: Any, a: Any = two, b: Any = Level.HIGH, mode: Any = Mode.SUM) -> Any:
        return a * b * x

    mine = Library.of(f)
    assert mine["f"].texts[0] == 'f(x, a=2.0, b=2, mode: text = "sum")'
    assert lossdsl.compile("mean(f(x))", library=mine)(x=jnp.ones(3)) == 4


def test_arguments_that_are_left_out_before_variadic_ones() -> None:
    def f(a: Any, b: float = 2.0, *xs: Any) -> Any:
        return a * b + sum(xs)

    loss = lossdsl.compile("mean(f(x)) + mean(f(x, 1, x, x))", library=Library.of(f))
    assert loss(x=jnp.ones(3)) == 5
