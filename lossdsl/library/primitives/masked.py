"""What the kernels of reductions share: masks, and the dtypes that sums accumulate in."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from lossdsl.library.primitives import direct
from lossdsl.library.promotion import own_rules

Axes = tuple[int, ...] | None


def wide(x: Any) -> Any:
    """Return half precision as f32, truth values and integers of less than 32 bits as i32."""
    import jax.numpy as jnp

    array = jnp.asarray(x)
    if array.dtype.itemsize >= 4:
        return array
    return array.astype(jnp.float32 if direct.is_floating(array) else jnp.int32)


def converted(x: Any, dtype: Any) -> Any:
    """Return `x` in another dtype; integers that are past one of integers end at its largest.

    >>> import numpy as np
    >>> converted(np.array([7, 2**32 - 1], np.uint32), np.dtype("int32")).tolist()
    [7, 2147483647]
    """
    import jax.numpy as jnp

    whole = x.dtype.kind == "u" and dtype.kind == "i"
    if whole and x.dtype.itemsize >= dtype.itemsize:
        x = jnp.minimum(x, jnp.iinfo(dtype).max)
    return x.astype(dtype)


def kept_count(mask: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Return how many elements of `x` a mask keeps; integers, which count past 2**24."""
    import jax.numpy as jnp

    kept = jnp.broadcast_to(mask, x.shape)
    return direct.total(kept.astype(jnp.int32), axis, keepdims)


def filled(x: Any, where: Any, fill: Any) -> Any:
    """Return `x` with the fill where a mask is false; without a mask, `x` itself."""
    return x if where is None else direct.where(where, x, direct.constant(fill, x.dtype))


def shown(x: Any) -> Any:
    """Return `x`, with a gradient that is NaN where it is.

    A derivative that comparisons decide, which are false for NaN, would be 0 or 1 there.
    """
    if isinstance(x, int | float) or not direct.is_floating(x):
        return x
    return _same()(x)


@cache
def _same() -> Any:
    """Return the identity whose gradient is NaN where its argument is."""
    import jax

    @jax.custom_jvp
    def same(x: Any) -> Any:
        return x

    @same.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        return same(x), direct.multiply(dx, unless_nan(x))

    return direct.inlined(same)


def unless_nan(x: Any) -> Any:
    """Return 1 in the dtype of floats, and NaN where they are."""
    nan, unit = (direct.constant(number, x.dtype) for number in (math.nan, 1))
    return direct.select(direct.isnan(x), nan, unit)


def lowest(dtype: Any) -> Any:
    """Return the identity of the maximum in a dtype of numbers."""
    import jax.numpy as jnp

    return -jnp.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min


def highest(dtype: Any) -> Any:
    """Return the identity of the minimum in a dtype of numbers."""
    import jax.numpy as jnp

    return jnp.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).max


def floating(x: Any) -> Any:
    """Return integers and booleans as the default float, floats as they are."""
    return x if direct.is_floating(x) else x.astype(float)


def summing(*operands: Any) -> Any:
    """Return the dtype in which products of half precision are added up; None for any other."""
    import jax.numpy as jnp

    return jnp.float32 if jnp.result_type(*operands).itemsize < 4 else None


def signed(x: Any) -> Any:
    """Return unsigned integers, of which no sum is sure to be one, as the default float."""
    return x.astype(float) if x.dtype.kind == "u" else x
