"""The value and the gradient of a batch that is given in micro-batches, as if it were whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.terms import Terms
from lossdsl.training.objective import inputs_function, made_inputs
from lossdsl.training.parts import Parts
from lossdsl.training.term_gradients import wide
from lossdsl.training.trained import trained

if TYPE_CHECKING:
    from lossdsl.loss import CompiledLoss


def accumulate(loss: CompiledLoss, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `step(params, batches, …) -> ((value, terms), gradient)` of a batch in micro-batches.

    `function` is an objective, or makes the inputs of one micro-batch, `function(params, batch)`;
    what it returns beside them is left out. `batches` is a list of batches of any sizes, or one
    tree whose arrays have an axis in front along which `jax.lax.scan` goes. All is that of the
    whole batch: a mean over tokens divides by those of all micro-batches. One micro-batch is
    differentiated at a time; before, each is evaluated once to know the whole. A term that mixes
    examples is LD211.
    """
    inner = inputs_function(function)

    def step(params: Any, batches: Any, **keywords: Any) -> Any:
        leaves = trained(params)
        given = leaves.leaves
        if not jax.tree.leaves(batches):
            help = "a list of batches, or a tree of arrays with an axis in front"
            raise LossError([at("LD121", "`batches` holds no array", None, help=help)])

        def inputs(given: Sequence[Any], batch: Any) -> dict[str, Any]:
            return made_inputs(loss, inner, leaves.tree(given), batch, **keywords)[0]

        def parts(given: Sequence[Any], batch: Any) -> Parts:
            return loss.parts(**inputs(given, batch))

        def whole(total: Parts, given: Sequence[Any]) -> tuple[Any, Terms]:
            return loss.combine(total, **inputs(given, _first(batches)))

        total = _summed(lambda batch: parts(given, batch), batches)
        value, pullback, terms = jax.vjp(whole, total, given, has_aux=True)
        if isinstance(value, dict):
            names = ", ".join(f"`{name}`" for name in value)
            help = 'take one of them: `loss["…"].accumulate(…)`'
            raise LossError(
                [at("LD103", f"the loss has several results: {names}", None, help=help)]
            )
        slopes, beside = pullback(jnp.ones_like(value))

        def gradient(batch: Any) -> Any:
            _, back = jax.vjp(lambda given: parts(given, batch), given)
            # Half precision would lose what is small beside the sum.
            return [*map(wide, back(slopes)[0])]

        summed = map(jnp.add, _summed(gradient, batches), map(wide, beside))
        slope = [each.astype(leaf.dtype) for each, leaf in zip(summed, given, strict=True)]
        return (value, terms), leaves.tree(slope)

    return step


def _first(batches: Any) -> Any:
    return batches[0] if isinstance(batches, list) else jax.tree.map(lambda x: x[0], batches)


def _summed(compute: Callable[[Any], Any], batches: Any) -> Any:
    """Return the sum of what is computed of each micro-batch."""
    if isinstance(batches, list):
        first, *rest = map(compute, batches)
        for each in rest:
            first = jax.tree.map(jnp.add, first, each)
        return first
    shapes = jax.eval_shape(compute, _first(batches))
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

    def added(total: Any, batch: Any) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, compute(batch)), None

    return jax.lax.scan(added, zeros, batches)[0]
