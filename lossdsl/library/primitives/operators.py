"""What the operators of the language mean: functions that are written `a + b` and not called."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.promotion import own_rules


@primitive(
    "add(a: num, b: num) -> num", elementwise=True, grows="sign", operator="+", internal=True
)
def add() -> Kernel:
    """a + b.

    example: mean(out + tgt)
    """
    import jax.numpy as jnp

    return jnp.add


@primitive(
    "subtract(a: num, b: num) -> num", elementwise=True, grows="sign", operator="-", internal=True
)
def subtract() -> Kernel:
    """a - b.

    example: mean(out - tgt)
    """
    import jax.numpy as jnp

    return jnp.subtract


@primitive(
    "multiply(a: num, b: num) -> num", elementwise=True, grows="size", operator="*", internal=True
)
def multiply() -> Kernel:
    """a * b.

    example: mean(out * tgt)
    """
    import jax.numpy as jnp

    return jnp.multiply


@primitive(
    "divide(a: float, b: float) -> float",
    elementwise=True,
    operator="/",
    partial={"b": 1.0},
    internal=True,
)
def divide() -> Kernel:
    """a / b, floating also for integers.

    The derivative by b is -(a/b)/b, which is finite wherever it has a finite value; a/b**2
    overflows, or is NaN for a = 0, where b is below the root of the smallest number.

    example: mean(out / (1 + square(tgt)))
    """
    import jax
    import jax.numpy as jnp
    from jax.custom_derivatives import SymbolicZero

    @jax.custom_jvp
    def ratio(a: Any, b: Any) -> Any:
        return jnp.divide(a, b)

    def tangent(primals: Any, tangents: Any) -> Any:
        (a, b), (da, db) = primals, tangents
        value = ratio(a, b)
        if isinstance(db, SymbolicZero):
            return value, jnp.broadcast_to(da / b, value.shape)
        slope = -value * db if isinstance(da, SymbolicZero) else da - value * db
        return value, jnp.broadcast_to(slope / b, value.shape)

    ratio.defjvp(own_rules()(tangent), symbolic_zeros=True)

    def kernel(a: Any, b: Any) -> Any:
        return jnp.divide(a, b) if isinstance(b, int | float) else ratio(a, b)

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
)
def power() -> Kernel:
    """a to the power of b; a literal integer power is a product.

    example: mean(out ** 2)
    """
    import jax.numpy as jnp

    return jnp.power


@primitive("negative(x: num) -> num", elementwise=True, grows="sign", operator="neg", internal=True)
def negative() -> Kernel:
    """-x.

    example: mean(-out)
    """
    import jax.numpy as jnp

    return jnp.negative


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
    import jax.numpy as jnp

    return _compared(jnp.less)


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
    import jax.numpy as jnp

    return _compared(jnp.less_equal)


@primitive("greater(a: num, b: num) -> bool", elementwise=True, operator=">", internal=True)
def greater() -> Kernel:
    """a > b.

    example: mean(out, where=out > tgt)
    """
    import jax.numpy as jnp

    return _compared(jnp.greater)


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
    import jax.numpy as jnp

    return _compared(jnp.greater_equal)


@primitive("equal(a: any, b: any) -> bool", elementwise=True, operator="==", internal=True)
def equal() -> Kernel:
    """a == b.

    example: mean(z[:, 0], where=y == 1)
    """
    import jax.numpy as jnp

    return _compared(jnp.equal)


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
    import jax.numpy as jnp

    return _compared(jnp.not_equal)


@primitive("logical_and(a: bool, b: bool) -> bool", elementwise=True, operator="and", internal=True)
def logical_and() -> Kernel:
    """Whether both hold.

    example: mean(out, where=out > 0 and tgt > 0)
    """
    import jax.numpy as jnp

    return jnp.logical_and


@primitive("logical_or(a: bool, b: bool) -> bool", elementwise=True, operator="or", internal=True)
def logical_or() -> Kernel:
    """Whether one of the two holds, or both.

    example: mean(out, where=out > 0 or tgt > 0)
    """
    import jax.numpy as jnp

    return jnp.logical_or


@primitive("logical_not(x: bool) -> bool", elementwise=True, operator="not", internal=True)
def logical_not() -> Kernel:
    """Whether it does not hold.

    example: mean(out, where=not out > 0)
    """
    import jax.numpy as jnp

    return jnp.logical_not
