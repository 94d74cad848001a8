"""What a learning rule returns, and what is said when inference has not come to rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.diagnostics.warn import Warner


@jax.tree_util.register_pytree_with_keys_class
@dataclass(frozen=True)
class LearningResult:
    """Gradients of one batch, and what they were computed from. A pytree.

    `grads` has the structure of the parameters, for any optimizer of optax. `loss` and `metrics`
    are those of the spec at the network's output. `energy` is what inference lowers, for each
    example as the loss is. `residuals` say for each layer, the first one first, how far inference
    was from rest: 0 at rest, 1 where it has not begun; `residual` is the largest of them.
    `rounding` is about how much of the gradients is rounding, where they are a
    difference of two nearly equal ones; else 0.
    """

    grads: Any
    loss: Any
    metrics: Mapping[str, Any]
    energy: Any
    residual: Any
    residuals: Any
    rounding: Any = 0.0

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
        """Flatten for JAX; the names of the metrics are static, so that their order is kept."""
        parts = {**vars(self), "metrics": tuple(self.metrics.values())}
        children = [(jax.tree_util.GetAttrKey(name), part) for name, part in parts.items()]
        return children, tuple(self.metrics)

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], children: Any) -> LearningResult:
        """Rebuild from what `tree_flatten_with_keys` took apart."""
        grads, loss, metrics, *rest = children
        return cls(grads, loss, dict(zip(names, metrics, strict=True)), *rest)


def at_rest(result: LearningResult, tolerance: float, remedy: str) -> LearningResult:
    """Return the result, or raise LD906 if a residual is past the tolerance.

    Inside a transformation of the caller's there is no number yet: the program warns when it runs,
    once.
    """
    if isinstance(result.residuals, Tracer):
        warner = Warner()
        jax.debug.callback(
            lambda residuals: warner(_restless(residuals, tolerance, remedy)), result.residuals
        )
        return result
    diagnostics = _restless(result.residuals, tolerance, remedy)
    if diagnostics:
        raise LossError(diagnostics)
    return result


def _restless(residuals: Any, tolerance: float, remedy: str) -> list[Diagnostic]:
    each = np.asarray(residuals)
    layer = int(np.argmax(each))  # the first that is NaN, if one is
    # Written so that a residual that is NaN is past every tolerance.
    if each[layer] <= tolerance:
        return []
    message = (
        f"inference is not at rest: its residual is {each[layer]:.3g} at layer {layer}, "
        f"allowed is {tolerance:g}"
    )
    return [at("LD906", message, None, help=remedy)]
