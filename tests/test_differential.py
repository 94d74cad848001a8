"""Every function of the library against an independent source, one row of `rows/` each.

Values and gradients in float64; masks and weights; half precision against float32; empty and
single-element inputs. `HYPOTHESIS_PROFILE=soak` draws 200 shapes. Single precision is held against
the same rows in `test_extremes.py`, in the programs that are compiled there anyway.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rows
from rows.row import Row

import lossdsl
from lossdsl.library import BUILTINS
from lossdsl.syntax import ast
from lossdsl.testing.draw import Sizes, signature_of
from lossdsl.testing.subject import is_real

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
SHAPES = range(200) if SOAK else range(1)
HALF = ("bfloat16", "float16") if SOAK else ("bfloat16",)

MODULES = [name for _, name, _ in pkgutil.iter_modules(rows.__path__) if name != "row"]
ROWS: list[Row] = [row for name in MODULES for row in import_module(f"rows.{name}").ROWS]


@dataclass(frozen=True)
class Point:
    """A compiled row at some inputs: its unreduced value, what it reduces to, its gradient."""

    unreduced: list[np.ndarray]
    reduced: Mapping[str, Any]
    gradient: Mapping[str, Any]


# What a loss reduces to: each variant by what it adds to the call.
PLAIN = {"whole": ""}
MASKED = {**PLAIN, "kept": ", where=kept", "weighed": ", weight=weights"}


@lru_cache(maxsize=4)
def solver(row: Row, variants: tuple[str, ...]) -> Callable[[Any, Any], Any]:
    text = f"result = {row.text}\nmetric unreduced = result\nloss = sum(1.0*result)"
    if row.declared.is_loss:
        added = {"unreduced": ', reduce="none"', **{name: MASKED[name] for name in variants}}
        lines = [f"result_{name} = {row.text[:-1]}{option})" for name, option in added.items()]
        lines += [f"metric {name} = result_{name}" for name in added]
        text = "\n".join([*lines, "loss = sum(result_unreduced)"])
    loss = lossdsl.compile(text)

    def solve(moving: Any, fixed: Any) -> Any:
        return loss.with_terms(**moving, **fixed)

    return jax.jit(jax.value_and_grad(solve, has_aux=True))


def evaluate(row: Row, inputs: Mapping[str, Any], variants: Iterable[str] = ()) -> Point:
    moving = {name: one for name, one in inputs.items() if is_real(one) and name != "weights"}
    fixed = {name: one for name, one in inputs.items() if name not in moving}
    (_, terms), gradient = solver(row, tuple(variants))(moving, fixed)
    metrics = dict(terms.metrics)
    unreduced = [np.asarray(one) for one in jax.tree.leaves(metrics.pop("unreduced"))]
    reduced, gradient = jax.tree.map(np.asarray, (metrics, gradient))
    return Point(unreduced, reduced, gradient)


def reference(
    row: Row, inputs: Mapping[str, Any], held: Mapping[str, Any] | None = None
) -> list[np.ndarray]:
    compute, more = row.reference, {}
    if row.moving is not None and held is not None:
        compute, more = row.moving, {"held": widened(held)}
    with np.errstate(all="ignore"), jax.enable_x64(True):
        value = compute(**widened(inputs), **more)
        return [np.asarray(one, np.float64) for one in jax.tree.leaves(value)]


def widened(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return jax.tree.map(
        lambda x: np.asarray(x, np.float64) if np.asarray(x).dtype.kind not in "iub" else x,
        {name: one for name, one in inputs.items() if name not in ("kept", "weights")},
    )


def total(arrays: Sequence[np.ndarray]) -> float:
    return float(sum(one.sum() for one in arrays))


def mean(value: np.ndarray, weights: np.ndarray) -> float:
    return float((value * weights).sum() / weights.sum()) if weights.any() else 0.0


def double_precision(row: Row) -> None:
    """Values, gradients, default reductions, masks and weights."""
    for seed in SHAPES:
        random = np.random.default_rng(seed)
        inputs = row.inputs(seed)
        wanted = reference(row, inputs)
        masked = row.declared.is_loss and len(wanted) == 1 and wanted[0].ndim > 0
        if masked:
            inputs["kept"] = random.random(wanted[0].shape) < 0.6
            inputs["weights"] = random.uniform(0.5, 2.0, wanted[0].shape)
        with jax.enable_x64(True):
            point = evaluate(row, inputs, MASKED if masked else PLAIN)
        for found, one in zip(point.unreduced, wanted, strict=True):
            np.testing.assert_allclose(found, one, rtol=1e-8, atol=1e-10)
        if row.declared.is_loss:
            check_reductions(row, inputs, wanted, point.reduced)
        if row.gradient:
            check_gradient(row, inputs, point.gradient)


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
        for name, given, (one,) in (
            ("kept", inputs["kept"], kept),
            ("weighed", inputs["weights"], wanted),
        ):
            value = (one * given).sum() if summed else mean(one, given)
            np.testing.assert_allclose(found[name], value, rtol=1e-8, atol=1e-10)


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


def half_precision(row: Row) -> None:
    """The value is that of the same numbers in single precision."""
    for half in HALF:
        rounded = jax.tree.map(
            lambda x: jnp.asarray(x, half) if np.asarray(x).dtype == np.float64 else x,  # noqa: B023
            dict(row.inputs(1)),
        )
        wide = jax.tree.map(lambda x: np.asarray(x, np.float32) if is_half(x) else x, rounded)
        close = 1e-5 if row.declared.is_loss else 0.05
        found, wanted = evaluate(row, rounded), evaluate(row, wide)
        for one, other in zip(found.unreduced, wanted.unreduced, strict=True):
            np.testing.assert_allclose(
                one.astype(np.float32), other.astype(np.float32), rtol=close, atol=close
            )
        for slope in jax.tree.leaves(found.gradient):
            assert not np.isnan(slope.astype(np.float32)).any()


def is_half(value: Any) -> bool:
    return str(np.asarray(value).dtype) in HALF


def one_element(row: Row) -> None:
    """Every axis has size 1."""
    inputs = row.inputs(0, Sizes(run=(1,), other=1))
    with jax.enable_x64(True):
        point = evaluate(row, inputs)
    for found, one in zip(point.unreduced, reference(row, inputs), strict=True):
        kept = np.isfinite(one)
        np.testing.assert_allclose(found[kept], one[kept], rtol=1e-8, atol=1e-10)
    assert not any(np.isnan(one).any() for one in jax.tree.leaves(point.gradient))


def no_element(row: Row) -> None:
    """A sum of nothing is 0, and so is a mean under a mask; a plain mean is NaN, as in NumPy."""
    sizes = row.empty()
    if sizes is None:
        return
    inputs = row.inputs(0, sizes)
    (shape,) = [one.shape for one in reference(row, inputs)]
    assert 0 in shape
    inputs |= {"kept": np.ones(shape, bool), "weights": np.ones(shape)}
    with jax.enable_x64(True):
        point = evaluate(row, inputs, MASKED)
    assert point.reduced["kept"] == point.reduced["weighed"] == 0
    assert point.reduced["whole"] == 0 or np.isnan(point.reduced["whole"])
    assert not any(np.isnan(one).any() for one in jax.tree.leaves(point.gradient))


CHECKS = (double_precision, half_precision, one_element, no_element)


def trials() -> Iterator[tuple[Row, Callable[[Row], None]]]:
    """Yield every row with its checks, which follow each other and share programs.

    Half precision and the smallest sizes are asked of a signature once: what the rows of one
    differ in, such as a parameter or the values given, is another law of the same arrays.
    """
    tried: set[ast.Signature] = set()
    for row in ROWS:
        signature = signature_of(row.declared, row.text)
        yield from ((row, check) for check in CHECKS[: 1 if signature in tried else None])
        if not SOAK:
            tried.add(signature)


TRIALS = list(trials())


@pytest.mark.parametrize(
    ("row", "check"), TRIALS, ids=[f"{row.text}-{check.__name__}" for row, check in TRIALS]
)
def test_row(row: Row, check: Callable[[Row], None]) -> None:
    check(row)


def test_every_function_with_a_citation_has_a_row() -> None:
    covered = {row.declared.name for row in ROWS}
    cited = {name for name in BUILTINS if BUILTINS[name].about.get("cite")}
    assert sorted(cited - covered - NEEDS_NO_ROW) == []


# These take constraints or functions, and have tests of their own (test_constraints.py).
NEEDS_NO_ROW = {"bounds", "penalty", "map"}
