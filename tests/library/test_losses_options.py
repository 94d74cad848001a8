"""Every loss of the library with every option, value and gradient, against the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest
from loss_examples import Example, cases, couples, example
from oracle import evaluate, flatten, stopped
from programs import Inputs, core_of

import lossdsl
from lossdsl.core.graph import Core
from lossdsl.library.declare import Builtin, Library
from lossdsl.syntax import ast

CASES = list(cases())
AT_ONCE = 8  # losses in one program: that there are fewer programs saves a third of the time
GROUPS = [CASES[at : at + AT_ONCE] for at in range(0, len(CASES), AT_ONCE)]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group[0][0].name} and on")
def test_every_option_has_the_value_and_gradient_of_the_oracle(
    group: list[tuple[Builtin, int]],
) -> None:
    examples = [example(function, variant) for function, variant in group]
    for case, (partly, lost) in zip(examples, solved(examples), strict=True):
        core = core_of(case.text, case.inputs)
        check_values(case, core, case.inputs, partly.metrics)
        for name, gradient in partly.gradients.items():
            check_gradient(core, case.inputs, name, gradient)
        check_values(case, core, case.lost, lost.metrics)
        for name, gradient in lost.gradients.items():
            for _, slope in flatten(gradient):
                assert np.isfinite(slope).all(), f"{case.text}\n{name}: {slope}"
                assert name in case.clean or not np.any(slope), f"{case.text}\n{name}: {slope}"


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


@dataclass(frozen=True)
class Solved:
    """The compiled metrics at some inputs, and the gradient by every floating one."""

    metrics: Mapping[str, Any]
    gradients: Mapping[str, Any]


def solved(examples: Sequence[Example]) -> list[tuple[Solved, Solved]]:
    """Return what each example is worth at its inputs, and where nothing is kept."""
    losses = [lossdsl.compile(case.text) for case in examples]

    def run(loss: lossdsl.Loss, floating: Inputs, fixed: Inputs) -> Any:
        solve = jax.value_and_grad(lambda moved: loss.with_terms(**moved, **fixed), has_aux=True)
        (_, terms), gradients = solve(floating)
        return terms.metrics, gradients

    @jax.jit
    def solve(inputs: Any) -> Any:
        return [run(loss, *one) for loss, one in zip(losses, inputs, strict=True)]

    with jax.enable_x64(True):
        partly = solve([_by_kind(case.inputs) for case in examples])
        lost = solve([_by_kind(case.lost) for case in examples])
    return [(Solved(*first), Solved(*second)) for first, second in zip(partly, lost, strict=True)]


def _by_kind(inputs: Inputs) -> tuple[Inputs, Inputs]:
    """Return those by which there is a gradient, and the others."""
    floating = {
        name: value
        for name, value in inputs.items()
        if all(np.asarray(leaf).dtype.kind == "f" for leaf in jax.tree.leaves(value))
    }
    return floating, {name: value for name, value in inputs.items() if name not in floating}


def check_values(case: Example, core: Core, inputs: Inputs, metrics: Mapping[str, Any]) -> None:
    expected = evaluate(core, inputs).metrics
    for at, call in enumerate(case.variants):
        wanted = expected[f"m{at}"]
        assert np.isfinite(wanted).all(), call
        np.testing.assert_allclose(
            metrics[f"m{at}"], wanted, rtol=1e-12, atol=1e-14, err_msg=call, strict=True
        )


def check_gradient(core: Core, inputs: Inputs, name: str, gradient: Any) -> None:
    """Hold a gradient against a central difference along a random direction.

    It is finite everywhere, and exactly 0 where the input is garbage.
    """
    given = inputs[name]
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

    held = stopped(core, inputs)

    def moved(by: float) -> np.ndarray:
        value = jax.tree.map(lambda leaf, step: leaf + by * step, given, direction)
        return evaluate(core, {**inputs, name: value}, held).values["loss"]

    difference = (moved(1e-5) - moved(-1e-5)) / 2e-5
    np.testing.assert_allclose(along, difference, rtol=1e-6, atol=1e-6, err_msg=name)


def test_weights_that_cancel_divide_by_zero_and_are_not_hidden() -> None:
    inputs = {"out": np.array([1.0, 2.0]), "w": np.array([1.0, -1.0])}
    text = "loss = mean(out, weight=w)"
    with jax.enable_x64(True):
        value = lossdsl.compile(text)(**inputs)
    assert np.isneginf(value)
    assert np.isneginf(evaluate(core_of(text, inputs), inputs).values["loss"])
