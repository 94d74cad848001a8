"""Special functions that losses need near a removable singularity, elementwise."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.images import within
from lossdsl.library.promotion import own_rules

# Below this distance from 0 a series of so many terms is exact to the last digits of f64, its
# derivatives too; beyond it the closed forms lose a digit or two of these.
_NEAR, _TERMS = 0.5, 18


@primitive(
    "exprel(x: float) -> float",
    elementwise=True,
    partial={"x": 0.0},
    laws=("nonneg", "monotone", "convex"),
)
def exprel() -> Kernel:
    """(exp(x) - 1)/x, which is 1 at 0, with exact value and gradient around 0.

    A limit of the form (a**s - 1)/s is `log(a)*exprel(s*log(a))`, for s = 0 too.

    formula: (exp(x) - 1)/x
    cite: SciPy, scipy.special.exprel
    example: mean(exprel(out))
    """
    import jax
    import jax.numpy as jnp

    def horner(x: Any, *coefficients: float) -> Any:
        total = jnp.full_like(x, coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            total = coefficient + x * total
        return total

    def apart(x: Any) -> tuple[Any, Any, Any]:
        """Return where x is near 0, x there, and x elsewhere."""
        near = abs(x) < _NEAR
        return near, jnp.where(near, x, 0), jnp.where(near, 1, x)

    @jax.custom_jvp
    def kernel(x: Any) -> Any:
        near, small, far = apart(x)
        series = horner(small, *(1 / math.factorial(k + 1) for k in range(_TERMS)))
        # Long before 1000 the exponential is infinite: it outgrows an infinite divisor.
        return jnp.where(near, series, jnp.expm1(far) / jnp.minimum(far, 1000))

    @kernel.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        value = kernel(x)
        near, small, far = apart(x)
        series = horner(small, *((k + 1) / math.factorial(k + 2) for k in range(_TERMS)))
        # Each form neither cancels on its side of 0 nor is NaN at its infinity.
        above = value * (1 - 1 / far) + 1 / far
        below = (jnp.exp(jnp.minimum(far, 0)) - value) / far
        return value, dx * jnp.where(near, series, jnp.where(far > 0, above, below))

    return kernel


@primitive(
    "erf(x: float) -> float", family="elementwise", elementwise=True, laws=("odd", "monotone")
)
def erf() -> Kernel:
    """Error function.

    example: mean(erf(out))
    """
    from jax.scipy.special import erf

    return erf


@primitive(
    "gammaln(x: float) -> float",
    family="elementwise",
    elementwise=True,
    partial={"x": 1.0},
    finite=within("(0, inf)"),
)
def gammaln() -> Kernel:
    """Logarithm of the absolute value of the gamma function.

    aka: lgamma log_gamma
    example: mean(gammaln(p + 1))
    """
    from jax.scipy.special import gammaln

    return gammaln


@primitive(
    "xlogy(x: float, y: float) -> float",
    family="elementwise",
    elementwise=True,
    partial={"y": 1.0},
    laws=("odd",),
)
def xlogy() -> Kernel:
    """x log y, which is 0 at x = 0 whatever y; its gradient is finite at x = y = 0.

    example: -mean(sum(xlogy(p, q), axis=-1))
    """
    import jax.numpy as jnp

    def kernel(x: Any, y: Any) -> Any:
        absent = (x == 0) & ((y <= 0) | jnp.isinf(y))
        return x * jnp.log(jnp.where(absent, 1, y))

    return kernel


@primitive(
    "entr(x: float) -> float",
    family="elementwise",
    elementwise=True,
    partial={"x": 1.0},
    laws=("concave",),
)
def entr() -> Kernel:
    """-x log x, which is 0 at 0 with gradient 0, and -inf below.

    example: sum(entr(p))
    """
    import jax.numpy as jnp

    def kernel(x: Any) -> Any:
        inside = -x * jnp.log(jnp.where(x <= 0, 1, x))
        return jnp.where(x < 0, -jnp.inf, inside)

    return kernel
