"""A loss as a function of what is trained: a model gives the inputs, the loss their value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lossdsl.diagnostics import settings
from lossdsl.diagnostics.diagnostic import LossError, article, at
from lossdsl.syntax.options import STEP

if TYPE_CHECKING:
    from lossdsl.loss import CompiledLoss

PARAMS = "params"


def objective(
    loss: CompiledLoss, function: Callable[..., Any], judge: Callable[..., None]
) -> Callable[..., Any]:
    """Return `objective(params, …) -> (value, terms)`: see `CompiledLoss.objective`.

    `judge` is called with what the objective was called with, once that is known to work.
    """

    # `nnx.value_and_grad` refuses a function with a keyword of its own, passed or not.
    def objective(params: Any, *rest: Any, **keywords: Any) -> Any:
        inputs, aux = made_inputs(loss, function, params, *rest, **keywords)
        value, terms = loss.with_terms(**inputs)
        judge(params, rest, keywords)
        return value, (terms, *aux) if aux else terms

    objective.inputs_of = function  # type: ignore[attr-defined]
    objective.loss = loss  # type: ignore[attr-defined]
    return objective


def inputs_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of an objective, jitted or not, that makes the inputs, or itself."""
    settings.hold_function("function", function)
    inner = inspect.unwrap(function, stop=lambda wrapped: hasattr(wrapped, "inputs_of"))
    return getattr(inner, "inputs_of", function)


def made_inputs(
    loss: CompiledLoss, function: Callable[..., Any], params: Any, *rest: Any, **keywords: Any
) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Return the inputs that a function makes, `params` and `step` filled in, and what is aux."""
    step = keywords.pop(STEP, None)
    made = function(params, *rest, **keywords)
    inputs, *aux = made if isinstance(made, tuple) and made else (made,)
    if not isinstance(inputs, Mapping) or not all(isinstance(name, str) for name in inputs):
        what = article(type(inputs).__name__)
        message = f"the inputs are {what}, not a mapping from their names"
        raise LossError([at("LD111", message, None, help="return `{'out': …}`")])
    filled = dict(inputs)
    if PARAMS in loss.signature:
        filled.setdefault(PARAMS, params)
    if STEP in loss.signature and step is not None:
        filled.setdefault(STEP, step)
    if STEP in loss.signature and STEP not in filled and _is_required(loss, STEP):
        help = "pass it by keyword: `objective(params, batch, step=i)`"
        message = "the loss reads `step`, which is missing"
        raise LossError([at("LD120", message, None, help=help)])
    return filled, tuple(aux)


def _is_required(loss: CompiledLoss, name: str) -> bool:
    return inspect.signature(loss).parameters[name].default is inspect.Parameter.empty
