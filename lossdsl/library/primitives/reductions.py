"""Reductions: from an array, along axes or all of them, to fewer elements.

`where` and `weight` have the rank of `x`, with dims of size 1 where they do not vary; under a
false mask `x` is finite already. Floats accumulate, and come out, in at least f32.
"""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import (
    Axes,
    filled,
    floating,
    highest,
    kept_count,
    lowest,
    shown,
    signed,
    wide,
)
from lossdsl.library.syntax_forms import Form


def _weighted(x: Any, where: Any, weight: Any) -> tuple[Any, Any]:
    """Return what a weighted sum adds up, and its weights, 0 where the mask is false."""
    weights = direct.where(where, weight, 0)
    return direct.multiply(x, weights.astype(x.dtype)), weights


@primitive(
    "mean(x: num[*S]) -> float",
    reduction=True,
    accumulates=True,
    weighted=True,
    across="mean",
    combine="mean",
    form=Form.MEAN,
    laws=("odd", "monotone"),
)
def mean() -> Kernel:
    """Arithmetic mean; 0 where a mask keeps nothing, NaN over no elements at all.

    A mean of true and false is the share of true. `weight=` averages with weights, and
    `normalize=` says what the sum is divided by: the sum of the weights, the count of what is
    kept, or all elements.

    aka: average reduce_mean avg
    unlike: nanmean: a NaN shows here unless it is left out: `mean(x, where=x == x)`
    example: mean(out)
    """
    import math

    import jax.numpy as jnp

    def kernel(
        x: Any,
        where: Any = None,
        weight: Any = None,
        *,
        axis: Axes = None,
        keepdims: bool = False,
        normalize: str = "weight",
    ) -> Any:
        x = floating(wide(x))
        if where is None and weight is None:
            return direct.mean(x, axis, keepdims)
        mask = direct.not_equal(weight, 0) if where is None else where
        count = kept_count(mask, x, axis, keepdims)
        terms, weights = (
            (filled(x, mask, 0), None) if weight is None else _weighted(x, mask, weight)
        )
        total = direct.total(terms, axis, keepdims)
        if normalize == "all":
            axes = range(x.ndim) if axis is None else axis
            size: Any = math.prod(x.shape[at] for at in axes)
            # One that `jax.export` leaves open is no smaller, which JAX does not see of a product.
            divisor: Any = max(1, size) if isinstance(size, int) else size
        elif normalize == "count" or weights is None:
            divisor = count.astype(total.dtype)
        else:
            spread = jnp.broadcast_to(weights, x.shape).astype(total.dtype)
            divisor = direct.total(spread, axis, keepdims)
        some = direct.greater(count, 0)
        divisor = direct.where(some, divisor, 1)
        return direct.where(some, direct.divide(total, divisor), 0)

    return kernel


@primitive(
    "sum(x: num[*S]) -> num",
    reduction=True,
    grows="size",
    accumulates=True,
    weighted=True,
    across="add",
    combine="sum",
    form=Form.SUM,
    laws=("odd", "monotone"),
)
def sum_() -> Kernel:
    """Sum; 0 where a mask keeps nothing. `weight=` multiplies each element.

    aka: reduce_sum total
    unlike: nansum: a NaN shows here unless it is left out: `sum(x, where=x == x)`
    example: sum(out)
    """

    def kernel(
        x: Any,
        where: Any = None,
        weight: Any = None,
        *,
        axis: Axes = None,
        keepdims: bool = False,
        normalize: str = "weight",
    ) -> Any:
        x = signed(wide(x))
        if weight is not None:
            mask = direct.not_equal(weight, 0) if where is None else where
            x, _ = _weighted(floating(x), mask, weight)
        elif where is not None:
            x = filled(x, where, 0)
        return direct.total(x, axis, keepdims)

    return kernel


@primitive(
    "max(x: num[*S]) -> num",
    reduction=True,
    fills=True,
    across="maximum",
    laws=("monotone", "convex"),
)
def max_() -> Kernel:
    """Largest element, the gradient shared by ties; -inf where a mask keeps nothing.

    aka: amax reduce_max
    example: max(out)
    """

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        x = wide(x)
        low = lowest(x.dtype)
        return direct.largest(shown(filled(x, where, low)), axis, keepdims, None if x.size else low)

    return kernel


@primitive(
    "min(x: num[*S]) -> num",
    reduction=True,
    fills=True,
    across="minimum",
    laws=("monotone", "concave"),
)
def min_() -> Kernel:
    """Smallest element, the gradient shared by ties; inf where a mask keeps nothing.

    aka: amin reduce_min
    example: min(out)
    """

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        x = wide(x)
        high = highest(x.dtype)
        filled_in = shown(filled(x, where, high))
        return direct.smallest(filled_in, axis, keepdims, None if x.size else high)

    return kernel


@primitive("prod(x: num[*S]) -> float", reduction=True, accumulates=True, across="multiply")
def prod() -> Kernel:
    """Product; 1 where a mask keeps nothing.

    example: prod(p)
    """
    import jax.numpy as jnp

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        x = filled(floating(wide(x)), where, 1)
        return jnp.prod(x, axis=axis, keepdims=keepdims)

    return kernel


@primitive("any(x: bool[*S]) -> bool", reduction=True, across="or")
def any_() -> Kernel:
    """Whether one element is true; false where a mask keeps nothing.

    example: mean(out, where=any(out > 0, axis=-1))
    """

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        chosen = x if where is None else direct.logical_and(where, x)
        return direct.some(chosen, axis, keepdims)

    return kernel


@primitive("all(x: bool[*S]) -> bool", reduction=True, across="and")
def all_() -> Kernel:
    """Whether every element is true; true where a mask keeps nothing.

    example: mean(out, where=all(out > -9, axis=-1))
    """

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        chosen = x if where is None else direct.logical_or(direct.logical_not(where), x)
        return direct.every(chosen, axis, keepdims)

    return kernel


@primitive("count(x: bool[*S]) -> int", reduction=True, across="add", combine="sum")
def count() -> Kernel:
    """How many elements are true.

    aka: count_nonzero
    example: sum(square(out))/count(out > -9)
    """
    import jax.numpy as jnp

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        chosen = jnp.asarray(x if where is None else direct.logical_and(where, x))
        return direct.total(chosen.astype(jnp.int32), axis, keepdims)

    return kernel
