"""Rows of the differential table, evaluated: by their independent source, and compiled.

Several are compiled to one program, for half of what a small one costs is its being one.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import jax
import numpy as np
import rows
from rows.row import Row

import lossdsl
from lossdsl.testing.trial import is_real

MODULES = [name for _, name, _ in pkgutil.iter_modules(rows.__path__) if name != "row"]
ROWS: list[Row] = [row for name in MODULES for row in import_module(f"rows.{name}").ROWS]

# What a loss reduces to: each variant by what it adds to the call.
PLAIN = {"whole": ""}
MASKED = {**PLAIN, "kept": ", where=kept, weight=weights"}


@dataclass(frozen=True)
class Call:
    """A row at some inputs; `variants` are what it is reduced to beside."""

    row: Row
    inputs: Mapping[str, Any]
    variants: Iterable[str] = ()

    def split(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs that a gradient is taken by, and the others."""
        moving = {
            name: value
            for name, value in self.inputs.items()
            if is_real(value) and name != "weights"
        }
        return moving, {name: self.inputs[name] for name in self.inputs if name not in moving}

    def solver(self) -> Callable[[Any, Any], Any]:
        """Return the function that computes the total, the terms and the gradient."""
        text = f"result = {self.row.text}\nmetric unreduced = result\nloss = sum(1.0*result)"
        if self.row.declared.is_loss:
            added = {"unreduced": ', reduce="none"'}
            added |= {name: MASKED[name] for name in self.variants}
            call = self.row.text[:-1]
            lines = [f"result_{name} = {call}{option})" for name, option in added.items()]
            lines += [f"metric {name} = result_{name}" for name in added]
            text = "\n".join([*lines, "loss = sum(result_unreduced)"])
        loss = lossdsl.compile(text)

        def solve(moving: Any, fixed: Any) -> Any:
            return loss.with_terms(**moving, **fixed)

        return jax.value_and_grad(solve, has_aux=True)


@dataclass(frozen=True)
class Point:
    """What was computed of a call: its unreduced value, what it reduces to, its gradient."""

    unreduced: list[np.ndarray]
    reduced: Mapping[str, Any]
    gradient: Mapping[str, Any]


def evaluate(calls: Sequence[Call]) -> list[Point]:
    """Evaluate calls in one program."""
    solvers = [call.solver() for call in calls]

    def solve(given: Any) -> Any:
        return [solver(*inputs) for solver, inputs in zip(solvers, given, strict=True)]

    results = jax.jit(solve)([call.split() for call in calls])
    return [_point(*jax.tree.map(np.asarray, result)) for result in results]


def _point(value: Any, gradient: Mapping[str, Any]) -> Point:
    metrics = dict(value[1].metrics)
    return Point(jax.tree.leaves(metrics.pop("unreduced")), metrics, gradient)


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
