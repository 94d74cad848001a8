"""What every rule does around its own equations: check what it is given, and compile once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.errors import Loss, inputs, objective
from lossdsl.learning.layers import Layer, check_layers, forward, hashable, is_array, shown
from lossdsl.learning.result import LearningResult, at_rest
from lossdsl.learning.settings import described, losses, names, one_of, positive, refuse
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
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.generic):
                # A number of NumPy has a dtype of its own, which would meet that of the network.
                object.__setattr__(self, one.name, value.item())
        losses(loss=self.loss)
        names(input=self.input, output=self.output)
        one_of((False, True), check=self.check)
        positive(tolerance=self.tolerance)

    def grads(
        self, layers: Sequence[Layer], params: Sequence[Any], batch: Mapping[str, Any]
    ) -> LearningResult:
        """Return the gradients of the parameters on a batch, with loss and metrics.

        LD901 for layers that do not chain, LD902 for inputs that are missing, LD903 for a loss
        without an error for each example, LD906 with `check`.
        """
        result = _run(compiled, self, layers, params, batch)
        return at_rest(result, self.tolerance) if self.check else result

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
    rule: LearningRule, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
) -> LearningResult:
    return rule.compute(layers, params, batch)


def _evaluate(
    rule: LearningRule, layers: tuple[Layer, ...], params: Any, batch: Mapping[str, Any]
) -> tuple[Any, Terms]:
    out = rule.predict(layers, params, batch[rule.input])
    return objective(rule.loss, rule.output, batch).value(out, params)


compiled = jax.jit(_compute, static_argnums=(0, 1))
"""Compiled once for a rule, its layers (by identity) and the shapes."""

evaluated = jax.jit(_evaluate, static_argnums=(0, 1))
"""The same without gradients."""


def _run(
    function: Callable[..., Any],
    rule: LearningRule,
    layers: Sequence[Layer],
    params: Sequence[Any],
    batch: Mapping[str, Any],
) -> Any:
    """Run a compiled function of a rule on a batch; LossError for what does not fit together."""
    check_layers(layers, params)
    for one in fields(rule):
        value = getattr(rule, one.name)
        if not hashable(value):
            message = f"`{one.name}` is {described(value)}, and has no hash"
            help = "settings are compiled in: numbers, text, functions, tuples, compiled losses"
            raise refuse(message, help)
    read = _read(rule, batch)
    try:
        return function(rule, tuple(layers), params, read)
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
    for name, leaf in ((key, leaf) for key, one in read.items() for leaf in jax.tree.leaves(one)):
        if not is_array(leaf):
            message = f"`{name}` of the batch is {shown(leaf)}, not an array"
            raise LossError([at("LD902", message, None)])
    empty = [leaf for leaf in jax.tree.leaves(read[rule.input]) if jnp.size(leaf) == 0]
    if empty:
        message = f"the batch is empty: `{rule.input}` is {shown(jnp.asarray(empty[0]))}"
        raise LossError([at("LD902", message, None, help="leave out batches without examples")])
    return read
