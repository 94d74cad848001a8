"""What is lost by hand is lost, and the function of the library keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import jax
import numpy as np
import pytest

import lossdsl
from lossdsl.analyze.lints.idioms import IDIOMS, Idiom

ALL_BELOW, ABOVE = np.full(3, -90.0), np.array([90.0, 0, 1])
FAR = 1000 + 0.1 * np.random.default_rng(0).normal(size=1000)
HALF = np.array([0.0, 1])
# Where what is written by hand is lost, by its text.
LOST: Mapping[str, Mapping[str, np.ndarray]] = {
    "log(softmax(x))": {"x": ABOVE},
    "log(sigmoid(x))": {"x": ALL_BELOW},
    "log(1 - sigmoid(x))": {"x": np.array([17.0])},
    "log(1 + exp(x))": {"x": ABOVE},
    "log(sum(exp(x), axis=A))": {"x": ABOVE},
    "log(mean(exp(x), axis=A))": {"x": ABOVE},
    "exp(x)/sum(exp(x), axis=A, keepdims=true)": {"x": ALL_BELOW},
    "x/norm(x, axis=A, keepdims=true)": {"x": np.zeros(3)},
    "sqrt(sum(square(x), axis=A))": {"x": np.zeros(3)},
    "p*log(p/q)": {"p": HALF, "q": np.array([0.5, 0.5])},
    "p*log(p)": {"p": HALF},
    "-p*log(p)": {"p": HALF},
    "-log(p)*p": {"p": HALF},
    "a*p*log(p)": {"p": HALF, "a": HALF},
    "a*log(p)*p": {"p": HALF, "a": HALF},
    "abs((y - p)/y)": {"y": HALF, "p": HALF + 0.5},
    "abs((p - y)/y)": {"y": HALF, "p": HALF + 0.5},
    "abs(y - p)/abs(y)": {"y": HALF, "p": HALF + 0.5},
    "abs(p - y)/abs(y)": {"y": HALF, "p": HALF + 0.5},
    "abs(y - p)/(abs(y) + abs(p))": {"y": HALF, "p": HALF},
    "sum(x*y)/sum(square(y))": {"x": HALF, "y": 0 * HALF},
    "sum(where(m, x, 0))/sum(m)": {"x": HALF, "m": np.zeros(2, bool)},
    "sum(where(m, x, 0))/count(m)": {"x": HALF, "m": np.zeros(2, bool)},
    "mean(square(x), axis=A) - square(mean(x, axis=A))": {"x": FAR},
}
# What is lost of these is their gradient.
SLOPES = ("sqrt(sum(square(x), axis=A))",)


def value(text: str, inputs: Mapping[str, np.ndarray], stabilize: bool = False) -> float:
    loss = lossdsl.compile(f"metric value = {text}\nloss = sum({text})", stabilize=stabilize)
    dtypes = {name: bool if array.dtype == bool else np.float32 for name, array in inputs.items()}
    return float(loss(**{name: array.astype(dtypes[name]) for name, array in inputs.items()}))


def slope(text: str, inputs: Mapping[str, np.ndarray], stabilize: bool = False) -> float:
    loss = lossdsl.compile(f"sum({text})", stabilize=stabilize)
    return float(jax.grad(lambda x: loss(x=x))(inputs["x"].astype(np.float32)).sum())


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.written)
def test_what_is_lost_is_kept(idiom: Idiom) -> None:
    inputs, value_of = LOST[idiom.written], slope if idiom.written in SLOPES else value
    lost = value_of(idiom.written.replace("axis=A", "axis=0"), inputs)
    (better,) = re.findall("`([^`]+[(][^`]+)`", idiom.better)
    better = f"{better[:-1]}, axis=0)" if "axis=A" in idiom.written else better
    kept = value_of(better, inputs)
    assert np.isfinite(kept)
    assert not np.isfinite(lost) or abs(lost / kept - 1) > 0.5


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.written)
def test_what_is_said_to_be_mended_is(idiom: Idiom) -> None:
    inputs, value_of = LOST[idiom.written], slope if idiom.written in SLOPES else value
    text = idiom.written.replace("axis=A", "axis=0")
    computed = value_of(text, inputs, stabilize=True)
    if not idiom.mended:
        assert not np.isfinite(computed)
        return
    (better,) = re.findall("`([^`]+[(][^`]+)`", idiom.better)
    better = f"{better[:-1]}, axis=0)" if "axis=A" in idiom.written else better
    assert computed == pytest.approx(value_of(better, inputs), rel=1e-6)


# Where nothing is lost, what is named is worth what is written.
ORDINARY: Mapping[str, np.ndarray] = {
    "x": np.array([1.0, 2.5, -0.5, 0.25]),
    "p": np.array([0.1, 0.2, 0.3, 0.4]),
    "a": np.array([1.0, -2.0, 3.0, 0.5]),
    "y": np.array([-0.5, 2.0, 1.0, 0.25]),
    "q": np.array([0.25, 0.25, 0.25, 0.25]),
    "m": np.array([True, False, True, True]),
}


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.written)
def test_what_is_named_is_the_same(idiom: Idiom) -> None:
    inputs = {name: ORDINARY[name] for name in LOST[idiom.written]}
    (better,) = re.findall("`([^`]+[(][^`]+)`", idiom.better)
    better = f"{better[:-1]}, axis=0)" if "axis=A" in idiom.written else better
    by_hand = value(idiom.written.replace("axis=A", "axis=0"), inputs)
    assert value(better, inputs) == pytest.approx(by_hand, rel=1e-5)
