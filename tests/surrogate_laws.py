"""The laws of surrogate gradients that the tests of spikes share."""

from __future__ import annotations

from collections.abc import Callable

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
