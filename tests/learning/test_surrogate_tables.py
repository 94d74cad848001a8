"""Surrogate gradients against tables of other packages and of a documentation page, in float64."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from lossdsl.learning.surrogate import (
    Surrogate,
    gaussian,
    multi_gaussian,
    polynomial,
    rectangular,
    sigmoid,
    single_exponential,
    slayer_pdf,
    superspike,
)


@pytest.fixture(autouse=True)
def float64() -> Any:
    with jax.enable_x64(True):
        yield


@dataclass(frozen=True)
class Golden:
    """What a table holds: the derivative of a law times a factor, and beside it some value."""

    name: str
    law: Surrogate
    forward: Callable[[np.ndarray], Any] | None = None
    primitive: Callable[[np.ndarray], Any] | None = None
    factor: float = 1.0


def at_threshold(x: np.ndarray) -> Any:
    return x >= 0


def past_threshold(x: np.ndarray) -> Any:
    """Spyx fires only above the threshold."""
    return x > 0


def smooth(law: Surrogate, shift: float = 0) -> Callable[[np.ndarray], Any]:
    return lambda x: replace(law, smooth=True)(x) + shift


def jelly(name: str, law: Surrogate, shift: float = 0) -> Golden:
    return Golden(f"spikingjelly.{name}", law, at_threshold, smooth(law, shift))


def page(name: str, law: Surrogate) -> Golden:
    return Golden(f"neurai.{name}", law, smooth(law))


GOLDENS = [
    jelly("Erf(1)", gaussian(1 / 2)),
    jelly("Erf(2)", gaussian(1 / 8)),
    jelly("Sigmoid(1)", sigmoid(1)),
    jelly("Rect(1)", rectangular(1)),
    # Theirs rises from 0 to 1, by a constant above the law's.
    jelly("SoftSign(2)", superspike(2), shift=0.5),
    Golden("sinabs.MultiGaussian(thr=1)", multi_gaussian()),
    Golden("sinabs.SingleExponential(w=.5,s=1,thr=2)", single_exponential(threshold=2)),
    Golden("spyx.axn.superspike(k=25)", superspike(25), past_threshold),
    Golden("spyx.axn.superspike(k=1)", superspike(1), past_threshold),
    Golden("spyx.axn.boxcar(2,.5)", rectangular(2), past_threshold),
    Golden("spyx.axn.tanh(k=1)", sigmoid(2), past_threshold, factor=2),
    page("Sigmoid.from_primitive(a=4.0)", sigmoid(4)),
    page("Rectangular(a=1.0)", rectangular(1)),
    page("Rectangular(a=2.0)", rectangular(2)),
    page("Rectangular(a=4.0)", rectangular(4)),
    page("Polynomial.masked(a=2.0)", polynomial(2)),
    Golden("neurai.SuperSpike(beta=10.0)", superspike()),
    Golden("neurai.MultiGaussian(.5,6,.15)", multi_gaussian()),
    Golden("neurai.SingleExponential(.5,1)", single_exponential()),
    Golden("neurai.SlayerPdf(scale=1,tau=10).slayer_convention", slayer_pdf()),
    Golden(
        "neurai.SlayerPdf(scale=1,tau=10).doc_alpha_beta_literal",
        slayer_pdf(convention="alpha_beta"),
    ),
    # The page's pairs that disagree: its primitive belongs to the law of another alpha.
    Golden("neurai.Sigmoid.doc_surrogate(a=2.0)", sigmoid(1 / 2), smooth(sigmoid(2))),
    Golden("neurai.Gaussian.doc_surrogate(a=2.0)", gaussian(2), smooth(gaussian(1 / 8))),
    Golden("neurai.Gaussian.doc_surrogate(a=4.0)", gaussian(4), smooth(gaussian(1 / 32))),
]
TABLES = {
    case["id"].removeprefix("surrogate/"): case
    for case in json.loads(Path(__file__).with_name("learning_goldens.json").read_text())["cases"]
    if case["algo"] == "surrogate"
}
LITERAL = "neurai.Polynomial.doc_literal(a=4.0)"


def test_every_table_is_read() -> None:
    assert sorted([*(one.name for one in GOLDENS), LITERAL]) == sorted(TABLES)


@pytest.mark.parametrize("golden", GOLDENS, ids=[one.name for one in GOLDENS])
def test_table(golden: Golden) -> None:
    table = TABLES[golden.name]
    x = np.array(table["x"])
    slopes = golden.factor * golden.law.derivative(x)
    np.testing.assert_allclose(slopes, table["grad"], rtol=1e-10)
    for column, value in (("forward", golden.forward), ("primitive", golden.primitive)):
        if value is not None:
            np.testing.assert_allclose(np.asarray(value(x)), table[column], rtol=1e-10)
        else:
            assert table.get(column) is None


def test_the_polynomial_is_0_outside_of_its_support_where_a_literal_reading_grows() -> None:
    x, literal = np.array(TABLES[LITERAL]["x"]), np.array(TABLES[LITERAL]["grad"])
    found = polynomial(4).derivative(x)
    np.testing.assert_allclose(found, np.where(abs(x) <= 1, literal, 0), rtol=1e-10)
    assert literal[0] == 2
