"""Every function of the library against an independent source, one row of `rows/` each.

Values and gradients in float64; masks and weights; half precision; empty and
single-element inputs. `HYPOTHESIS_PROFILE=soak` draws 200 shapes. Single precision is held against
the same rows in `test_extremes.py`, in the programs that are compiled there anyway.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from differential import MASKED, PLAIN, ROWS, Call, Point, evaluate, reference
from rows.row import Row

from lossdsl.library import BUILTINS
from lossdsl.syntax import ast
from lossdsl.testing.draw import Sizes, signature_of

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
SHAPES = range(200) if SOAK else range(1)
HALF = ("bfloat16", "float16") if SOAK else ("bfloat16",)

# Half of what a small program costs is its being one, so that rows share them.
IN_A_PROGRAM = 6


def total(arrays: Sequence[np.ndarray]) -> float:
    return float(sum(one.sum() for one in arrays))


def mean(value: np.ndarray, weights: np.ndarray) -> float:
    return float((value * weights).sum() / weights.sum()) if weights.any() else 0.0


class Check(Protocol):
    """What is asked of rows: where each is evaluated, and what must be so there."""

    @property
    def x64(self) -> bool: ...

    @property
    def seeds(self) -> Iterable[int]: ...

    def call(self, row: Row, seed: int) -> Call: ...

    def hold(self, call: Call, point: Point) -> None: ...


class DoublePrecision:
    """Values, gradients, default reductions, masks and weights."""

    x64 = True
    seeds = SHAPES

    def call(self, row: Row, seed: int) -> Call:
        random = np.random.default_rng(seed)
        inputs = row.inputs(seed)
        values = reference(row, inputs)
        if not row.declared.is_loss or len(values) > 1 or not values[0].ndim:
            return Call(row, inputs, PLAIN)
        kept = random.random(values[0].shape) < 0.6
        weights = random.uniform(0.5, 2.0, values[0].shape)
        return Call(row, {**inputs, "kept": kept, "weights": weights}, MASKED)

    def hold(self, call: Call, point: Point) -> None:
        expected = reference(call.row, call.inputs)
        for value, right in zip(point.unreduced, expected, strict=True):
            np.testing.assert_allclose(value, right, rtol=1e-8, atol=1e-10)
        if call.row.declared.is_loss:
            check_reductions(call.row, call.inputs, expected, point.reduced)
        if call.row.gradient:
            check_gradient(call.row, call.inputs, point.gradient)


def check_reductions(
    row: Row, inputs: Mapping[str, Any], wanted: list[np.ndarray], found: Mapping[str, Any]
) -> None:
    """Hold the default reduction, masked and weighted, against the unreduced reference."""
    defaults = {
        one.name: one.default
        for one in signature_of(row.declared, row.text).parameters
        if one.default is not None
    }
    if row.reduced is not None:
        plain = {name: one for name, one in inputs.items() if name not in ("kept", "weights")}
        np.testing.assert_allclose(found["whole"], row.reduced(**plain), rtol=1e-8, atol=1e-10)
        return
    assert not {"where", "weight"} & set(defaults) or defaults_are_off(row, defaults), (
        "a row whose call sets a mask or weights needs `reduced`"
    )
    summed = "reduce" in defaults and defaults["reduce"].value == "sum"
    size = 1 if summed else max(sum(one.size for one in wanted), 1)
    np.testing.assert_allclose(found["whole"], total(wanted) / size, rtol=1e-8, atol=1e-10)
    if "kept" in found:
        kept = wanted
        if row.reads_mask():
            kept = reference(row, {**inputs, "where": inputs["kept"]})
        (right,), weights = kept, inputs["weights"] * inputs["kept"]
        value = (right * weights).sum() if summed else mean(right, weights)
        np.testing.assert_allclose(found["kept"], value, rtol=1e-8, atol=1e-10)


def defaults_are_off(row: Row, defaults: Mapping[str, ast.Expr]) -> bool:
    """Return whether no parameter that a default mask or weight reads is given in the call."""
    read = {
        node.id
        for name in ("where", "weight")
        if name in defaults
        for node in ast.walk(defaults[name])
        if isinstance(node, ast.Name)
    }
    return not any(f"{name}=" in row.text for name in read)


def check_gradient(row: Row, inputs: Mapping[str, Any], gradient: Mapping[str, Any]) -> None:
    """Hold a gradient against the central difference of the reference along a random direction."""
    random = np.random.default_rng(7)
    direction = jax.tree.map(lambda x: random.normal(size=np.shape(x)), dict(gradient))
    slopes = jax.tree.map(lambda slope, step: np.sum(slope * step), dict(gradient), direction)
    along = total([np.asarray(one) for one in jax.tree.leaves(slopes)])

    def moved(by: float) -> float:
        near = {
            name: jax.tree.map(lambda x, d: x + by * d, inputs[name], direction[name])
            for name in gradient
        }
        return total(reference(row, {**inputs, **near}, held=inputs))

    difference = (moved(1e-6) - moved(-1e-6)) / 2e-6
    np.testing.assert_allclose(along, difference, rtol=1e-5, atol=1e-6)


class HalfPrecision:
    """The value is that of the rounded inputs."""

    x64 = False
    seeds = range(1)

    def __init__(self, dtype: str) -> None:
        self.dtype = jnp.dtype(dtype)

    def call(self, row: Row, seed: int) -> Call:
        def rounded(x: Any) -> Any:
            array = np.asarray(x)
            return array.astype(self.dtype) if array.dtype == np.float64 else x

        return Call(row, jax.tree.map(rounded, dict(row.inputs(1))))

    def hold(self, call: Call, point: Point) -> None:
        loss = call.row.declared.is_loss
        for value, right in zip(point.unreduced, reference(call.row, call.inputs), strict=True):
            # A loss is in f32, a thirtieth of a step of bf16; anything else is rounded to a half.
            scale = 1 + np.max(np.abs(right), initial=0)
            rtol, atol = (3e-4, 2e-5 * scale) if loss else (0.05, 0.05)
            np.testing.assert_allclose(value.astype(np.float32), right, rtol=rtol, atol=atol)
        for slope in jax.tree.leaves(point.gradient):
            assert not np.isnan(slope.astype(np.float32)).any()


class OneElement:
    """Every axis has size 1."""

    x64 = True
    seeds = range(1)

    def call(self, row: Row, seed: int) -> Call:
        return Call(row, row.inputs(0, Sizes(run=(1,), other=1)))

    def hold(self, call: Call, point: Point) -> None:
        for value, right in zip(point.unreduced, reference(call.row, call.inputs), strict=True):
            finite = np.isfinite(right)
            np.testing.assert_allclose(value[finite], right[finite], rtol=1e-8, atol=1e-10)
        assert not any(np.isnan(slope).any() for slope in jax.tree.leaves(point.gradient))


class NoElement:
    """A sum of nothing is 0, and so is a mean under a mask; a plain mean is NaN, as in NumPy."""

    x64 = True
    seeds = range(1)

    def call(self, row: Row, seed: int) -> Call:
        inputs = row.inputs(0, row.empty())
        (shape,) = [value.shape for value in reference(row, inputs)]
        assert 0 in shape
        return Call(
            row, {**inputs, "kept": np.ones(shape, bool), "weights": np.ones(shape)}, MASKED
        )

    def hold(self, call: Call, point: Point) -> None:
        assert point.reduced["kept"] == 0
        assert point.reduced["whole"] == 0 or np.isnan(point.reduced["whole"])
        assert not any(np.isnan(slope).any() for slope in jax.tree.leaves(point.gradient))


def first_of_signatures(rows: Iterable[Row]) -> list[Row]:
    """Return the first row of every signature.

    What the rows of one differ in, such as a parameter or the values given, is another law of the
    same arrays, so that half precision and the smallest sizes are asked once.
    """
    return list({signature_of(row.declared, row.text): row for row in reversed([*rows])}.values())


FEW = ROWS if SOAK else first_of_signatures(ROWS)
CHECKS: Mapping[str, tuple[Check, Sequence[Row]]] = {
    "double_precision": (DoublePrecision(), ROWS),
    **{dtype: (HalfPrecision(dtype), FEW) for dtype in HALF},
    "one_element": (OneElement(), FEW),
    "no_element": (NoElement(), [row for row in FEW if row.empty() is not None]),
}
TRIALS = [(name, at) for name, (_, rows) in CHECKS.items() for at in range(len(rows))]


@lru_cache(maxsize=max(4, len(SHAPES)))
def computed(name: str, group: int, seed: int) -> list[tuple[Call, Point]]:
    """Return a group of rows with what was computed of them."""
    check, rows = CHECKS[name]
    calls = [check.call(row, seed) for row in rows[group : group + IN_A_PROGRAM]]
    with jax.enable_x64(check.x64):
        return list(zip(calls, evaluate(calls), strict=True))


@pytest.mark.parametrize(
    ("name", "at"), TRIALS, ids=[f"{CHECKS[name][1][at].text}-{name}" for name, at in TRIALS]
)
def test_row(name: str, at: int) -> None:
    check, _ = CHECKS[name]
    for seed in check.seeds:
        check.hold(*computed(name, at // IN_A_PROGRAM * IN_A_PROGRAM, seed)[at % IN_A_PROGRAM])


def test_every_function_with_a_citation_has_a_row() -> None:
    covered = {row.declared.name for row in ROWS}
    cited = {name for name in BUILTINS if BUILTINS[name].about.get("cite")}
    assert sorted(cited - covered - NEEDS_NO_ROW) == []


# These take constraints or functions, and have tests of their own (test_constraints.py).
NEEDS_NO_ROW = {"bounds", "penalty", "map"}
