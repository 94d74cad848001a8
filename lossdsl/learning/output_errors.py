"""The loss seen from the output of a network: its value, its terms, and the error per example.

A mean over a batch makes the derivative by one example's output small in proportion to the batch,
and a rule whose inference is not linear in it then silently becomes backpropagation. So the error
at the output is `n * dLoss/dout`, with `n` the count that the mean divides by, and `n` is divided
out of the gradients of the weights. A loss that divides by nothing of the kind, or by several
things, has no such error and is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.descent import norm, worst
from lossdsl.terms import Terms

# How many units of rounding an output may be off that is computed once more by another program.
ROUNDINGS = 4


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
        value, terms = self.loss.with_terms(**self._inputs(out, params))
        if isinstance(value, Mapping):
            message = f"a rule drives one result; the loss has {', '.join(f'`{n}`' for n in value)}"
            raise LossError([at("LD908", message, None, help=f'`loss["{next(iter(value))}"]`')])
        return value, terms

    def parts(self, out: Any, params: Any) -> tuple[tuple[Any, Any], tuple[Any, Terms]]:
        """Return the sum of the terms that read the output, of those that do not; and `value`."""
        value, terms = self.value(out, params)
        reading = self.reading(out, params)
        fit = [term for name, term in terms.weighted.items() if name in reading]
        rest = [term for name, term in terms.weighted.items() if name not in reading]
        zero = jnp.zeros((), value.dtype)
        return (sum(fit, start=zero), sum(rest, start=zero)), (value, terms)

    def reading(self, out: Any, params: Any) -> tuple[str, ...]:
        """Return the names of the terms that read the output."""
        return self.loss.readers(self.output, self._inputs(out, params))

    def driven(self, out: Any, params: Any, count: Any) -> tuple[Any, Any]:
        """Return what the output costs times a count, and its derivative by the output."""
        cost, error = jax.value_and_grad(lambda out: self.parts(out, params)[0][0])(out)
        return count * cost, times(count, error)

    def evaluate(self, out: Any, params: Any) -> Evaluation:
        """Return what a rule reads off the loss at the output of a feed-forward pass."""
        (fit, rest), pull, (value, terms) = jax.vjp(self.parts, out, params, has_aux=True)
        error, _ = pull((jnp.ones_like(fit), jnp.zeros_like(rest)))
        _, own = pull((jnp.zeros_like(fit), jnp.ones_like(rest)))
        # In float16 a count may be past the largest number.
        wide = jnp.promote_types(out.dtype, jnp.float32)
        count = jax.lax.stop_gradient(_count(terms, self.reading(out, params))).astype(wide)
        return Evaluation(
            value,
            terms,
            count,
            times(count, error),
            rest,
            own,
            times(count, self._noise(out, error, params)),
        )

    def _noise(self, out: Any, error: Any, params: Any) -> Any:
        """Return what rounding of the output makes of the error, as a difference."""
        eps = float(jnp.finfo(out.dtype).eps)
        sign = jax.random.rademacher(jax.random.key(0), out.shape, out.dtype)
        near = jax.lax.stop_gradient(out * (1 + ROUNDINGS * eps * sign))
        moved = jax.grad(lambda out: self.parts(out, params)[0][0])(near)
        return jax.lax.stop_gradient(moved - error)

    def _inputs(self, out: Any, params: Any) -> dict[str, Any]:
        inputs = {**self.inputs, self.output: out}
        return {**inputs, "params": params} if "params" in self.loss.signature else inputs


@dataclass(frozen=True)
class LossEnd:
    """The end of a chain that predicts the output: what this costs, times a count."""

    objective: Objective
    params: Any
    count: Any

    def __call__(self, prediction: Any) -> tuple[Any, Any]:
        """Return the cost, and the derivative by the output."""
        return self.objective.driven(prediction, self.params, self.count)

    def direct(self, prediction: Any) -> Any:
        """Return the derivative of the cost by the parameters, at a fixed output."""
        slope = jax.grad(lambda own: self.objective.parts(prediction, own)[0][0])(self.params)
        return times(self.count, slope)


@dataclass(frozen=True)
class Evaluation:
    """A loss at one output.

    `error` is for each example. `rest` is the sum of the terms that do not read the output, and
    `own` what the parameters get from them. `noise` is about what rounding makes of the error.
    """

    value: Any
    terms: Terms
    count: Any
    error: Any
    rest: Any
    own: Any
    noise: Any

    @property
    def least(self) -> Any:
        """Whether the loss is at its least, as far as rounding lets one see."""
        return norm(self.error) <= norm(self.noise)

    def judged(self, residuals: Sequence[Any]) -> tuple[Any, Any]:
        """Return the worst residual and all of them, 0 where the loss is at its least."""
        each, most = worst(residuals)
        return jnp.where(self.least, 0, most), jnp.where(self.least, 0, each)


def times(factor: Any, tree: Any) -> Any:
    """Return a tree times a number, in its own dtypes."""
    return jax.tree.map(lambda leaf: (factor * leaf).astype(leaf.dtype), tree)


def inputs(loss: Loss, output: str) -> dict[str, bool]:
    """Return what a batch provides for a loss, and whether it must; LD902 if it reads no output."""
    if output not in loss.signature:
        message = f"the loss does not read the output `{output}`"
        read = ", ".join(f"`{name}`" for name in loss.signature) or "nothing"
        raise LossError([at("LD902", message, None, help=f"it reads {read}; name it by `output`")])
    return {
        name: parameter.default is inspect.Parameter.empty
        for name, parameter in inspect.signature(loss.with_terms).parameters.items()
        if name not in (output, "params")
    }


def objective(loss: Loss, output: str, batch: Mapping[str, Any]) -> Objective:
    """Return the loss with what it reads of a batch."""
    read = inputs(loss, output)
    return Objective(loss, output, {name: batch[name] for name in read if name in batch})


def _count(terms: Terms, reading: Sequence[str]) -> Any:
    """Return what the terms that read the output divide by: 1 for sums, for means their count.

    Where means divide by several, the smallest: `cross_entropy(out, y) + mean(square(out))` is, for
    an example, its cross entropy and the mean of its own squares. A mean of nothing has no error
    that a count could scale, and none is divided out where no other is there.
    """
    for name in reading:
        if terms.combine[name] == "whole":
            message = f"the term `{name}` couples the examples of a batch"
            raise LossError([at("LD903", message, None, help=_WANTED)])
        if terms.combine[name] == "function" and name not in terms.count:
            message = f"the term `{name}` is computed from several means or sums over the batch"
            help = f"{_WANTED}, each a term of its own: `a*mean(…) + b*mean(…)`"
            raise LossError([at("LD903", message, None, help=help)])
    means = [name for name in reading if name in terms.count]
    sums = [name for name in reading if name not in means]
    if not means:
        return jnp.ones(())
    if sums:
        message = f"the term `{means[0]}` is a mean over the batch, `{sums[0]}` is a sum"
        help = (
            "both means, or both sums: as they are, their balance shifts with the size of the batch"
        )
        raise LossError([at("LD903", message, None, help=help)])
    counts = jnp.stack([jnp.asarray(terms.count[name]) for name in means])
    least = jnp.min(jnp.where(counts == 0, jnp.inf, counts))
    return jnp.where(jnp.isinf(least), 1, least)


_WANTED = "a learning rule wants a mean or a sum over examples"
