"""Products that keep a limit where a plain one is NaN, and values that are NaN on purpose."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.primitives import direct
from lossdsl.library.promotion import own_rules


@primitive(
    "weigh(weight: float, x: float) -> float",
    family="elementwise",
    elementwise=True,
    laws=("odd",),
)
def weigh() -> Kernel:
    """A weight times x, which is 0 where the weight is 0 and x is infinite.

    What has no weight costs nothing: a class of probability 0 whose logit is -inf adds 0 to a
    cross entropy, with gradient 0. A NaN of either shows, and a finite product is the plain one.

    formula: weight*x
    example: -mean(weigh(tgt, log_softmax(z)))
    """
    import jax
    import jax.numpy as jnp
    from jax.custom_derivatives import SymbolicZero

    def absent(weight: Any, x: Any) -> Any:
        infinite = direct.equal(direct.absolute(x), math.inf)
        return direct.logical_and(direct.equal(weight, 0), infinite)

    # Written out, since XLA would compute x again for the derivative of the select.
    @jax.custom_jvp
    def kernel(weight: Any, x: Any) -> Any:
        return direct.where(absent(weight, x), 0, direct.multiply(weight, x))

    def tangent(primals: Any, tangents: Any) -> Any:
        (weight, x), (of_weight, of_x) = primals, tangents
        value = kernel(weight, x)
        slope = jnp.zeros_like(value)
        if not isinstance(of_x, SymbolicZero):
            slope = direct.multiply(weight, of_x)
        if not isinstance(of_weight, SymbolicZero):
            largest = jnp.finfo(x.dtype).max
            # Finite, so that what is weighed by 0 further out has no NaN in the gradient either.
            held = direct.where(absent(weight, x), 0, jax.lax.clamp(-largest, x, largest))
            more = direct.multiply(held, of_weight)
            slope = more if isinstance(of_x, SymbolicZero) else direct.add(slope, more)
        return value, direct.spread(slope, value.shape)

    kernel.defjvp(own_rules()(tangent), symbolic_zeros=True)
    return direct.inlined(kernel)


@primitive(
    "nan_unless(condition: bool, x: float) -> float",
    family="elementwise",
    elementwise=True,
)
def nan_unless() -> Kernel:
    """x where the condition holds; elsewhere NaN, and so is the gradient.

    It is for what must show and that a comparison would lose: `nan_unless(t == t, x)` is NaN where
    t is.

    formula: x
    example: mean(nan_unless(out < 9, out))
    """
    import jax

    # The value is no product with NaN: XLA makes that of a boolean, such as a one-hot vector, a
    # select, whose 0 hides the NaN.
    @jax.custom_jvp
    def kernel(condition: Any, x: Any) -> Any:
        return direct.where(condition, x, math.nan)

    @kernel.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        value = kernel(*primals)
        unit, nan = (direct.constant(number, value.dtype) for number in (1, math.nan))
        slope = direct.multiply(tangents[1], direct.select(primals[0], unit, nan))
        return value, direct.spread(slope, value.shape)

    return direct.inlined(kernel)


@primitive(
    "safe_divide(x: float, y: float) -> float",
    family="elementwise",
    elementwise=True,
    scales=("x",),
)
def safe_divide() -> Kernel:
    """x/y, and 0 with gradient 0 where y is 0.

    A NaN of y shows, and one of x where y is not 0.

    formula: 0.0 if y == 0 else x/y
    aka: divide_no_nan
    example: mean(safe_divide(out, abs(tgt)))
    """
    from lossdsl.library.primitives.operators import divide

    ratio = divide.kernel

    def kernel(x: Any, y: Any) -> Any:
        empty = direct.equal(y, 0)
        return direct.where(empty, 0, ratio(x, direct.where(empty, 1, y)))

    return kernel
