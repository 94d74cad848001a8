"""Functions that work along an axis: softmax, sorting, positions."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import beside, same
from lossdsl.library.images import always
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import Axes, shown
from lossdsl.library.rules import Problem, RuleCall, Ruling, result


def _scaled(x: Any, temperature: Any, where: Any, axis: Axes) -> Any:
    """Return x over the temperature, up to one number along the axis; a literal 1 leaves no trace.

    The largest entry is taken off first: that of x/temperature would be off by its rounding, and
    the exponential of that overflows for large x.
    """
    import jax
    import jax.numpy as jnp

    if isinstance(temperature, int | float) and temperature == 1:
        return x
    if where is not None:
        x = jnp.where(where, x, -jnp.inf)
    peak = jax.lax.stop_gradient(jnp.max(x, axis=axis, keepdims=True, initial=-jnp.inf))
    shifted = x - jnp.where(jnp.isfinite(peak), peak, 0)
    shifted = shifted if where is None else jnp.where(where, shifted, 0)
    # The temperature changes nothing at an infinity, where its gradient would be 0*inf.
    return shifted / jnp.where(jnp.isinf(shifted), jax.lax.stop_gradient(temperature), temperature)


def _masked_exponentials(x: Any, where: Any, axis: Axes) -> tuple[Any, Any, Any]:
    """Return x less its largest kept entry, its exponential, and their sum, 1 if none is kept."""
    import jax

    peak = direct.largest(direct.where(where, x, -math.inf), axis, True, -math.inf)
    peak = jax.lax.stop_gradient(direct.where(direct.isfinite(peak), peak, 0))
    shifted = direct.where(where, direct.subtract(x, peak), 0)
    exponential = direct.where(where, direct.exp(shifted), 0)
    total = direct.total(exponential, axis, True)
    return shifted, exponential, direct.where(direct.equal(total, 0), 1, total)


@primitive(
    "softmax(x: float[*S], axis: axes = -1, temperature: float = 1, where: bool[*S]? = none)"
    " -> probs float[*S]",
    axes=beside,
    domain="temperature in (0, inf)",
    laws=("unit", "shift"),
    image=always("(0, 1)"),
)
def softmax() -> Kernel:
    """Exponentials that sum to 1 along an axis, several axes, or `all`.

    Masked entries are 0, and all are where nothing is kept.

    cite: Bridle 1990, doi:10.1007/978-3-642-76153-9_28
    example: mean(square(softmax(z, axis=-1) - p))
    """

    def kernel(x: Any, temperature: Any = 1, where: Any = None, *, axis: Axes = (-1,)) -> Any:
        x = _scaled(x, temperature, where, axis)
        if where is None:
            # The gradient passes through the maximum too: where one entry has nearly all the
            # mass, its slope is then the exact opposite of the others', not rounded to 0.
            peak = direct.largest(x, axis, True, -math.inf)
            exponential = direct.exp(direct.subtract(x, peak))
            return direct.divide(exponential, direct.total(exponential, axis, True))
        _, exponential, total = _masked_exponentials(x, where, axis)
        return direct.where(where, direct.divide(exponential, total), 0)

    return kernel


@primitive(
    "log_softmax(x: float[*S], axis: axes = -1, temperature: float = 1, where: bool[*S]? = none)"
    " -> log_probs float[*S]",
    axes=beside,
    domain="temperature in (0, inf)",
    laws=("concave", "shift"),
    image=always("(-inf, 0)"),
)
def log_softmax() -> Kernel:
    """Logarithm of the softmax, exact where the softmax underflows.

    Masked entries are -inf, with gradient 0.

    cite: Bridle 1990, doi:10.1007/978-3-642-76153-9_28
    aka: logsoftmax
    example: -mean(log_softmax(z, axis=-1))
    """
    import jax

    def unmasked(x: Any, *, axis: Axes) -> Any:
        peak = jax.lax.stop_gradient(direct.largest(x, axis, True, -math.inf))
        shifted = direct.subtract(x, peak)
        return direct.subtract(shifted, direct.log(direct.total(direct.exp(shifted), axis, True)))

    whole = direct.inlined(unmasked, "axis")

    def kernel(x: Any, temperature: Any = 1, where: Any = None, *, axis: Axes = (-1,)) -> Any:
        x = _scaled(x, temperature, where, axis)
        if where is None:
            return whole(x, axis=direct.axes_of(x, axis))
        shifted, _, total = _masked_exponentials(x, where, axis)
        return direct.where(where, direct.subtract(shifted, direct.log(total)), -math.inf)

    return kernel


@primitive(
    "normalize(x: float[*S], axis: axes = -1) -> float[*S]",
    axes=beside,
    laws=("odd", "scale 0", "normalized"),
    image=always("[-1, 1]"),
)
def normalize() -> Kernel:
    """x over its Euclidean length along an axis; 0, with gradient 0, where x is 0.

    example: mean(square(normalize(out) - normalize(tgt)))
    """
    import jax

    def scaled(x: Any, *, axis: Axes) -> Any:
        # Squares of large or small entries are out of range; those of shares of the largest are
        # not, and the result does not depend on what all entries are divided by.
        peak = direct.largest(direct.absolute(x), axis, True, 0)
        zero = direct.equal(peak, 0)
        shares = direct.divide(x, jax.lax.stop_gradient(direct.where(zero, 1, peak)))
        total = direct.total(direct.square(shares), axis, True)
        length = direct.sqrt(direct.where(zero, 1, total))
        return direct.where(zero, 0, direct.divide(shares, length))

    whole = direct.inlined(scaled, "axis")

    def kernel(x: Any, *, axis: Axes = (-1,)) -> Any:
        return whole(x, axis=direct.axes_of(x, axis))

    return kernel


@primitive(
    "one_hot(y: labels int[*S], classes: static int) -> one_hot float[*S, classes]",
    axes=same,
    domain="y in [0, classes); classes in [1, inf)",
)
def one_hot() -> Kernel:
    """1 at the label and 0 elsewhere, along a new last axis; no 1 for a label out of range.

    aka: onehot
    example: mean(square(p - one_hot(y, 3)))
    """
    import jax

    def kernel(y: Any, *, classes: int) -> Any:
        return jax.nn.one_hot(y, classes)

    return kernel


@primitive("arange(stop: static int) -> int[stop]", domain="stop in [0, inf)")
def arange() -> Kernel:
    """The integers from 0 up to, and without, `stop`.

    example: mean(out*arange(3))
    """
    import jax.numpy as jnp

    def kernel(*, stop: int) -> Any:
        return jnp.arange(stop, dtype=jnp.int32)

    return kernel


@primitive("positions(x: any[*S, K], axis: axis[K] = -1) -> int[*S, K]", axes=beside)
def positions() -> Kernel:
    """The place of each entry along an axis, from 0: `arange` of the size that x has.

    nan: a place has no NaN: it does not depend on what stands there

    example: mean(square(out), where=positions(out) > 0)
    """
    from jax import lax

    def kernel(x: Any, *, axis: int = -1) -> Any:
        return lax.broadcasted_iota("int32", x.shape, axis % x.ndim)

    return kernel


def _extreme(find: Any, x: Any, axis: int) -> Any:
    """Return the position of an extreme entry; 0 along an axis that has none."""
    import jax.numpy as jnp

    if x.shape[axis] == 0:
        return jnp.zeros([n for at, n in enumerate(x.shape) if at != axis % x.ndim], jnp.int32)
    return find(x, axis=axis).astype(jnp.int32)


@primitive("argmax(x: num[*S, K], axis: axis[K] = -1) -> int[*S]", axes=beside, laws=("shift",))
def argmax() -> Kernel:
    """Position of the largest entry along an axis, the first of equal ones.

    nan: a position has no NaN: it is that of the first NaN

    example: mean(square(out), where=argmax(z) == y)
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int = -1) -> Any:
        return _extreme(jnp.argmax, x, axis)

    return kernel


