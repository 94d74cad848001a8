"""Reductions that are more than one pass: spread, length, log-sum-exp, quantiles.

The conventions are those of `reductions.py`; a quantile takes a second operand, so that it is
no reduction of the language, but a function of axes.
"""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import beside
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import Axes, filled, floating, kept_count, wide
from lossdsl.library.rules import RuleCall, Ruling, result


def _variance(x: Any, where: Any, axis: Any, keepdims: bool) -> Any:
    """Return the mean squared distance from the mean of what the mask keeps."""
    import jax.numpy as jnp

    x = floating(wide(x))
    if where is None:
        return jnp.var(x, axis=axis, keepdims=keepdims)
    count = direct.maximum(kept_count(where, x, axis, True), 1).astype(x.dtype)
    center = direct.divide(direct.total(filled(x, where, 0), axis, True), count)
    squares = direct.square(filled(direct.subtract(x, center), where, 0))
    total = direct.divide(direct.total(squares, axis, True), count)
    return total if keepdims else jnp.squeeze(total, axis)


@primitive(
    "var(x: num[*S]) -> float",
    reduction=True,
    accumulates=True,
    laws=("nonneg", "even", "convex", "scale 2"),
)
def var() -> Kernel:
    """Variance of the elements, divided by their number; 0 where a mask keeps nothing.

    aka: variance
    example: var(out)
    """

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        return _variance(x, where, axis, keepdims)

    return kernel


def _length(x: Any, axis: Any, keepdims: bool) -> Any:
    """Return the Euclidean length, with gradient 0 at 0.

    The squares are those of shares of the largest entry, so that none is out of range.
    """
    import jax
    import jax.numpy as jnp

    peak = direct.largest(direct.absolute(x), axis, True, 0)
    usable = direct.logical_and(direct.greater(peak, 0), direct.isfinite(peak))
    unit = jax.lax.stop_gradient(direct.where(usable, peak, 1))
    total = direct.total(direct.square(direct.divide(x, unit)), axis, True)
    zero = direct.equal(total, 0)
    root = direct.sqrt(direct.where(zero, 1, total))
    length = direct.where(zero, 0, direct.multiply(unit, root))
    return length if keepdims else jnp.squeeze(length, axis)


@primitive(
    "std(x: num[*S]) -> float",
    reduction=True,
    accumulates=True,
    laws=("nonneg", "even", "convex", "scale 1"),
)
def std() -> Kernel:
    """Standard deviation, with gradient 0 where the elements are equal.

    aka: stddev standard_deviation
    example: std(out)
    """
    import jax.numpy as jnp

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        x = floating(wide(x))
        mask = True if where is None else where
        count = kept_count(mask, x, axis, True)
        divisor = (count if where is None else direct.maximum(count, 1)).astype(x.dtype)
        center = direct.divide(direct.total(filled(x, where, 0), axis, True), divisor)
        length = _length(filled(direct.subtract(x, center), where, 0), axis, True)
        spread = direct.divide(length, direct.sqrt(divisor))
        return spread if keepdims else jnp.squeeze(spread, axis)

    return kernel


@primitive(
    "norm(x: num[*S]) -> float",
    reduction=True,
    accumulates=True,
    laws=("nonneg", "even", "convex", "scale 1"),
)
def norm() -> Kernel:
    """Euclidean length, the root of the sum of squares, with gradient 0 at 0.

    aka: l2norm linalg_norm vector_norm
    example: mean(norm(out, axis=-1))
    """

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        return _length(filled(floating(wide(x)), where, 0), axis, keepdims)

    return direct.inlined(kernel, "axis", "keepdims")


@primitive(
    "rms(x: num[*S]) -> float",
    reduction=True,
    accumulates=True,
    laws=("nonneg", "even", "convex", "scale 1"),
)
def rms() -> Kernel:
    """Root of the mean of squares, with gradient 0 at 0; 0 where a mask keeps nothing.

    aka: root_mean_square
    example: mean(rms(out, axis=-1))
    """

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        x = floating(wide(x))
        count = kept_count(True if where is None else where, x, axis, keepdims)
        divisor = count if where is None else direct.maximum(count, 1)
        length = _length(filled(x, where, 0), axis, keepdims)
        return direct.divide(length, direct.sqrt(divisor.astype(length.dtype)))

    return kernel


