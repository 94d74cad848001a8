"""Weights at which the terms of a loss are of one scale: of their values, or of their gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from lossdsl.diagnostics import settings
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.source import Span
from lossdsl.syntax.options import STEP
from lossdsl.terms import Terms
from lossdsl.training.objective import inputs_function, made_inputs
from lossdsl.training.term_gradients import gradients_by_term, wide

if TYPE_CHECKING:
    from lossdsl.loss import CompiledLoss

Scales = Mapping[str, Any]


def calibrate(
    loss: CompiledLoss,
    function: Callable[..., Any],
    params: Any,
    *batches: Any,
    by: str = "value",
    step: Any = 0,
) -> dict[str, float]:
    """Return weights, for `replace`, at which all terms are of one scale where training starts.

    Takes an objective, or its function, which is called with each of the batches, or with `params`
    alone. By `value` the scale is the magnitude of the raw term, by `gradient` the mean magnitude
    of its derivatives; both are averaged over the batches. The weights of the terms of a result
    keep their signs and add up to how many there are; a weight of 0 stays.
    """
    if settings.hold_text("by", by, "'value'") not in _SCALES:
        message = f"`by` is {by!r}; it is one of {', '.join(map(repr, _SCALES))}"
        raise LossError([at("LD121", message, None, help="such as `by='gradient'`")])
    given: dict[str, Any] = {STEP: step} if STEP in loss.signature else {}
    rests: list[tuple[Any, ...]] = [(batch,) for batch in batches] or [()]
    made = [_SCALES[by](loss, function, params, *rest, **given) for rest in rests]
    if any(isinstance(scale, Tracer) for _, scales in made for scale in scales.values()):
        message = "`calibrate` is called where nothing is known yet, inside of `jit` or `grad`"
        raise LossError([at("LD125", message, None, help="call it once, before training")])
    terms, weights = made[0][0], dict[str, float]()
    for names in _by_result(terms):
        scales = {
            name: sum(float(scales[name]) for _, scales in made) / len(made)
            for name in names
            if float(terms.weight[name]) != 0
        }
        for name, scale in scales.items():
            if not (math.isfinite(scale) and scale > 0):
                raise LossError([_no_scale(loss.term_spans[name], name, scale, by)])
        inverse = {name: 1 / scale for name, scale in scales.items()}
        for name in scales:
            weight = len(scales) * inverse[name] / sum(inverse.values())
            weights[name] = math.copysign(weight, float(terms.weight[name]))
    return weights


def _of_values(
    loss: CompiledLoss, function: Callable[..., Any], params: Any, *rest: Any, **keywords: Any
) -> tuple[Terms, Scales]:
    """Return the terms, and of each how large its raw value is."""
    inputs, _ = made_inputs(loss, inputs_function(function), params, *rest, **keywords)
    _, terms = loss.with_terms(**inputs)
    return terms, {name: jnp.abs(wide(raw)) for name, raw in terms.raw.items()}


def _of_gradients(
    loss: CompiledLoss, function: Callable[..., Any], params: Any, *rest: Any, **keywords: Any
) -> tuple[Terms, Scales]:
    """Return the terms, and of each the mean magnitude of the derivatives of its raw value.

    A mean of the derivatives themselves is no scale: they cancel.
    """
    terms, gradients = gradients_by_term(loss, "raw", function, params, *rest, **keywords)
    return terms, {name: _mean_magnitude(leaves) for name, leaves in gradients.items()}


def _mean_magnitude(leaves: Any) -> jax.Array:
    total = sum(jnp.sum(jnp.abs(wide(leaf))) for leaf in leaves)
    return jnp.asarray(total / max(sum(leaf.size for leaf in leaves), 1))


_SCALES = {"value": _of_values, "gradient": _of_gradients}


def _by_result(terms: Terms) -> list[list[str]]:
    """Return the names of the terms of each result."""
    results: dict[str, list[str]] = {}
    for name in terms.raw:
        results.setdefault(name.rpartition("/")[0], []).append(name)
    return list(results.values())


def _no_scale(span: Span, name: str, scale: float, by: str) -> Diagnostic:
    what = "its value" if by == "value" else "its gradient"
    message = f"no weight gives the term `{name}` the scale of the others: {what} is {scale:g}"
    other = "gradient" if by == "value" else "value"
    help = f"`by={other!r}`, other parameters or a larger batch; or `.without({name!r})`"
    return at("LD125", message, span, help=help)
