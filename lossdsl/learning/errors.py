"""The loss seen from the output of a network: its value, its terms, and the error per example.

A mean over a batch makes the derivative by one example's output small in proportion to the batch,
and a rule whose inference is not linear in it then silently becomes backpropagation. So the error
at the output is `n * dLoss/dout`, with `n` the count that the mean divides by, and `n` is divided
out of the gradients of the weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.terms import Terms


class Loss(Protocol):
    """A loss as a rule sees it: a `CompiledLoss`, or what behaves like one. Hashable."""

    @property
    def signature(self) -> Mapping[str, Any]:
        """The inputs by name."""
        ...

    @property
    def with_terms(self) -> Callable[..., Any]:
        """A function of the inputs, by name, that returns `(value, Terms)`."""
        ...

    def readers(self, name: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the terms that read an input at a call."""
        ...


@dataclass(frozen=True)
class Objective:
    """A loss whose inputs are all given but its output and the parameters."""

    loss: Loss
    output: str
    inputs: Mapping[str, Any]

    def value(self, out: Any, params: Any) -> tuple[Any, Terms]:
        """Return the value and the terms."""
        value, terms = self.loss.with_terms(**self._given(out, params))
        if isinstance(value, Mapping):
            message = f"a rule drives one result; the loss has {', '.join(f'`{n}`' for n in value)}"
            raise LossError([at("LD908", message, None, help=f'`loss["{next(iter(value))}"]`')])
        return value, terms

    def driven(self, out: Any, params: Any, count: Any) -> tuple[Any, Any]:
        """Return the loss times a count, and its derivative by the output."""
        loss, error = jax.value_and_grad(lambda out: self.value(out, params)[0])(out)
        return count * loss, count * error

    def evaluate(self, out: Any, params: Any) -> Evaluation:
        """Return everything that a rule reads off the loss at one output."""
        by_both = jax.value_and_grad(self.value, argnums=(0, 1), has_aux=True)
        (value, terms), (error, direct) = by_both(out, params)
        reading = self.loss.readers(self.output, self._given(out, params))
        count = jax.lax.stop_gradient(_count(terms, reading)).astype(out.dtype)
        return Evaluation(value, terms, count, count * error, direct)

    def _given(self, out: Any, params: Any) -> dict[str, Any]:
        given = {**self.inputs, self.output: out}
        return {**given, "params": params} if "params" in self.loss.signature else given


@dataclass(frozen=True)
class Evaluation:
    """A loss at one output: `error` is for each example, `direct` what `params` get without it."""

    value: Any
    terms: Terms
    count: Any
    error: Any
    direct: Any


def objective(loss: Loss, output: str, batch: Mapping[str, Any]) -> Objective:
    """Return the loss with what it reads of a batch; LD902 for what nothing provides."""
    if output not in loss.signature:
        message = f"the loss does not read the output `{output}`"
        read = ", ".join(f"`{name}`" for name in loss.signature)
        raise LossError([at("LD902", message, None, help=f"it reads {read}; name it by `output`")])
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(loss.with_terms).parameters.items():
        if name in (output, "params"):
            continue
        if name in batch:
            given[name] = batch[name]
        elif parameter.default is inspect.Parameter.empty:
            message = f"the loss reads `{name}`, which no learning rule provides"
            held = ", ".join(f"`{key}`" for key in batch)
            help = f"put it into `batch`, which holds {held or 'nothing'}"
            raise LossError([at("LD902", message, None, help=help)])
    return Objective(loss, output, given)


def _count(terms: Terms, reading: Sequence[str]) -> Any:
    """Return the count of the first mean among the terms that read the output, or 1 of a sum.

    A function of several reductions has no count of its own. An empty mask counts as one: its
    error is 0, and is to stay so when the count is divided out.
    """
    for name in reading:
        if terms.combine[name] == "whole":
            message = f"the term `{name}` couples the examples of a batch"
            help = "a learning rule wants a mean or a sum over examples"
            raise LossError([at("LD903", message, None, help=help)])
    for name in reading:
        if name in terms.count:
            count = jnp.asarray(terms.count[name])
            return jnp.where(count == 0, 1, count)
        if terms.combine[name] == "sum":
            break
    return jnp.ones(())
