"""What every rule does around its own equations: check what it is given, and compile once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.layers import Layer, check_layers, forward, hashable, is_array, shown
from lossdsl.learning.output_errors import Loss, inputs, objective
from lossdsl.learning.result import LearningResult, at_rest
from lossdsl.learning.rule_settings import (
    TRACED,
    described,
    losses,
    names,
    one_of,
    plain,
    positive,
    refuse,
)
from lossdsl.library.promotion import own_rules
from lossdsl.terms import Terms


@dataclass(frozen=True)
class LearningRule(ABC):
    """A rule: a loss, the settings of its inference, and one method that uses them.

    `batch[input]` feeds the first layer, and the loss reads what the last one returns as `output`;
    its other inputs are those of the batch. `check` raises for a residual past `tolerance`.
    """

    loss: Loss
    input: str = field(default="x", kw_only=True)
    output: str = field(default="out", kw_only=True)
    check: bool = field(default=False, kw_only=True)
    tolerance: float = field(default=0.01, kw_only=True)

    def __post_init__(self) -> None:
        """Raise LD904 for a setting that is of another kind, or out of range."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, np.generic | np.ndarray | jax.Array) and not (
                isinstance(value, Tracer) or value.shape
            ):
                # A number of NumPy has a dtype of its own, which would meet that of the network.
                object.__setattr__(self, setting.name, value.item())
        losses(loss=self.loss)
        names(input=self.input, output=self.output)
        one_of((False, True), check=self.check)
        plain(tolerance=self.tolerance)
        positive(tolerance=self.tolerance)

    @property
    def remedy(self) -> str:
        """What to do where inference is not at rest."""
        return "more `steps`; if it grows with them, a smaller step size"

    def grads(
        self, layers: Sequence[Layer], params: Sequence[Any], batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the gradients of the parameters on a batch, with loss and metrics.

        LD901 for layers that do not chain, LD902 for inputs that are missing, LD903 for a loss
        without an error for each example, LD906 with `check`.
        """
        result = _run(compiled, self, layers, params, batch)
        return at_rest(result, self.tolerance, self.remedy) if self.check else result

    def evaluate(
        self, layers: Sequence[Layer], params: Sequence[Any], batch: Mapping[str, Any]
    ) -> tuple[Any, Terms]:
        """Return the loss on a batch and its `Terms`, metrics among them, without gradients."""
        return _run(evaluated, self, layers, params, batch)

    def predict(self, layers: Sequence[Layer], params: Sequence[Any], x: Any) -> Any:
        """Return the output of the network for an input: here that of a feed-forward pass."""
        return forward(layers, params, x)[-1]

    def reads(self) -> dict[str, str]:
        """Return the keys of the batch that the rule reads, and what for if it must."""
        read = inputs(self.loss, self.output)
        needed = {name: ", which the loss reads" if must else "" for name, must in read.items()}
        return {**needed, self.input: " for the first layer"}

    @abstractmethod
    def compute(
        self, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the result, as a pure function of arrays."""


def _compute(
    rule: LearningRule, layers: tuple[Layer, ...], numbers: Any, params: Any, batch: Any
) -> LearningResult:
    return _with(rule, numbers).compute(layers, params, batch)


def _evaluate(
    rule: LearningRule, layers: tuple[Layer, ...], numbers: Any, params: Any, batch: Any
) -> tuple[Any, Terms]:
    out = _with(rule, numbers).predict(layers, params, batch[rule.input])
    return objective(rule.loss, rule.output, batch).value(out, params)


compiled = jax.jit(own_rules()(_compute), static_argnums=(0, 1))
"""Compiled once for a rule but for its numbers, its layers (by identity) and the shapes."""

evaluated = jax.jit(own_rules()(_evaluate), static_argnums=(0, 1))
"""The same without gradients."""


def _with(rule: LearningRule, numbers: Mapping[str, Any]) -> LearningRule:
    """Return the rule with other numbers, which were checked before or are traced."""
    other = copy(rule)
    for name, value in numbers.items():
        object.__setattr__(other, name, value)
    return other


def _numbers(rule: LearningRule, *arguments: Any) -> dict[str, Any]:
    """Return the settings that are arguments of what is compiled, and not compiled in.

    In a transformation of the caller's only traced ones are: reverse-mode differentiation wants a
    number of steps that is known, and the caller's program is what compiles.
    """
    settings = {
        setting.name: getattr(rule, setting.name)
        for setting in fields(rule)
        if TRACED in setting.metadata
    }
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(arguments)):
        return {name: value for name, value in settings.items() if isinstance(value, Tracer)}
    return settings


def _run(
    function: Callable[..., Any],
    rule: LearningRule,
    layers: Sequence[Layer],
    params: Sequence[Any],
    batch: Mapping[str, Any],
) -> Any:
    """Run a compiled function of a rule on a batch; LossError for what does not fit together."""
    check_layers(layers, params)
    read = _read(rule, batch)
    numbers = _numbers(rule, params, read)
    for setting in fields(rule):
        value = getattr(rule, setting.name)
        if setting.name not in numbers and not hashable(value):
            message = f"`{setting.name}` is {described(value)}, and has no hash"
            help = "settings are compiled in: numbers, text, functions, tuples, compiled losses"
            raise refuse(message, help)
    still = _with(rule, dict.fromkeys(numbers))
    try:
        return function(still, tuple(layers), numbers, params, read)
    except LossError as problem:
        # Raised anew, so that the traceback ends at the call and not inside JAX.
        raise LossError(problem.diagnostics) from problem.__cause__


def _read(rule: LearningRule, batch: Any) -> dict[str, Any]:
    """Return what a rule reads of a batch; LD902 for what is no batch."""
    if not isinstance(batch, Mapping):
        help = f'`{{"{rule.input}": …}}`'
        message = f"the batch is {described(batch)}, not a mapping of names to arrays"
        raise LossError([at("LD902", message, None, help=help)])
    reads = rule.reads()
    for name, purpose in reads.items():
        if purpose and name not in batch:
            held = ", ".join(f"`{key}`" for key in batch) or "nothing"
            message = f"the batch has no `{name}`{purpose}"
            raise LossError([at("LD902", message, None, help=f"it holds {held}")])
    read = {name: batch[name] for name in reads if name in batch}
    for name, leaf in ((key, leaf) for key, tree in read.items() for leaf in jax.tree.leaves(tree)):
        if not is_array(leaf):
            message = f"`{name}` of the batch is {shown(leaf)}, not an array"
            raise LossError([at("LD902", message, None)])
    empty = [leaf for leaf in jax.tree.leaves(read[rule.input]) if jnp.size(leaf) == 0]
    if empty:
        message = f"the batch is empty: `{rule.input}` is {shown(jnp.asarray(empty[0]))}"
        raise LossError([at("LD902", message, None, help="leave out batches without examples")])
    return read
