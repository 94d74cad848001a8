"""The laws of surrogate gradients that the tests of spikes share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lossdsl.learning.surrogate import (
    Surrogate,
    arctan,
    boxcar,
    gaussian,
    multi_gaussian,
    polynomial,
    rectangular,
    sigmoid,
    single_exponential,
    slayer_pdf,
    straight_through,
    superspike,
    triangle,
)

FACTORIES: dict[str, Callable[..., Surrogate]] = {
    one.__name__: one
    for one in (
        superspike,
        sigmoid,
        gaussian,
        polynomial,
        rectangular,
        multi_gaussian,
        single_exponential,
        slayer_pdf,
        arctan,
        triangle,
        boxcar,
        straight_through,
    )
}

# Each law with its defaults and with other parameters.
LAWS = [
    *(one() for one in FACTORIES.values()),
    superspike(2.5),
    sigmoid(0.7),
    gaussian(0.3),
    polynomial(3),
    rectangular(2.5),
    multi_gaussian(0.4, 3, 0.3),
    single_exponential(0.3, 2, 1.5),
    slayer_pdf(3, 0.5),
    slayer_pdf(2, 3, convention="alpha_beta"),
    arctan(0.7),
    triangle(0.3, 1.5),
    boxcar(2, 0.7),
]
each_law = pytest.mark.parametrize("law", LAWS, ids=repr)


def kinks(law: Surrogate) -> list[float]:
    """Where the derivative jumps or bends."""
    given = dict(law.parameters)
    alpha, width = given.get("alpha", 1), given.get("width", 1)
    at = {
        "rectangular": alpha / 2,
        "polynomial": 2 / np.sqrt(alpha),
        "triangle": width,
        "boxcar": width / 2,
    }.get(law.name)
    return [0.0] if at is None else [-at, 0.0, at]


# A law's numbers are arguments of what is computed, so that the laws of one kind are one program.


def kind_of(law: Surrogate) -> Surrogate:
    """Return a law without its numbers, which is static under `jit`."""
    return replace(law, parameters=tuple((name, None) for name, _ in law.parameters))


def numbers_of(law: Surrogate) -> list[float]:
    return [float(number) for _, number in law.parameters]


def law_of(kind: Surrogate, numbers: Sequence[Any], *, smooth: bool) -> Surrogate:
    names = [name for name, _ in kind.parameters]
    return replace(kind, parameters=tuple(zip(names, numbers, strict=True)), smooth=smooth)


# Else XLA holds what lies between two operations in more than bfloat16, where nothing is rounded.
as_eager = partial(jax.jit, compiler_options={"xla_allow_excess_precision": False})


@dataclass(frozen=True)
class Jet:
    """A law at each element: its value, its derivatives by reverse and forward mode, its second."""

    value: np.ndarray
    reverse: np.ndarray
    forward: np.ndarray
    second: np.ndarray


SIZE = 1024


@partial(as_eager, static_argnums=0)
def _jets(kind: Surrogate, numbers: list[Any], x: jax.Array) -> list[tuple[Any, ...]]:
    """Compute the jets of the step and of the smooth one."""
    jets: list[tuple[Any, ...]] = []
    for smooth in (False, True):
        law = law_of(kind, numbers, smooth=smooth)

        def slope(x: Any, law: Surrogate = law) -> tuple[Any, Any]:
            value, pull = jax.vjp(law, x)
            return pull(jnp.ones_like(value))[0], value

        reverse, pull, value = jax.vjp(slope, x, has_aux=True)
        jets.append((value, reverse, law.derivative(x), pull(jnp.ones_like(reverse))[0]))
    return jets


@lru_cache
def _eager_jets(law: Surrogate, x: bytes) -> list[tuple[Any, ...]]:
    # XLA simplifies sqrt(x*x) and 2*x/2 in float16, so that nothing overflows.
    with jax.disable_jit():
        return _jets(kind_of(law), numbers_of(law), np.frombuffer(x, np.float16))


def jet(law: Surrogate, x: Any) -> Jet:
    """Return the jet of a law at up to `SIZE` numbers, in their dtype; one program per dtype."""
    x, step = np.asarray(x), replace(law, smooth=False)
    padded = np.zeros(SIZE, x.dtype)
    padded[: x.size] = x.ravel()
    if x.dtype == np.float16:
        both = _eager_jets(step, padded.tobytes())
    else:
        both = _jets(kind_of(step), numbers_of(law), padded)
    return Jet(*(np.asarray(part)[: x.size].reshape(x.shape) for part in both[law.smooth]))
