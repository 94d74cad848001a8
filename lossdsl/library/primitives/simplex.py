"""Projection onto the simplex: a softmax with exact zeros."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import beside
from lossdsl.library.primitives.masked import wide


@primitive(
    "sparsemax(x: float[*S, K], axis: axis[K] = -1) -> probs float[*S, K]",
    family="axes",
    accumulates=True,
    axes=beside,
    laws=("unit", "shift"),
)
def sparsemax() -> Kernel:
    """The nearest probabilities to x along an axis: most of them are exactly 0.

    One infinite entry has all of them; several, as a NaN, give NaN.

    cite: Martins & Astudillo 2016, arXiv:1602.02068
    aka: projection_simplex
    example: mean(square(sparsemax(x)))
    """
    import jax
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int = -1) -> Any:
        x = wide(x)
        if x.shape[axis] == 0:
            return x
        peak = jax.lax.stop_gradient(jnp.max(x, axis=axis, keepdims=True))
        # All that is in the support lies within 1 of the peak, so that no sum overflows.
        lone = jnp.isposinf(peak) & (jnp.sum(x == peak, axis=axis, keepdims=True) == 1)
        below = jnp.maximum(jnp.where(lone & (x == peak), 0, x - peak), -1)
        unsure = jnp.isnan(peak) | (jnp.isinf(peak) & ~lone)
        below = below * jnp.where(unsure, jnp.nan, 1)
        fixed = jax.lax.stop_gradient(below)
        ordered = jnp.sort(fixed, axis=axis, descending=True)
        counts = jnp.cumsum(jnp.ones_like(ordered), axis=axis)
        inside = 1 + counts * ordered > jnp.cumsum(ordered, axis=axis)
        size = jnp.sum(inside, axis=axis, keepdims=True, dtype=x.dtype)
        total = jnp.sum(jnp.where(inside, ordered, 0), axis=axis, keepdims=True)
        support = (fixed > (total - 1) / size) | unsure
        threshold = (jnp.sum(jnp.where(support, below, 0), axis=axis, keepdims=True) - 1) / size
        return jnp.where(support, below - threshold, 0)

    return kernel
