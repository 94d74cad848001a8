"""Functions of one element: from arrays that broadcast, or leaf by leaf from trees.

At a kink a constant counts as active, so the gradient is 0 there.
"""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive, renamed
from lossdsl.library.images import (
    always,
    clipped,
    even,
    exponential,
    larger,
    logarithm,
    rising,
    smaller,
    squared,
    within,
)
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import shown
from lossdsl.library.promotion import own_rules
from lossdsl.library.syntax_forms import Form


@primitive(
    "abs(x: num) -> num",
    elementwise=True,
    grows="sign",
    laws=("nonneg", "even", "convex", "scale 1"),
    image=even(abs),
)
def absolute() -> Kernel:
    """Absolute value, with gradient 0 at 0.

    aka: absolute fabs
    example: mean(abs(out))
    """
    import jax

    @jax.custom_jvp
    def floating(x: Any) -> Any:
        return direct.absolute(x)

    @floating.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        return floating(x), direct.multiply(dx, direct.sign(x))

    of_floats = direct.inlined(floating)

    def kernel(x: Any) -> Any:
        return of_floats(x) if direct.is_floating(x) else direct.absolute(x)

    return kernel


@primitive(
    "exp(x: float) -> float",
    elementwise=True,
    partial={"x": 0.0},
    laws=("nonneg", "monotone", "convex"),
    image=rising(exponential),
)
def exp() -> Kernel:
    """Exponential; overflows beyond 88 in f32.

    example: mean(exp(out))
    """
    return direct.exp


@primitive(
    "log(x: float) -> float",
    elementwise=True,
    partial={"x": 1.0},
    laws=("monotone", "concave"),
    domain="x in [0, inf]",
    image=rising(logarithm),
    finite=within("(0, inf)"),
)
def log() -> Kernel:
    """Natural logarithm.

    aka: ln
    example: mean(log(p))
    """
    return direct.log


@primitive(
    "log1p(x: float) -> float",
    elementwise=True,
    partial={"x": 1.0},
    laws=("monotone", "concave"),
    finite=within("(-1, inf)"),
)
def log1p() -> Kernel:
    """Logarithm of 1 + x, exact for small x.

    example: mean(log1p(p))
    """
    return direct.log1p


@primitive(
    "expm1(x: float) -> float", elementwise=True, partial={"x": 0.0}, laws=("monotone", "convex")
)
def expm1() -> Kernel:
    """Exponential minus 1, exact for small x.

    example: mean(expm1(out))
    """
    return direct.expm1


@primitive(
    "sqrt(x: float) -> float",
    elementwise=True,
    domain="x in [0, inf]",
    partial={"x": 1.0},
    laws=("nonneg", "monotone", "concave"),
    image=rising(math.sqrt),
    finite=within("(0, inf)"),
    spelled=("x**0.5",),
)
def sqrt() -> Kernel:
    """Square root; its gradient at 0 is infinite (`norm` is safe there).

    example: mean(sqrt(p))
    """
    return direct.sqrt


@primitive(
    "square(x: float) -> float",
    elementwise=True,
    laws=("nonneg", "even", "convex", "scale 2"),
    image=even(squared),
    spelled=("x**2", "x*x"),
)
def square() -> Kernel:
    """x times x.

    aka: sqr pow2
    example: mean(square(out))
    """
    return direct.square


@primitive("sign(x: num) -> num", elementwise=True, laws=("odd", "monotone", "scale 0", "flat"))
def sign() -> Kernel:
    """-1, 0 or 1; its gradient is 0.

    example: mean(sign(out)*out)
    """
    return direct.sign


@primitive(
    "clip(x: num, low: num, high: num) -> num",
    elementwise=True,
    laws=("monotone",),
    image=clipped,
)
def clip() -> Kernel:
    """x moved into [low, high]; at a bound the bound is active, so x has gradient 0 there.

    A bound that is NaN shows, as x does.

    aka: clamp clip_by_value
    example: mean(clip(out, -1, 1))
    """

    def moved(x: Any, bound: Any, past: Any) -> Any:
        if isinstance(bound, int | float):
            return direct.where(past, bound, x)
        past = direct.logical_or(past, direct.not_equal(bound, bound))
        return direct.where(past, shown(bound), x)

    def kernel(x: Any, low: Any, high: Any) -> Any:
        raised = moved(shown(x), low, direct.less_equal(x, low))
        return moved(raised, high, direct.greater_equal(raised, high))

    return kernel


