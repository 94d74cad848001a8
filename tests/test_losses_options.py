"""Every loss of the library with every option, value and gradient, against the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pytest
from loss_examples import Example, cases, couples, example
from oracle import evaluate, flatten, stopped
from programs import core_of

import lossdsl
from lossdsl.check.core import Core
from lossdsl.library.declare import Builtin, Library
from lossdsl.syntax import ast

CASES = list(cases())
NAMES = [f"{function.name}-{at}" if at else function.name for function, at in CASES]


@pytest.mark.parametrize(("function", "variant"), CASES, ids=NAMES)
def test_every_option_has_the_value_and_gradient_of_the_oracle(
    function: Builtin, variant: int
) -> None:
    case = example(function, variant)
    core = core_of(case.text, case.inputs)
    metrics, gradients = solved(case)
    check_values(case, core, metrics)
    for name, gradient in gradients.items():
        check_gradient(case, core, name, gradient)


# Losses that keep no garbage out, since the value of one example reads the others.
COUPLED: set[tuple[str, int]] = set()


def test_losses_that_couple_examples_are_known() -> None:
    found = {(one.name, at) for one, at in CASES if not _of_trees(one, at) and couples(one, at)}
    assert found == COUPLED
    mine = Library.loads("loss centered(x: float[*S]) -> float[*S] = square(x - mean(x))")
    assert couples(mine["centered"], 0, mine)


def _of_trees(function: Builtin, variant: int) -> bool:
    return any(
        isinstance(node, ast.TreeTypeExpr) for node in ast.walk(function.signatures[variant])
    )


def solved(case: Example) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the compiled metrics, and the gradient by every floating input."""
    loss = lossdsl.compile(case.text)
    with jax.enable_x64(True):
        inputs = dict(case.inputs)
        floating = {
            name: value
            for name, value in inputs.items()
            if all(np.asarray(leaf).dtype.kind == "f" for leaf in jax.tree.leaves(value))
        }
        fixed = {name: value for name, value in inputs.items() if name not in floating}

        def run(chosen: dict[str, Any], fixed: dict[str, Any]) -> Any:
            return loss.with_terms(**chosen, **fixed)

        solve = jax.jit(jax.value_and_grad(run, has_aux=True))
        (_, terms), gradients = solve(floating, fixed)
    return terms.metrics, gradients


def check_values(case: Example, core: Core, metrics: Mapping[str, Any]) -> None:
    expected = evaluate(core, case.inputs).metrics
    for at, call in enumerate(case.variants):
        wanted = expected[f"m{at}"]
        assert np.isfinite(wanted).all(), call
        np.testing.assert_allclose(
            metrics[f"m{at}"], wanted, rtol=1e-12, atol=1e-14, err_msg=call, strict=True
        )


def check_gradient(case: Example, core: Core, name: str, gradient: Any) -> None:
    """Hold a gradient against a central difference along a random direction.

    It is finite everywhere, and exactly 0 where the input is garbage.
    """
    given = case.inputs[name]
    random = np.random.default_rng(3)
    direction = jax.tree.map(lambda leaf: random.normal(size=leaf.shape), given)
    along = 0.0
    for (_, slope), (_, leaf), (_, step) in zip(
        flatten(gradient), flatten(given), flatten(direction), strict=True
    ):
        slope = np.asarray(slope)
        assert np.isfinite(slope).all(), f"{name}: {slope}"
        assert (slope[np.isnan(leaf)] == 0).all(), f"{name}: {slope}"
        along += (slope * step).sum()

    held = stopped(core, case.inputs)

    def moved(by: float) -> np.ndarray:
        value = jax.tree.map(lambda leaf, step: leaf + by * step, given, direction)
        return evaluate(core, {**case.inputs, name: value}, held).values["loss"]

    difference = (moved(1e-5) - moved(-1e-5)) / 2e-5
    np.testing.assert_allclose(along, difference, rtol=1e-6, atol=1e-6, err_msg=name)


def test_weights_that_cancel_divide_by_zero_and_are_not_hidden() -> None:
    inputs = {"out": np.array([1.0, 2.0]), "w": np.array([1.0, -1.0])}
    text = "loss = mean(out, weight=w)"
    with jax.enable_x64(True):
        value = lossdsl.compile(text)(**inputs)
    assert np.isneginf(value)
    assert np.isneginf(evaluate(core_of(text, inputs), inputs).values["loss"])
