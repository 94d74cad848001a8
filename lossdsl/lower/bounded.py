"""The calls that use the constraints of a spec: jitted, held to the inputs, their errors told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
from jax.core import Tracer

from lossdsl.library.promotion import own_rules
from lossdsl.lower import projection
from lossdsl.lower.array_arguments import host_arrays
from lossdsl.lower.callable import Slot, again
from lossdsl.lower.passed_values import restored
from lossdsl.lower.scalars import hold_range, strong_scalar

PARAMS = "params"


class Bounded:
    """What is done with the constraints that hold for the trees of a call."""

    def __init__(self, rules: projection.Rules, slots: Sequence[Slot]) -> None:
        self._rules = rules
        self._slots = slots
        self._project = self._jitted(projection.project)
        self._distances = self._jitted(projection.distances)

    def project(self, trees: tuple[Any, ...], inputs: Mapping[str, Any]) -> Any:
        """Return the nearest trees inside: one alone, or several by name."""
        moved = self._explained(self._project, trees, inputs)
        passed = dict(zip(moved, trees, strict=False)) | dict(inputs)
        whole = {name: restored(tree, passed[name]) for name, tree in moved.items()}
        return next(iter(whole.values())) if len(whole) == 1 else whole

    def violations(self, trees: tuple[Any, ...], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return, by path, how far each leaf is outside; all leaves where no number is known."""
        distances = self._explained(self._distances, trees, inputs)
        traced = any(isinstance(far, Tracer) for far in distances.values())
        return {path: far for path, far in distances.items() if traced or far != 0}

    def _jitted(self, use: Callable[[projection.Constrained], Any]) -> Any:
        return jax.jit(
            own_rules()(lambda trees, inputs: use(self._rules.constrained(trees, inputs)))
        )

    def _explained(self, fn: Any, trees: tuple[Any, ...], inputs: Mapping[str, Any]) -> Any:
        try:
            return self._hosted(fn, trees, inputs)
        except Exception as problem:
            given = dict(zip((PARAMS,), trees, strict=False)) | dict(inputs)
            return again(problem, partial(self._hosted, fn), lambda: (trees, inputs), given)

    def _hosted(self, fn: Any, trees: tuple[Any, ...], inputs: Mapping[str, Any]) -> Any:
        hosted = {name: host_arrays(value, name) for name, value in inputs.items()}
        for entry in self._slots:
            if entry.range is not None and entry.scalar is not None and entry.name in hosted:
                scalar = strong_scalar(hosted[entry.name], entry.scalar, entry.name)
                hold_range(scalar, entry.range, entry.name)
        return fn(tuple(host_arrays(tree, PARAMS) for tree in trees), hosted)
