"""Spikes against a step; their gradients against the integrals of the surrogates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from rows.row import FINITE, Row


def step(x: Any, **_: Any) -> Any:
    return 1.0 * (x >= 0)


def laplace(x: Any, scale: float, width: float) -> Any:
    """Twice the distribution function of Laplace, whose density is 1/(2*width) at its peak."""
    return 2 * scale * stats.laplace.cdf(x, scale=width)


def mixture(x: Any) -> Any:
    sides = stats.norm.cdf(x, 0.5, 3) + stats.norm.cdf(x, -0.5, 3)
    return 1.15 * stats.norm.cdf(x, 0, 0.5) - 0.15 * sides


def softsign(x: Any, beta: float) -> Any:
    return np.where(np.isinf(x), np.sign(x) / beta, x / (1 + beta * abs(x)))


# The call's options, and the integral of the surrogate.
SURROGATES: list[tuple[str, Callable[[Any], Any]]] = [
    ("", lambda x: softsign(x, 10)),
    (', surrogate="superspike", beta=3', lambda x: softsign(x, 3)),
    (', surrogate="sigmoid"', lambda x: 0.5 * (1 + np.tanh(2 * x))),
    (', surrogate="gaussian", alpha=2', lambda x: stats.norm.cdf(x, scale=np.sqrt(2))),
    (
        ', surrogate="polynomial", alpha=4',
        lambda x: stats.triang.cdf(x, 0.5, loc=-1, scale=2),
    ),
    (', surrogate="rectangular", alpha=3', lambda x: stats.uniform.cdf(x, loc=-1.5, scale=3)),
    (', surrogate="arctan"', lambda x: 1 / 2 + np.arctan(np.pi * x) / np.pi),
    (
        ', surrogate="triangle", height=0.5, width=2',
        lambda x: stats.triang.cdf(x, 0.5, loc=-2, scale=4),
    ),
    (
        ', surrogate="boxcar", height=2, width=1',
        lambda x: 2 * stats.uniform.cdf(x, loc=-1 / 2, scale=1),
    ),
    (', surrogate="straight_through"', lambda x: x),
    (', surrogate="multi_gaussian"', mixture),
    (', surrogate="single_exponential", threshold=2', lambda x: laplace(x, 1, 1)),
    (', surrogate="slayer_pdf", tau=2', lambda x: laplace(x, 1, 2)),
    (
        ', surrogate="slayer_pdf", scale=2, tau=5, convention="alpha_beta"',
        lambda x: laplace(x, 2 / 5, 1 / 5),
    ),
]


def currents(random: np.random.Generator, drawn: Any) -> dict[str, Any]:
    return {"x": random.normal(size=9)}


ROWS = [
    *(
        Row(f"spike(x{options})", step, moving=lambda x, held, f=f: f(x), given=currents)
        for options, f in SURROGATES
    ),
    *(Row(f"spike(x{options}, smooth=true)", f, given=currents) for options, f in SURROGATES),
    Row(
        "surrogate(x, sign(x), cos(x))",
        lambda x: np.sign(x),
        moving=lambda x, held: np.sin(x),
        given=currents,
        extremes=FINITE,  # the cosine of an infinity is NaN
    ),
]
