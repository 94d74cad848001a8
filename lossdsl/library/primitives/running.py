"""What runs along an axis: sums so far, differences, recurrences."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import beside
from lossdsl.library.primitives.masked import wide


@primitive(
    "cumsum(x: num[*S, K], axis: axis[K] = -1, reverse: static bool = false) -> num[*S, K]",
    grows="size",
    accumulates=True,
    family="axes",
    axes=beside,
    laws=("odd", "monotone", "scale 1"),
)
def cumsum() -> Kernel:
    """The sum of the entries so far along an axis; with `reverse`, of those still to come.

    example: mean(square(cumsum(out) - cumsum(tgt)))
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int = -1, reverse: bool = False) -> Any:
        x = wide(x)
        ordered = jnp.flip(x, axis) if reverse else x
        total = jnp.cumsum(ordered, axis=axis, dtype=x.dtype)
        return jnp.flip(total, axis) if reverse else total

    return kernel


@primitive(
    "diff(x: num[*S, K], axis: axis[K] = -1) -> num[*S, K-1]",
    grows="sign",
    family="axes",
    axes=beside,
    laws=("odd", "shift", "scale 1"),
)
def diff() -> Kernel:
    """Each entry less the one before it along an axis.

    example: mean(abs(diff(out)))
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int = -1) -> Any:
        return jnp.diff(x, axis=axis)

    return kernel


@primitive(
    "recurrence(b: float[*S, T], a: float[*S, T] | float, axis: axis[T],"
    " reverse: static bool = false) -> float[*S, T]",
    domain="a in (-inf, inf)",
    accumulates=True,
    family="axes",
    axes=beside,
    laws=("odd",),
)
def recurrence() -> Kernel:
    """x[t] = b[t] + a[t]*x[t-1] along an axis, from 0; with `reverse`, from the other end.

    Discounted returns, generalized advantages and V-trace are of this form. It runs in a number
    of steps that grows with the logarithm of the length.

    cite: Blelloch 1990, CMU-CS-90-190
    unlike: associative_scan: it takes any associative function, this is x[t] = b[t] + a[t]*x[t - 1]
    unlike: scan: it takes any function, this is x[t] = b[t] + a[t]*x[t - 1]
    example: mean(recurrence(out, 0.9, axis=0, reverse=true))
    """
    import jax
    import jax.numpy as jnp

    def kernel(b: Any, a: Any, *, axis: int, reverse: bool = False) -> Any:
        def after(first: Any, second: Any) -> Any:
            return first[0] * second[0], first[1] * second[0] + second[1]

        b = wide(b)
        factors = jnp.broadcast_to(jnp.asarray(a, b.dtype), b.shape)
        scanned = jax.lax.associative_scan(after, (factors, b), reverse=reverse, axis=axis)
        return scanned[1]

    return kernel
