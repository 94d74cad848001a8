"""Special functions that losses need near a removable singularity, elementwise."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive

# Below this distance from 0 a series is exact to the last digit of f64.
_NEAR = 0.05


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

    @jax.custom_jvp
    def kernel(x: Any) -> Any:
        near = abs(x) < _NEAR
        far = jnp.where(near, 1, x)
        series = horner(x, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040)
        return jnp.where(near, series, jnp.expm1(far) / far)

    @kernel.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        value = kernel(x)
        near = abs(x) < _NEAR
        far = jnp.where(near, 1, x)
        series = horner(x, 1 / 2, 1 / 3, 1 / 8, 1 / 30, 1 / 144, 1 / 840, 1 / 5760)
        slope = jnp.where(near, series, (1 + (far - 1) * value) / far)
        return value, dx * slope

    return kernel
