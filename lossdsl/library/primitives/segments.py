"""Sums and means over groups of rows: packed sequences, nodes of graphs, one or many of them."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import grouped
from lossdsl.library.primitives.masked import signed, wide


def _added(x: Any, by: Any, segments: int) -> Any:
    """Return the sum of the rows of each group; rows of no group count nowhere."""
    import jax
    import jax.numpy as jnp

    x = signed(wide(x))
    if by.ndim > 1:
        return jax.vmap(lambda rows, groups: _added(rows, groups, segments))(x, by)
    counted = jnp.where(by < 0, segments, by)
    return jnp.zeros((segments, *x.shape[1:]), x.dtype).at[counted].add(x, mode="drop")


@primitive(
    "segment_sum(x: num[*S, N, *R], by: int[*S, N], segments: static int) -> num[*S, segments, *R]",
    grows="size",
    accumulates=True,
    domain="segments in [1, inf)",
    axes=grouped,
    laws=("odd", "monotone"),
)
def segment_sum() -> Kernel:
    """The sum of the rows of each group; `by` gives the group of each row, from 0.

    Where `by` has more axes than one, each of its rows has groups of its own.

    aka: scatter_add scatter_sum
    example: mean(segment_sum(out, y, segments=3))
    """

    def kernel(x: Any, by: Any, *, segments: int) -> Any:
        return _added(x, by, segments)

    return kernel


@primitive(
    "segment_mean(x: float[*S, N, *R], by: int[*S, N], segments: static int)"
    " -> float[*S, segments, *R]",
    accumulates=True,
    domain="segments in [1, inf)",
    axes=grouped,
    laws=("odd", "monotone"),
)
def segment_mean() -> Kernel:
    """The mean of the rows of each group; 0 for a group without rows.

    Where `by` has more axes than one, each of its rows has groups of its own.

    aka: scatter_mean
    example: mean(segment_mean(out, y, segments=3))
    """
    import jax.numpy as jnp

    def kernel(x: Any, by: Any, *, segments: int) -> Any:
        count = _added(jnp.ones(by.shape, jnp.int32), by, segments)
        total = _added(x, by, segments)
        divisor = jnp.maximum(count, 1).astype(total.dtype)
        return total / divisor.reshape(*divisor.shape, *(1,) * (x.ndim - by.ndim))

    return kernel