@primitive("argmin(x: num[*S, K], axis: axis[K] = -1) -> int[*S]", axes=beside, laws=("shift",))
def argmin() -> Kernel:
    """Position of the smallest entry along an axis, the first of equal ones.

    nan: a position has no NaN: it is that of the first NaN

    example: mean(square(out), where=argmin(z) == y)
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int = -1) -> Any:
        return _extreme(jnp.argmin, x, axis)

    return kernel


@primitive(
    "sort(x: num[*S, K], axis: axis[K] = -1, descending: static bool = false) -> num[*S, K]",
    axes=beside,
    laws=("monotone", "scale 1"),
)
def sort() -> Kernel:
    """The entries in ascending order along an axis.

    example: mean(square(sort(out) - sort(tgt)))
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int = -1, descending: bool = False) -> Any:
        if not x.size:
            return x  # whose derivative is a gather that jax 0.8 refuses
        return jnp.sort(x, axis=axis, descending=descending)

    return kernel


@primitive(
    "argsort(x: num[*S, K], axis: axis[K] = -1, descending: static bool = false) -> int[*S, K]",
    axes=beside,
    laws=("shift",),
)
def argsort() -> Kernel:
    """The positions that sort the entries along an axis, equal ones in their order.

    nan: a position has no NaN: those of NaN stand where the largest do

    example: mean(take_along(out, argsort(tgt))*tgt)
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int = -1, descending: bool = False) -> Any:
        if not x.size:
            return jnp.zeros(x.shape, jnp.int32)
        return jnp.argsort(x, axis=axis, descending=descending).astype(jnp.int32)

    return kernel


@primitive(
    "rank(x: num[*S, K], axis: axis[K] = -1, descending: static bool = false) -> int[*S, K]",
    axes=beside,
    laws=("shift",),
)
def rank() -> Kernel:
    """The place of each entry in the sorted order along an axis, from 0.

    nan: a place has no NaN: those of NaN are the places of the largest

    example: mean(out*rank(tgt))
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int = -1, descending: bool = False) -> Any:
        if not x.size:
            return jnp.zeros(x.shape, jnp.int32)
        order = jnp.argsort(x, axis=axis, descending=descending)
        return jnp.argsort(order, axis=axis).astype(jnp.int32)

    return kernel


def _top(call: RuleCall) -> Ruling:
    x, k, axes = call.array("x"), call.number("k"), call.axes("axis")
    if x.dims is None or axes is None:
        return result(x, None)
    have = x.dims[axes[0]]
    if k.known is not None and have.known is not None and not 0 <= k.known <= have.known:
        return Problem("LD218", f"the top {k} of {have} entries", parameter="k")
    return result(x, (*x.dims[: axes[0]], k, *x.dims[axes[0] + 1 :]))


@primitive(
    "top_k(x: num[*S, K], k: static int, axis: axis[K] = -1) -> num[*S, k]",
    domain="k in [1, inf)",
    rule=_top,
    axes=beside,
    laws=("monotone", "scale 1"),
)
def top_k() -> Kernel:
    """The k largest entries along an axis, the largest first.

    aka: topk
    example: mean(top_k(out, 2))
    """
    import jax
    import jax.numpy as jnp

    def kernel(x: Any, *, k: int, axis: int = -1) -> Any:
        values, _ = jax.lax.top_k(jnp.moveaxis(shown(x), axis, -1), k)
        return jnp.moveaxis(values, -1, axis)

    return kernel
