"""Every function at the edge: a NaN shows, an infinity has its limit, a label outside shows.

One program computes the values and the gradients of all variants of the inputs of a few. What an
argument decides is measured, not declared: where a value depends on an element it is NaN with it,
and where the gradient does, so is the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jax
import numpy as np
import pytest
from differential import reference
from edges import CALLS, NOTHING_TO_TRY, TRIALS, Edges, Trial

from lossdsl.library import BUILTINS

# Half of what a small program costs is its being one, so that calls share them.
IN_A_PROGRAM = 4


def flat(tree: Any, rows: int) -> np.ndarray:
    leaves = [np.asarray(x, np.float64).reshape(rows, -1) for x in jax.tree.leaves(tree)]
    return np.concatenate(leaves, axis=1)


def varies(rows: np.ndarray) -> np.ndarray:
    """Return which columns differ between rows."""
    return ~np.all((rows == rows[:1]) | (np.isnan(rows) & np.isnan(rows[:1])), axis=0)


@lru_cache(maxsize=2)
def solved(group: int) -> list[tuple[Edges, np.ndarray, np.ndarray]]:
    """Return the edges of a group of trials, with values and gradients, from one program."""
    group_edges = [Edges(trial) for trial in TRIALS[group : group + IN_A_PROGRAM]]
    solvers = [edges.variants.solver() for edges in group_edges]

    def solve(given: Any) -> Any:
        return [solver(*columns) for solver, columns in zip(solvers, given, strict=True)]

    results = jax.jit(solve)([edges.variants.columns() for edges in group_edges])
    return [
        (edges, flat(values, len(edges.variants.batch)), flat(slopes, len(edges.variants.batch)))
        for edges, ((_, values), slopes) in zip(group_edges, results, strict=True)
    ]


@pytest.mark.parametrize("at", range(len(TRIALS)), ids=map(str, TRIALS))
def test_edges(at: int) -> None:
    edges, values, slopes = solved(at // IN_A_PROGRAM * IN_A_PROGRAM)[at % IN_A_PROGRAM]
    trial = edges.trial
    for at, inputs, extreme in edges.referred:
        check_reference(trial, inputs, extreme, values[at], slopes[at])
    assert np.isfinite(values[0]).all() and np.isfinite(slopes[0]).all()
    for spot, nan in edges.nans.items():
        name = trial.names[spot[0]]
        if varies(values[edges.probes[spot]]).any() and "nan" not in trial.function.about:
            assert np.isnan(values[nan]).any(), f"a NaN of `{name}` does not show"
            if varies(slopes[edges.probes[spot]]).any():
                assert np.isnan(slopes[nan]).any(), f"nor in the gradient: `{name}`"
    for where, at, far in edges.limits:
        check_limit(f"{where}: {values[at]}", values[at], values[far], slopes[at])
    for where, (*inside, negative, far_below, above) in edges.outside.items():
        # Padding is not read.
        if varies(values[inside]).any():
            for at in (negative, far_below, above):
                assert np.isnan(values[at]).any(), f"a label outside does not show: {where}"
                if slopes[0].any():
                    assert np.isnan(slopes[at]).any(), f"nor in the gradient: {where}"


def check_limit(where: str, value: np.ndarray, near: np.ndarray, slope: np.ndarray) -> None:
    """Hold the value at the end of a domain, and for an infinity against those on the way there."""
    assert not np.isnan(value).any(), where
    if near.size:
        with np.errstate(invalid="ignore"):
            still = np.abs(near[1] - near[0]) <= 1e-3 * (1 + np.abs(near[0]))
        np.testing.assert_allclose(value[still], near[1][still], rtol=1e-2, atol=1e-3)
        grown = np.abs(value) >= 0.99 * np.abs(near[1])
        assert grown[~still].all(), f"{where}, {near}"
    if np.isfinite(value).all():
        assert not np.isnan(slope).any(), f"the gradient at {where}"


def check_reference(
    trial: Trial,
    inputs: Mapping[str, Any],
    extreme: float | None,
    values: np.ndarray,
    slopes: np.ndarray,
) -> None:
    """Hold single precision against the reference, and wherever that is a finite float32."""
    assert trial.row is not None
    right = np.concatenate([one.ravel() for one in reference(trial.row, inputs)])
    at = f"at {extreme}: {inputs}"
    if extreme is None:
        scale = 1 + np.max(np.abs(right), initial=0)
        np.testing.assert_allclose(values, right, rtol=1e-4, atol=2e-5 * scale, err_msg=at)
        return
    usual = np.isfinite(right) & (np.abs(right) < 1e37)
    np.testing.assert_allclose(values[usual], right[usual], rtol=1e-3, atol=1e-4, err_msg=at)
    if trial.row.gradient and usual.all():
        wrong = {name for name, slope in named(trial, slopes).items() if np.isnan(slope).any()}
        # By an infinite input a label and a parameter may be multiplied.
        held = trial.row.real_inputs() if np.isinf(extreme) else trial.kinds.keys()
        assert not wrong & held, f"the gradient {at}"


def named(trial: Trial, slopes: np.ndarray) -> dict[str, np.ndarray]:
    """Return a row of gradients by input."""
    found: dict[str, list[np.ndarray]] = {}
    ends = np.cumsum([trial.leaves[at].size for at in trial.real()])
    for at, slope in zip(trial.real(), np.split(slopes, ends[:-1]), strict=True):
        found.setdefault(trial.names[at], []).append(slope)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def test_every_function_is_tried() -> None:
    tried = {call.function.name for call in CALLS}
    assert sorted(set(BUILTINS) - tried - NOTHING_TO_TRY) == []
    print(f"{len(tried)} functions in {len(TRIALS)} calls at their edges")  # noqa: T201
