"""Costs of single parameters that the language cannot write with the same rounding."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.primitives import direct


@primitive(
    "l0_share(x: float, sigma: float) -> float",
    domain="sigma in (0, inf)",
    elementwise=True,
    laws=("even", "unit"),
)
def l0_share() -> Kernel:
    """x**4/(x**4 + sigma), in a form that cannot overflow where x is large.

    formula: x**4/(x**4 + sigma)
    primitive: the two powers stay apart, as in Rockpool, whose gradient cancels near 1; shared, as
    equal expressions of the language are, they round differently by more than 1e-12
    cite: SynSense Rockpool, training.jax_loss.l0_norm_approx
    example: mean(l0_share(out, 1e-4))
    """

    def kernel(x: Any, sigma: Any) -> Any:
        large = direct.greater(direct.absolute(x), 1000)
        small = direct.where(large, 1, x)
        inverse = direct.divide(1, direct.where(large, x, 1))
        beyond = direct.add(1, direct.multiply(sigma, direct.power(inverse, 4)))
        within = direct.add(direct.power(small, 4), sigma)
        return direct.where(
            large,
            direct.divide(1, beyond),
            direct.divide(direct.power(small, 4), within),
        )

    return direct.inlined(kernel)
