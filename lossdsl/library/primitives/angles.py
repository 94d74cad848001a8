"""Angles of points in the plane."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.promotion import own_rules


@primitive(
    "atan2(y: float, x: float) -> float",
    family="elementwise",
    elementwise=True,
    laws=("odd", "scale 0"),
)
def atan2() -> Kernel:
    """The angle of the point (x, y) in radians, from -pi to pi; 0, with gradient 0, at the origin.

    The arc tangent of a ratio is that of its two parts, also where the divisor is 0.

    aka: arctan2
    unlike: atan: of one number it is `atan2(x, 1)`
    unlike: arctan: of one number it is `atan2(x, 1)`
    example: mean(atan2(y, x))
    """
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def angle(y: Any, x: Any) -> Any:
        return jnp.arctan2(y, x)

    @angle.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (y, x), (dy, dx) = primals, tangents
        # Scaled first, so that neither square overflows or vanishes.
        scale = jnp.maximum(jnp.abs(x), jnp.abs(y))
        # The angle stands still infinitely far out; at the origin it has none.
        still = (scale == 0) | jnp.isinf(scale)
        scale = jnp.where(still, 1, scale)
        across, up = (jnp.where(still, 0, coordinate / scale) for coordinate in (x, y))
        squared = jnp.where(still, 1, jnp.square(across) + jnp.square(up))
        return angle(y, x), (across / squared * dy - up / squared * dx) / scale

    def kernel(y: Any, x: Any) -> Any:
        return angle(*jnp.broadcast_arrays(y, x))

    return kernel
