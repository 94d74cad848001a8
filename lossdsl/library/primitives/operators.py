"""What the operators of the language mean: functions that are written `a + b` and not called."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.images import (
    added,
    divided,
    multiplied,
    negated,
    power_is_finite,
    powered,
    subtracted,
    within,
)
from lossdsl.library.primitives import direct
from lossdsl.library.promotion import own_rules


@primitive(
    "add(a: num, b: num) -> num",
    elementwise=True,
    grows="sign",
    operator="+",
    internal=True,
    image=added,
    shifts=("a", "b"),
)
def add() -> Kernel:
    """a + b.

    example: mean(out + tgt)
    """
    return direct.add


@primitive(
    "subtract(a: num, b: num) -> num",
    elementwise=True,
    grows="sign",
    operator="-",
    internal=True,
    image=subtracted,
    shifts=("a",),
)
def subtract() -> Kernel:
    """a - b.

    example: mean(out - tgt)
    """
    return direct.subtract


@primitive(
    "multiply(a: num, b: num) -> num",
    elementwise=True,
    grows="size",
    operator="*",
    internal=True,
    image=multiplied,
    scales=("a", "b"),
)
def multiply() -> Kernel:
    """a * b.

    example: mean(out * tgt)
    """
    return direct.multiply


@primitive(
    "divide(a: float, b: float) -> float",
    elementwise=True,
    operator="/",
    partial={"b": 1.0},
    internal=True,
    image=divided,
    finite=within("(-inf, 0)", "(0, inf)", operand=1),
    scales=("a",),
)
def divide() -> Kernel:
    """a / b, floating also for integers.

    The derivative by b is -(a/b)/b, which is finite wherever it has a finite value; a/b**2
    overflows, or is NaN for a = 0, where b is below the root of the smallest number.

    example: mean(out / (1 + square(tgt)))
    """
    import jax
    from jax.custom_derivatives import SymbolicZero

    @jax.custom_jvp
    def ratio(a: Any, b: Any) -> Any:
        return direct.divide(a, b)

    def tangent(primals: Any, tangents: Any) -> Any:
        (a, b), (da, db) = primals, tangents
        value = ratio(a, b)
        if isinstance(db, SymbolicZero):
            return value, direct.spread(direct.divide(da, b), value.shape)
        if isinstance(da, SymbolicZero):
            slope = direct.multiply(direct.negative(value), db)
        else:
            slope = direct.subtract(da, direct.multiply(value, db))
        return value, direct.spread(direct.divide(slope, b), value.shape)

    ratio.defjvp(own_rules()(tangent), symbolic_zeros=True)

    of_arrays = direct.inlined(ratio)

    def kernel(a: Any, b: Any) -> Any:
        return direct.divide(a, b) if isinstance(b, int | float) else of_arrays(a, b)

    return kernel


@primitive(
    "floordiv(a: num, b: num) -> num",
    elementwise=True,
    operator="//",
    partial={"b": 1.0},
    internal=True,
)
def floordiv() -> Kernel:
    """a / b rounded down, with Python's signs.

    example: mean(out // 2)
    """
    import jax.numpy as jnp

    return jnp.floor_divide


@primitive(
    "mod(a: num, b: num) -> num",
    elementwise=True,
    operator="%",
    partial={"b": 1.0},
    internal=True,
)
def mod() -> Kernel:
    """What is left of a after floor division by b: it has the sign of b.

    example: mean(out % 2)
    """
    import jax.numpy as jnp

    return jnp.remainder


@primitive(
    "power(a: float, b: float) -> float",
    elementwise=True,
    operator="**",
    partial={"a": 1.0, "b": 1.0},
    internal=True,
    image=powered,
    finite=power_is_finite,
)
def power() -> Kernel:
    """a to the power of b; a literal integer power is a product.

    example: mean(out ** 2)
    """
    return direct.power


@primitive(
    "negative(x: num) -> num",
    elementwise=True,
    grows="sign",
    operator="neg",
    internal=True,
    image=negated,
)
def negative() -> Kernel:
    """-x.

    example: mean(-out)
    """
    return direct.negative


def _compared(law: Kernel) -> Kernel:
    """Return a comparison that is exact also of integers with and without a sign.

    No dtype holds both: the numbers below 0 are told first, the others are compared unsigned.
    """
    import jax.numpy as jnp

    def kernel(a: Any, b: Any) -> Any:
        kinds = {getattr(getattr(operand, "dtype", None), "kind", "") for operand in (a, b)}
        if kinds != {"i", "u"}:
            return law(a, b)
        dtype = jnp.dtype(f"u{max(a.dtype.itemsize, b.dtype.itemsize)}")
        below, beyond = a < 0, b < 0
        return jnp.where(
            below == beyond,
            law(a.astype(dtype), b.astype(dtype)),
            law(beyond.astype(dtype), below.astype(dtype)),
        )

    return kernel


@primitive("less(a: num, b: num) -> bool", elementwise=True, operator="<", internal=True)
def less() -> Kernel:
    """a < b.

    example: mean(out, where=out < tgt)
    """
    return _compared(direct.less)


@primitive(
    "less_equal(a: num, b: num) -> bool",
    elementwise=True,
    operator="<=",
    internal=True,
)
def less_equal() -> Kernel:
    """a <= b.

    example: mean(out, where=out <= tgt)
    """
    return _compared(direct.less_equal)


@primitive("greater(a: num, b: num) -> bool", elementwise=True, operator=">", internal=True)
def greater() -> Kernel:
    """a > b.

    example: mean(out, where=out > tgt)
    """
    return _compared(direct.greater)


@primitive(
    "greater_equal(a: num, b: num) -> bool",
    elementwise=True,
    operator=">=",
    internal=True,
)
def greater_equal() -> Kernel:
    """a >= b.

    example: mean(out, where=out >= tgt)
    """
    return _compared(direct.greater_equal)


@primitive("equal(a: any, b: any) -> bool", elementwise=True, operator="==", internal=True)
def equal() -> Kernel:
    """a == b.

    example: mean(z[:, 0], where=y == 1)
    """
    return _compared(direct.equal)


@primitive(
    "not_equal(a: any, b: any) -> bool",
    elementwise=True,
    operator="!=",
    internal=True,
)
def not_equal() -> Kernel:
    """a != b.

    example: mean(z[:, 0], where=y != 1)
    """
    return _compared(direct.not_equal)


@primitive("logical_and(a: bool, b: bool) -> bool", elementwise=True, operator="and", internal=True)
def logical_and() -> Kernel:
    """Whether both hold.

    example: mean(out, where=out > 0 and tgt > 0)
    """
    return direct.logical_and


@primitive("logical_or(a: bool, b: bool) -> bool", elementwise=True, operator="or", internal=True)
def logical_or() -> Kernel:
    """Whether one of the two holds, or both.

    example: mean(out, where=out > 0 or tgt > 0)
    """
    return direct.logical_or


@primitive("logical_not(x: bool) -> bool", elementwise=True, operator="not", internal=True)
def logical_not() -> Kernel:
    """Whether it does not hold.

    example: mean(out, where=not out > 0)
    """
    return direct.logical_not