@primitive(
    "minimum(a: num, b: num) -> num",
    elementwise=True,
    laws=("symmetric", "monotone", "concave", "scale 1"),
    image=smaller,
)
def minimum() -> Kernel:
    """The smaller of two; at a tie a literal wins, two arrays share the gradient.

    unlike: fmin: it leaves a NaN out, which shows here
    example: mean(minimum(out, tgt))
    """

    def kernel(a: Any, b: Any) -> Any:
        if isinstance(b, int | float):
            return direct.where(direct.greater_equal(a, b), b, shown(a))
        if isinstance(a, int | float):
            return direct.where(direct.greater_equal(b, a), a, shown(b))
        return direct.minimum(shown(a), shown(b))

    return kernel


@primitive(
    "maximum(a: num, b: num) -> num",
    elementwise=True,
    laws=("symmetric", "monotone", "convex", "scale 1"),
    image=larger,
)
def maximum() -> Kernel:
    """The larger of two; at a tie a literal wins, two arrays share the gradient.

    unlike: fmax: it leaves a NaN out, which shows here
    example: mean(maximum(out, tgt))
    """

    def kernel(a: Any, b: Any) -> Any:
        if isinstance(b, int | float):
            return direct.where(direct.less_equal(a, b), b, shown(a))
        if isinstance(a, int | float):
            return direct.where(direct.less_equal(b, a), a, shown(b))
        return direct.maximum(shown(a), shown(b))

    return kernel


@primitive(
    "where(condition: bool, a: any, b: any) -> any",
    elementwise=True,
    operator="if",
    form=Form.CHOOSE,
    keeps=("a", "b"),
)
def where() -> Kernel:
    """a where the condition holds, else b; what is not chosen has no effect, not even as NaN.

    aka: select ifelse
    example: mean(where(out > 0, out, 0.1*out))
    """
    return direct.where


@primitive(
    "sin(x: float) -> float",
    elementwise=True,
    laws=("odd",),
    image=always("[-1, 1]"),
)
def sin() -> Kernel:
    """Sine of x in radians.

    example: mean(sin(out))
    """
    return direct.sin


@primitive(
    "cos(x: float) -> float",
    elementwise=True,
    laws=("even",),
    image=always("[-1, 1]"),
)
def cos() -> Kernel:
    """Cosine of x in radians.

    example: mean(cos(out))
    """
    return direct.cos


@primitive("round(x: float) -> float", elementwise=True, laws=("odd", "monotone", "flat"))
def round_() -> Kernel:
    """The nearest integer, ties to even; its gradient is 0.

    example: mean(square(out - round(out)))
    """
    import jax.numpy as jnp

    return jnp.round


@primitive("floor(x: float) -> float", elementwise=True, laws=("monotone", "flat"))
def floor() -> Kernel:
    """The largest integer that is not above x; its gradient is 0.

    unlike: trunc: it goes toward 0: `sign(x)*floor(abs(x))`
    example: mean(out - floor(out))
    """
    return direct.floor


@primitive("isfinite(x: num) -> bool", elementwise=True)
def isfinite() -> Kernel:
    """Whether x is neither infinite nor NaN: the mask of what was measured.

    example: mean(square(out), where=isfinite(out))
    """
    return direct.isfinite


@primitive("stop_gradient(x: any) -> any", elementwise=True, keeps=("x",), form=Form.STOP_GRADIENT)
def stop_gradient() -> Kernel:
    """x, through which no gradient flows.

    aka: detach nograd
    example: mean(square(out - stop_gradient(out + 1)))
    """
    import jax

    return jax.lax.stop_gradient


sg = renamed(stop_gradient, "sg")
