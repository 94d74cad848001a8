"""What the kernels of reductions share: masks, and the dtypes that sums accumulate in."""

from __future__ import annotations

from typing import Any

Axes = tuple[int, ...] | None


def wide(x: Any) -> Any:
    """Return half precision as f32, anything else as it is."""
    import jax.numpy as jnp

    array = jnp.asarray(x)
    half = jnp.issubdtype(array.dtype, jnp.floating) and array.dtype.itemsize < 4
    return array.astype(jnp.float32) if half else array


def kept(mask: Any, x: Any, axis: Any, keepdims: bool) -> Any:
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
    import jax
    import jax.numpy as jnp

    if isinstance(x, int | float) or not jnp.issubdtype(jnp.result_type(x), jnp.floating):
        return x

    @jax.custom_jvp
    def same(x: Any) -> Any:
        return x

    @same.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        return same(x), dx * jnp.where(jnp.isnan(x), jnp.nan, 1)

    return same(x)


def lowest(dtype: Any) -> Any:
    """Return the identity of the maximum in a dtype."""
    import jax.numpy as jnp

    if jnp.issubdtype(dtype, jnp.floating):
        return -jnp.inf
    return False if dtype == jnp.bool_ else jnp.iinfo(dtype).min


def highest(dtype: Any) -> Any:
    """Return the identity of the minimum in a dtype."""
    import jax.numpy as jnp

    if jnp.issubdtype(dtype, jnp.floating):
        return jnp.inf
    return True if dtype == jnp.bool_ else jnp.iinfo(dtype).max


def floating(x: Any) -> Any:
    """Return integers and booleans as the default float, floats as they are."""
    import jax.numpy as jnp

    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)


def counting(dtype: Any) -> Any:
    """Return the dtype that a sum of integers or booleans has; None leaves floats alone."""
    import jax.numpy as jnp

    if jnp.issubdtype(dtype, jnp.floating):
        return None
    small = dtype == jnp.bool_ or dtype.itemsize < 4
    return jnp.int32 if small else dtype
