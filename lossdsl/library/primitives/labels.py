"""The log-softmax at a label, which makes no second array as large as the logits."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import Axes, Operand, beside
from lossdsl.library.images import always
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.gathers import clipped, within
from lossdsl.library.primitives.masked import wide
from lossdsl.library.promotion import own_rules


def _rows(operand: Operand) -> Axes | None:
    """The rows of the logits, of which each has one index."""
    return tuple(range(operand.rank)) if operand.at == 1 else beside(operand)


@primitive(
    "pick_log_softmax(x: float[*S, K], index: int[*S], axis: axis[K] = -1, where: bool[*S, K]?"
    " = none) -> log_probs float[*S]",
    family="axes",
    axes=_rows,
    laws=("concave", "shift"),
    fills=True,
    image=always("(-inf, 0)"),
)
def pick_log_softmax() -> Kernel:
    """Logarithm of the softmax at one position of each row: minus a cross entropy.

    It keeps no array of the size of x, and is exact where the softmax there is nearly 1. NaN where
    the index is negative or past the end; -inf, with gradient 0, where that entry is masked.

    formula: take_along(log_softmax(x, where=where), index[..., None])[..., 0]
    cite: Bridle 1990, doi:10.1007/978-3-642-76153-9_28
    example: -mean(pick_log_softmax(z, y))
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    def parts(x: Any, index: Any, axis: int) -> tuple[Any, ...]:
        """Return what is picked, and less the largest entry: the exponentials of all else, their
        sum, and the entry that is picked.
        """
        x = wide(x)
        peak = lax.stop_gradient(direct.largest(x, axis, True, -math.inf))
        is_picked = direct.equal(lax.broadcasted_iota(index.dtype, x.shape, axis), index)
        others = direct.where(is_picked, 0, direct.exp(direct.subtract(x, peak)))
        own = direct.subtract(clipped(x, index, axis), peak)
        return is_picked, others, direct.total(others, axis, True), own

    def value(x: Any, index: Any, axis: int) -> Any:
        _, _, rest, own = parts(x, index, axis)
        # The sum of all exponentials is 1 + rest where the picked entry is the largest.
        normalizer = direct.log1p(direct.add(rest, direct.expm1(own)))
        return direct.subtract(own, normalizer).astype(x.dtype)

    # Its derivative is written out: that of the text keeps the exponentials, and adds up a scatter.
    picked = jax.custom_jvp(value, nondiff_argnums=(2,))

    @picked.defjvp
    @own_rules()
    def _(axis: int, primals: Any, tangents: Any) -> Any:
        (x, index), (moved, _) = primals, tangents
        is_picked, others, rest, own = parts(x, index, axis)
        shares = direct.where(is_picked, rest, direct.negative(others))
        along = direct.total(direct.multiply(shares, moved), axis, True)
        slope = direct.divide(along, direct.add(rest, direct.exp(own)))
        return picked(x, index, axis), slope.astype(x.dtype)

    def masked(x: Any, index: Any, where: Any, axis: int) -> Any:
        """Return the same of the entries that a mask keeps; a row whose own it drops has none, nor
        has one in which all that it keeps are -inf.
        """
        mask = jnp.broadcast_to(where, x.shape)
        x = direct.where(mask, x, -math.inf)
        some = direct.not_equal(direct.largest(x, axis, True, -math.inf), -math.inf)
        own = jnp.take_along_axis(mask, index, axis=axis, mode="clip")
        kept = direct.logical_and(own, some)
        x = direct.where(kept, x, 0)
        return direct.where(kept, picked(x, index, axis), -math.inf)

    def whole(x: Any, index: Any, where: Any, *, axis: int) -> Any:
        index = lax.expand_dims(index if index.dtype.itemsize >= 4 else index.astype(int), (axis,))
        known = picked(x, index, axis) if where is None else masked(x, index, where, axis)
        return lax.squeeze(direct.multiply(known, within(index, x, axis)), (axis,))

    inlined = direct.inlined(whole, "axis")

    def kernel(x: Any, index: Any, where: Any = None, *, axis: int = -1) -> Any:
        if not x.size:
            return jnp.full(index.shape, math.nan, x.dtype)
        return inlined(x, index, where, axis=axis % x.ndim)

    return kernel
