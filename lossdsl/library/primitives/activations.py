"""Activation functions, elementwise."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.images import always
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import unless_nan
from lossdsl.library.promotion import own_rules


@primitive(
    "tanh(x: float) -> float",
    elementwise=True,
    laws=("odd", "monotone"),
    image=always("(-1, 1)"),
)
def tanh() -> Kernel:
    """Hyperbolic tangent.

    example: mean(tanh(out))
    """
    return direct.tanh


@primitive(
    "sigmoid(x: float) -> probs float",
    elementwise=True,
    laws=("unit", "monotone"),
    image=always("(0, 1)"),
)
def sigmoid() -> Kernel:
    """1/(1 + exp(-x)).

    aka: logistic expit
    example: mean(sigmoid(out))
    """
    return direct.sigmoid


@primitive(
    "log_sigmoid(x: float) -> log_probs float",
    elementwise=True,
    laws=("monotone", "concave"),
    image=always("(-inf, 0)"),
)
def log_sigmoid() -> Kernel:
    """Logarithm of the sigmoid, exact where the sigmoid is 0 or 1.

    aka: logsigmoid
    example: -mean(log_sigmoid(out))
    """
    import jax.numpy as jnp

    def kernel(x: Any) -> Any:
        return direct.negative(jnp.logaddexp(direct.negative(x), 0))

    return kernel


@primitive(
    "softplus(x: float) -> float",
    elementwise=True,
    laws=("nonneg", "monotone", "convex"),
    image=always("(0, inf)"),
)
def softplus() -> Kernel:
    """log(1 + exp(x)), exact for large |x|.

    aka: log1pexp
    example: mean(softplus(out))
    """
    import jax.numpy as jnp

    def kernel(x: Any) -> Any:
        return jnp.logaddexp(x, 0)

    return kernel


@primitive(
    "relu(x: num) -> num", elementwise=True, laws=("nonneg", "monotone", "convex", "scale 1")
)
def relu() -> Kernel:
    """max(x, 0), with gradient 0 at 0.

    example: mean(relu(out))
    """
    import jax

    @jax.custom_jvp
    def floating(x: Any) -> Any:
        return direct.maximum(x, 0)

    @floating.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        # A NaN shows, as in a maximum.
        slope = direct.multiply(dx, unless_nan(x))
        return floating(x), direct.where(direct.greater(x, 0), slope, 0)

    of_floats = direct.inlined(floating)

    def kernel(x: Any) -> Any:
        return of_floats(x) if direct.is_floating(x) else direct.maximum(x, 0)

    return kernel


def _finite_below(x: Any) -> Any:
    """Return x with 0 for -inf: its share is 0 there, and 0 times infinity is NaN."""
    return direct.where(direct.equal(x, -math.inf), 0, x)


@primitive("gelu(x: float, approximate: static bool = true) -> float", elementwise=True)
def gelu() -> Kernel:
    """x times the normal distribution function of x, by default in its tanh approximation.

    cite: Hendrycks & Gimpel 2016, arXiv:1606.08415
    example: mean(gelu(out))
    """
    import jax
    import jax.numpy as jnp

    def kernel(x: Any, *, approximate: bool = True) -> Any:
        finite = _finite_below(x)
        if not approximate:
            return jax.nn.gelu(finite, approximate=False)
        # The tanh is 1 long before 30, and the cube is out of range for large x.
        inner = jnp.clip(x, -30, 30)
        cubic = direct.multiply(0.044715, direct.power(inner, 3))
        scaled = direct.multiply(math.sqrt(2 / math.pi), direct.add(inner, cubic))
        share = direct.multiply(0.5, direct.add(1, direct.tanh(scaled)))
        return direct.multiply(finite, share)

    return kernel


@primitive("silu(x: float) -> float", elementwise=True)
def silu() -> Kernel:
    """x times its sigmoid.

    cite: Elfwing et al. 2018, doi:10.1016/j.neunet.2017.12.012
    aka: swish
    example: mean(silu(out))
    """

    def kernel(x: Any) -> Any:
        finite = _finite_below(x)
        return direct.multiply(finite, direct.sigmoid(finite))

    return kernel


@primitive(
    "elu(x: float, alpha: float = 1) -> float",
    elementwise=True,
    laws=("monotone",),
    domain="alpha in (-inf, inf)",
)
def elu() -> Kernel:
    """x above 0, alpha*(exp(x) - 1) below.

    cite: Clevert et al. 2016, arXiv:1511.07289
    example: mean(elu(out))
    """

    def kernel(x: Any, alpha: Any = 1.0) -> Any:
        above = direct.greater(x, 0)
        below = direct.expm1(direct.where(above, 0.0, x))
        return direct.where(above, x, direct.multiply(alpha, below))

    return kernel
