"""What every rule does around its own equations: check what it is given, and compile once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import jax

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.layers import Layer, check_layers, hashable
from lossdsl.learning.result import LearningResult


class Rule(Protocol):
    """A rule as `run` sees it: hashable, with the names of the batch that it reads."""

    @property
    def input(self) -> str:
        """The key of the batch that feeds the first layer."""
        ...

    def reads(self) -> set[str]:
        """Return the keys of the batch that the rule may read."""
        ...

    def compute(
        self, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the result, as a pure function of arrays."""
        ...


def _compute(
    rule: Rule, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
) -> LearningResult:
    return rule.compute(layers, params, batch)


compiled = jax.jit(_compute, static_argnums=(0, 1))
"""Compiled once for a rule, its layers (by identity) and the shapes."""


def run(
    rule: Rule, layers: Sequence[Layer], params: Sequence[Any], batch: Mapping[str, Any]
) -> LearningResult:
    """Return the result of a rule on a batch; LossError for what does not fit together."""
    check_layers(layers, params)
    if not hashable(rule):
        message = f"a setting of `{type(rule).__name__}` is no plain value"
        help = "settings are compiled in: numbers, strings, functions, compiled losses"
        raise LossError([at("LD904", message, None, help=help)])
    if rule.input not in batch:
        held = ", ".join(f"`{key}`" for key in batch) or "nothing"
        message = f"the batch has no `{rule.input}` for the first layer"
        raise LossError([at("LD902", message, None, help=f"it holds {held}; name it by `input`")])
    read = rule.reads()
    try:
        return compiled(
            rule, tuple(layers), params, {key: one for key, one in batch.items() if key in read}
        )
    except LossError as problem:
        # Raised anew, so that the traceback ends at the call and not inside JAX.
        raise LossError(problem.diagnostics) from problem.__cause__


def positive(**settings: float) -> None:
    """Raise LD904 for a setting that is not a finite number above 0."""
    for name, value in settings.items():
        if not (value > 0 and math.isfinite(value)):
            raise LossError([at("LD904", f"`{name}` is {value:g}; it is a number above 0", None)])


def at_least_one(**settings: int) -> None:
    """Raise LD904 for a number of steps below 1."""
    for name, value in settings.items():
        if value < 1:
            message = f"`{name}` is {value}; inference takes at least 1"
            help = "without a step the hidden layers get no gradient at all"
            raise LossError([at("LD904", message, None, help=help)])


def one_of(choices: Sequence[str], **settings: str) -> None:
    """Raise LD904 for a word that is not one of the choices."""
    for name, value in settings.items():
        if value not in choices:
            listed = ", ".join(f'"{one}"' for one in sorted(choices))
            message = f"`{name}` is {value!r}; it is one of {listed}"
            raise LossError([at("LD904", message, None)])
