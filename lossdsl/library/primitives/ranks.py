"""Ranks in which equal entries share a place."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import beside
from lossdsl.library.primitives.masked import filled, wide


@primitive(
    "midrank(x: float[*S, K], axis: axis[K] = -1, where: bool[*S, K]? = none) -> float[*S, K]",
    family="axes",
    accumulates=True,
    axes=beside,
    laws=("nonneg",),
)
def midrank() -> Kernel:
    """The mean place, from 0, of the entries equal to each one in the sorted order along an axis.

    A mask leaves entries out: they have place 0, and the others are ranked among themselves.
    A NaN has no place: it stays NaN. There is no gradient.

    cite: Kendall 1945, doi:10.1093/biomet/33.3.239
    aka: tied_rank
    unlike: rankdata: SciPy's counts from 1
    example: mean(midrank(x))
    """
    import jax
    import jax.numpy as jnp

    def places(x: Any, count: Any) -> Any:
        ordered = jnp.sort(x)
        first = jnp.searchsorted(ordered, x, side="left")
        after = jnp.minimum(jnp.searchsorted(ordered, x, side="right"), count)
        middle = (first + after - 1).astype(x.dtype) / 2
        return jnp.where(jnp.isnan(x), x, middle)

    def kernel(x: Any, where: Any = None, *, axis: int = -1) -> Any:
        x = jax.lax.stop_gradient(jnp.moveaxis(wide(x), axis, -1))
        mask = jnp.ones_like(x, bool) if where is None else jnp.moveaxis(where, axis, -1)
        mask = jnp.broadcast_to(mask, x.shape)
        if x.size == 0:
            return jnp.moveaxis(x, -1, axis)
        rows = filled(x, mask, jnp.inf).reshape(-1, x.shape[-1])
        counts = jnp.sum(mask, axis=-1, dtype=jnp.int32).reshape(-1)
        ranks = jax.vmap(places)(rows, counts).reshape(x.shape)
        return jnp.moveaxis(jnp.where(mask, ranks, 0), -1, axis)

    return kernel