def _logsumexp(x: Any, where: Any, axis: Any, keepdims: bool) -> Any:
    """Return log(sum(exp(x))): exact, and -inf with gradient 0 where nothing is above -inf."""
    import jax
    import jax.numpy as jnp

    x = filled(floating(wide(x)), where, -jnp.inf)
    peak = direct.largest(x, axis, True, -math.inf)
    peak = jax.lax.stop_gradient(direct.where(direct.isfinite(peak), peak, 0))
    total = direct.total(direct.exp(direct.subtract(x, peak)), axis, True)
    empty = direct.equal(total, 0)
    logs = direct.add(direct.log(direct.where(empty, 1, total)), peak)
    logs = direct.where(empty, -math.inf, logs)
    return logs if keepdims else jnp.squeeze(logs, axis)


@primitive(
    "logsumexp(x: num[*S]) -> float",
    reduction=True,
    fills=True,
    accumulates=True,
    laws=("monotone", "convex"),
)
def logsumexp() -> Kernel:
    """Logarithm of the sum of exponentials, exact for large |x|.

    It is -inf, with gradient 0, where every entry is -inf or a mask keeps nothing.

    example: mean(logsumexp(z, axis=-1))
    """

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        return _logsumexp(x, where, axis, keepdims)

    return direct.inlined(kernel, "axis", "keepdims")


@primitive(
    "logmeanexp(x: num[*S]) -> float",
    reduction=True,
    fills=True,
    accumulates=True,
    laws=("monotone", "convex"),
)
def logmeanexp() -> Kernel:
    """Logarithm of the mean of exponentials, exact for large |x|.

    example: mean(logmeanexp(z, axis=-1))
    """
    import jax.numpy as jnp

    def kernel(x: Any, where: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        total = _logsumexp(x, where, axis, keepdims)
        count = kept_count(True if where is None else where, jnp.asarray(x), axis, keepdims)
        return total - jnp.log(jnp.maximum(count, 1).astype(total.dtype))

    return kernel


def _quantile(call: RuleCall) -> Ruling:
    x, axes = call.array("x"), call.axes("axis")
    if x.dims is None:
        return result(x, () if axes is None else None)
    gone = range(len(x.dims)) if axes is None else axes
    return result(x, tuple(dim for at, dim in enumerate(x.dims) if at not in gone))


@primitive(
    "quantile(x: float[*S], q: float, axis: axes = all, where: bool[*S]? = none) -> float[...]",
    rule=_quantile,
    accumulates=True,
    domain="q in [0, 1]",
    axes=beside,
    laws=("monotone", "scale 1"),
)
def quantile() -> Kernel:
    """The value below which a share q of the elements lies, interpolated; 0.5 is the median.

    It is 0 where a mask keeps nothing.

    unlike: percentile: it counts to 100: `quantile(x, 0.9)` is that at 90
    unlike: median: it is `quantile(x, 0.5)`
    example: quantile(out, 0.9)
    """
    import math

    import jax.numpy as jnp

    def kernel(x: Any, q: Any, where: Any = None, *, axis: Axes = None) -> Any:
        x = wide(x)
        lost = jnp.isnan(x) if where is None else jnp.isnan(x) & where
        # A sort puts NaN last, so that a gradient would see none, nor a quantile under a mask.
        x = x * jnp.where(jnp.any(lost, axis=axis, keepdims=True), jnp.nan, 1)
        if where is None:
            return jnp.quantile(x, q, axis=axis)
        axes = tuple(range(x.ndim)) if axis is None else axis
        rest = tuple(at for at in range(x.ndim) if at not in axes)
        shape = (*(x.shape[at] for at in rest), math.prod(x.shape[at] for at in axes))
        count = kept_count(where, x, axes, False)
        flat = jnp.transpose(filled(x, where, jnp.inf), (*rest, *axes)).reshape(shape)
        last = jnp.maximum(count - 1, 0)
        place = q * last.astype(x.dtype)
        low = jnp.floor(place).astype(jnp.int32)
        ends = jnp.stack([low, jnp.minimum(low + 1, last)], axis=-1)
        pair = jnp.take_along_axis(jnp.sort(flat, axis=-1), ends, axis=-1)
        pair = jnp.where((count > 0)[..., None], pair, 0)
        return pair[..., 0] + (place - low) * (pair[..., 1] - pair[..., 0])

    return kernel
