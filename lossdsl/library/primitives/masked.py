"""What the kernels of reductions share: masks, and the dtypes that sums accumulate in."""

from __future__ import annotations

from functools import cache
from typing import Any

from lossdsl.library.promotion import own_rules

Axes = tuple[int, ...] | None


def wide(x: Any) -> Any:
    """Return half precision as f32, truth values and integers of less than 32 bits as i32."""
    import jax.numpy as jnp

    array = jnp.asarray(x)
    if array.dtype.itemsize >= 4:
        return array
    floats = jnp.issubdtype(array.dtype, jnp.floating)
    return array.astype(jnp.float32 if floats else jnp.int32)


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

    return jnp.sum(jnp.broadcast_to(mask, x.shape), axis=axis, keepdims=keepdims, dtype=jnp.int32)


def filled(x: Any, where: Any, fill: Any) -> Any:
    """Return `x` with the fill where a mask is false; without a mask, `x` itself."""
    import jax.numpy as jnp

    return x if where is None else jnp.where(where, x, jnp.asarray(fill, x.dtype))


def shown(x: Any) -> Any:
    """Return `x`, with a gradient that is NaN where it is.

    A derivative that comparisons decide, which are false for NaN, would be 0 or 1 there.
    """
    import jax.numpy as jnp

    if isinstance(x, int | float) or not jnp.issubdtype(jnp.result_type(x), jnp.floating):
        return x
    return _same()(x)


@cache
def _same() -> Any:
    """Return the identity whose gradient is NaN where its argument is."""
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def same(x: Any) -> Any:
        return x

    @same.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        return same(x), dx * jnp.where(jnp.isnan(x), jnp.nan, 1)

    return same


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
    import jax.numpy as jnp

    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)


def summing(*operands: Any) -> Any:
    """Return the dtype in which products of half precision are added up; None for any other."""
    import jax.numpy as jnp

    return jnp.float32 if jnp.result_type(*operands).itemsize < 4 else None


def signed(x: Any) -> Any:
    """Return unsigned integers, of which no sum is sure to be one, as the default float."""
    import jax.numpy as jnp

    return x.astype(float) if jnp.issubdtype(x.dtype, jnp.unsignedinteger) else x
