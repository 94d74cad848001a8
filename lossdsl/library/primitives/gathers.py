"""Entries picked by arrays of positions."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library import follow
from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.primitives import direct
from lossdsl.library.rules import RuleCall, Ruling, result


def within(index: Any, x: Any, axis: int) -> Any:
    """Return 1 for the positions that there are, else NaN: a factor, so that gradients show it.

    What a gather fills in has gradient 0.
    """
    there = direct.logical_and(direct.greater_equal(index, 0), direct.less(index, x.shape[axis]))
    unit, nan = (direct.constant(number, x.dtype) for number in (1, math.nan))
    return direct.select(there, unit, nan)


def _filling(x: Any) -> Any:
    """Return what stands at a position that is not there."""
    import jax.numpy as jnp

    if jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.nan
    if x.dtype.kind == "b":
        return False
    ends = jnp.iinfo(x.dtype)
    return ends.min or ends.max


def _picked(x: Any, index: Any, *, axis: int) -> Any:
    """Return the floats at positions along an axis, NaN for those that are not there."""
    return direct.multiply(clipped(x, index, axis), within(index, x, axis))


def clipped(x: Any, index: Any, axis: int) -> Any:
    """Return the entries at positions along an axis, which count from its end if negative."""
    import jax.numpy as jnp
    from jax import lax

    rows = [at for at in range(x.ndim) if at != axis]
    sizes = [*x.shape, *index.shape]
    alike = all(x.shape[at] == index.shape[at] for at in rows)
    if not alike or index.dtype != jnp.int32 or not all(isinstance(size, int) for size in sizes):
        return jnp.take_along_axis(x, index, axis=axis, mode="clip")
    negative = direct.less(index, 0)
    counted = direct.where(negative, direct.add(index, x.shape[axis]), index)
    rows_apart = lax.GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
        operand_batching_dims=tuple(rows),
        start_indices_batching_dims=tuple(rows),
    )
    places = lax.reshape(counted, (*index.shape, 1))
    return lax.gather(x, places, rows_apart, (1,) * x.ndim, mode="clip")


def _taken(call: RuleCall) -> Ruling:
    x, index, axes = call.array("x"), call.array("index"), call.axes("axis")
    if x.dims is None or index.dims is None or axes is None:
        return result(x, None)
    return result(x, (*x.dims[: axes[0]], *index.dims, *x.dims[axes[0] + 1 :]))


@primitive(
    "take(x: any[*S, K], index: int[*I], axis: axis[K] = 0) -> any[...]",
    rule=_taken,
    family="shapes",
    axes=follow.taken,
    sink="pick",
    keeps=("x",),
    fills=True,
    domain="index in [0, K)",
)
def take() -> Kernel:
    """The entries at integer positions along an axis: `take(table, ids)`.

    Positions count from 0; NaN where one is negative or past the end.

    note: `gather` of TensorFlow; torch's is `take_along`
    aka: gather index_select
    unlike: embedding: torch's takes the positions first
    example: mean(square(take(z, y, axis=1)))
    """
    import jax.numpy as jnp

    def kernel(x: Any, index: Any, *, axis: int = 0) -> Any:
        if not x.size:
            lead = axis % x.ndim
            shape = (*x.shape[:lead], *index.shape, *x.shape[lead + 1 :])
            return jnp.full(shape, _filling(x), x.dtype)
        if not jnp.issubdtype(x.dtype, jnp.floating):
            counted = jnp.where(index < 0, x.shape[axis], index)
            return jnp.take(x, counted, axis=axis, mode="fill", fill_value=_filling(x))
        taken = jnp.take(x, index, axis=axis, mode="clip")
        lead = axis % x.ndim
        beside = (*range(lead), *range(lead + index.ndim, taken.ndim))
        return direct.multiply(taken, jnp.expand_dims(within(index, x, axis), beside))

    return kernel


@primitive(
    "take_along(x: any[*S, K], index: int[*S, M], axis: axis[K, M] = -1) -> any[*S, M]",
    family="shapes",
    axes=follow.beside,
    keeps=("x",),
    fills=True,
    domain="index in [0, K)",
)
def take_along() -> Kernel:
    """The entries at integer positions along an axis, other positions in each row.

    Positions count from 0; NaN where one is negative or past the end.

    aka: take_along_axis take_along_dim
    example: mean(square(take_along(z, y[:, None], axis=-1)))
    """
    import jax.numpy as jnp

    picked = direct.inlined(_picked, "axis")

    def kernel(x: Any, index: Any, *, axis: int = -1) -> Any:
        if not x.size:
            return jnp.full(index.shape, _filling(x), x.dtype)
        if not jnp.issubdtype(x.dtype, jnp.floating):
            counted = jnp.where(index < 0, x.shape[axis], index)
            return jnp.take_along_axis(x, counted, axis=axis, mode="fill", fill_value=_filling(x))
        return picked(x, index, axis=axis % x.ndim)

    return kernel
