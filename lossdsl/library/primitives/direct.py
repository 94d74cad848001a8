"""Operations of `jax.lax`, where the operands are as it takes them; else those of `jax.numpy`.

What `jax.numpy` has is a program for each operation, which JAX traces anew for every shape: it
costs more than all that the operation adds to a loss. Core says each conversion, so most operands
have one dtype already. What is emitted is what `jax.numpy` emits, without the program around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from lossdsl.library.function import Kernel

# Kinds of dtypes: `V` is bfloat16, as no other dtype of the language is NumPy's own.
FLOATS = "fV"
NUMBERS = "fViu"
ANY = "fViub"

# Of what is smaller no float of any precision is infinite.
_SMALL = 65504

# What each operation is called where a reader comes first, by its parameters: with an operator, and
# without one where no operand is an array. Files that run without lossdsl have these.
SPELLINGS: dict[Kernel, tuple[str, str]] = {}

_RANKS = {bool: 0, int: 1, float: 2}
_KINDS = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2}


def spelled(text: str, plain: str = "") -> Callable[[Kernel], Kernel]:
    """Declare how an operation is written with `jax.numpy`; None and false options are left out."""

    def declared(operation: Kernel) -> Kernel:
        SPELLINGS[operation] = (text, plain or text)
        return operation

    return declared


def inlined(function: Kernel, *static: str) -> Kernel:
    """Return a function that JAX traces once for each type of operands, and copies from then on.

    It is worth what a jitted function costs where the function has a rule of differentiation, which
    is slow to trace, or many operations, and is called for leaf after leaf. `static` names options.
    """
    import jax

    return jax.jit(function, inline=True, static_argnames=static)


def is_floating(x: Any) -> bool:
    """Say whether an array or a number is a float."""
    dtype = getattr(x, "dtype", None)
    return isinstance(x, float) if dtype is None else dtype.kind in FLOATS


def constant(value: Any, dtype: Any) -> Any:
    """Return a number as a scalar of a dtype that is infinite where the dtype ends.

    >>> import numpy as np
    >>> constant(1e300, np.dtype("float32"))
    np.float32(inf)
    """
    if -_SMALL < value < _SMALL:
        return dtype.type(value)
    import numpy as np

    with np.errstate(over="ignore"):
        return dtype.type(value)


def number(value: Any, dtype: Any) -> Any:
    """Return a Python number as a scalar of the dtype of what it meets.

    None where it would change that dtype, or is none of its integers.

    >>> import numpy as np
    >>> number(2, np.dtype("float32")), number(0.5, np.dtype("int32"))
    (np.float32(2.0), None)
    """
    if _RANKS[type(value)] > _KINDS[dtype.kind]:
        return None
    try:
        return constant(value, dtype)
    except OverflowError:
        return None


def alike(a: Any, b: Any, kinds: str = ANY) -> tuple[Any, Any] | None:
    """Return two operands, numbers as scalars, that have one dtype; None if JAX has to promote.

    Of nothing but numbers and NumPy arrays JAX says the dtype, and of a number and an array that
    is weakly typed.
    """
    weak_a, weak_b = getattr(a, "weak_type", None), getattr(b, "weak_type", None)
    if weak_a is None and type(a) in _RANKS and weak_b is False:
        a = number(a, b.dtype)
    elif weak_b is None and type(b) in _RANKS and weak_a is False:
        b = number(b, a.dtype)
    elif weak_a is None and weak_b is None:
        return None
    arrays = hasattr(a, "ndim") and hasattr(b, "ndim")
    return (a, b) if arrays and a.dtype == b.dtype and a.dtype.kind in kinds else None


def _laws(of_lax: str, of_numpy: str) -> Callable[[], tuple[Kernel, Kernel]]:
    """Return what looks two operations up, once: JAX is imported when one is called."""

    @cache
    def laws() -> tuple[Kernel, Kernel]:
        import jax.numpy as jnp
        from jax import lax

        return getattr(lax, of_lax), getattr(jnp, of_numpy)

    return laws


def _binary(of_lax: str, of_numpy: str, kinds: str, symbol: str = "") -> Kernel:
    """Return an operation on two operands that broadcast."""
    laws = _laws(of_lax, of_numpy)
    plain = f"jnp.{of_numpy}(a, b)"

    @spelled(f"a {symbol} b" if symbol else plain, plain)
    def operation(a: Any, b: Any) -> Any:
        plain, promoting = laws()
        pair = alike(a, b, kinds)
        if pair is None:
            return promoting(a, b)
        a, b = pair
        # Scalars and sizes of 1 are spread by the operation itself, ranks are not.
        if a.ndim != b.ndim and a.ndim and b.ndim:
            from jax import lax

            if a.ndim < b.ndim:
                a = lax.expand_dims(a, range(b.ndim - a.ndim))
            else:
                b = lax.expand_dims(b, range(a.ndim - b.ndim))
        return plain(a, b)

    return operation


def _unary(of_lax: str, of_numpy: str, kinds: str, symbol: str = "") -> Kernel:
    """Return an operation on one operand."""
    laws = _laws(of_lax, of_numpy)
    plain = f"jnp.{of_numpy}(x)"

    @spelled(f"{symbol}x" if symbol else plain, plain)
    def operation(x: Any) -> Any:
        plain, promoting = laws()
        taken = getattr(x, "weak_type", None) is not None and x.dtype.kind in kinds
        return plain(x) if taken else promoting(x)

    return operation


add = _binary("add", "add", NUMBERS, "+")
subtract = _binary("sub", "subtract", NUMBERS, "-")
multiply = _binary("mul", "multiply", NUMBERS, "*")
divide = _binary("div", "divide", FLOATS, "/")
maximum = _binary("max", "maximum", ANY)
minimum = _binary("min", "minimum", ANY)
less = _binary("lt", "less", ANY, "<")
less_equal = _binary("le", "less_equal", ANY, "<=")
greater = _binary("gt", "greater", ANY, ">")
greater_equal = _binary("ge", "greater_equal", ANY, ">=")
equal = _binary("eq", "equal", ANY, "==")
not_equal = _binary("ne", "not_equal", ANY, "!=")
logical_and = _binary("bitwise_and", "logical_and", "b", "&")
logical_or = _binary("bitwise_or", "logical_or", "b", "|")

negative = _unary("neg", "negative", NUMBERS, "-")
absolute = _unary("abs", "abs", "fVi")
sign = _unary("sign", "sign", NUMBERS)
square = _unary("square", "square", NUMBERS)
exp = _unary("exp", "exp", FLOATS)
expm1 = _unary("expm1", "expm1", FLOATS)
log = _unary("log", "log", FLOATS)
log1p = _unary("log1p", "log1p", FLOATS)
sqrt = _unary("sqrt", "sqrt", FLOATS)
tanh = _unary("tanh", "tanh", FLOATS)
sin = _unary("sin", "sin", FLOATS)
cos = _unary("cos", "cos", FLOATS)
floor = _unary("floor", "floor", FLOATS)
isfinite = _unary("is_finite", "isfinite", FLOATS)
logical_not = _unary("bitwise_not", "logical_not", "b", "~")


@spelled("jax.nn.sigmoid(x)")
def sigmoid(x: Any) -> Any:
    """Return 1/(1 + exp(-x))."""
    from jax import lax, nn

    return lax.logistic(x) if getattr(x, "weak_type", None) is not None else nn.sigmoid(x)


_pow = _binary("pow", "power", FLOATS)


@spelled("a ** b", "jnp.power(a, b)")
def power(a: Any, b: Any) -> Any:
    """Return a to the power of b; one that is a whole number is a product."""
    if type(b) is int and getattr(a, "weak_type", None) is not None and a.dtype.kind in FLOATS:
        from jax import lax

        return lax.integer_pow(a, b)
    return _pow(a, b)


@spelled("jnp.isnan(x)")
def isnan(x: Any) -> Any:
    """Return where floats are NaN."""
    return not_equal(x, x)


@spelled("jnp.broadcast_to(x, shape)")
def spread(x: Any, shape: tuple[Any, ...]) -> Any:
    """Return an array or a scalar, broadcast to a shape."""
    if x.shape == shape:
        return x
    from jax import lax

    return lax.broadcast_in_dim(x, shape, tuple(range(len(shape) - x.ndim, len(shape))))


@spelled("jnp.where(condition, a, b)")
def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where a condition holds, else b."""
    pair = alike(a, b)
    mask = getattr(condition, "dtype", None)
    if pair is None or mask is None or mask.kind != "b":
        import jax.numpy as jnp

        return jnp.where(condition, a, b)
    return select(condition, *pair)


@spelled("jnp.where(condition, a, b)")
def select(condition: Any, a: Any, b: Any) -> Any:
    """Return a where a condition holds, else b; both are arrays or scalars of one dtype."""
    import numpy as np
    from jax import lax

    condition = np.bool_(condition) if isinstance(condition, bool) else condition
    shape = a.shape
    # One condition for all elements is not spread.
    if shape != b.shape or (condition.ndim and condition.shape != shape):
        shapes = [x.shape for x in (a, b, condition) if x.ndim]
        shape = lax.broadcast_shapes(*shapes) if shapes else ()
    if condition.ndim:
        condition = spread(condition, shape)
    return lax.select(condition, spread(a, shape), spread(b, shape))


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """Return axes, given from either end, one of them or None for all, as numbers from 0."""
    if axis is None:
        return tuple(range(x.ndim))
    axes: Sequence[int] = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(at % x.ndim for at in axes)


def _is_strong(x: Any, kinds: str) -> bool:
    """Say whether a reduction takes an array as it is: a weakly typed one is converted first."""
    return getattr(x, "weak_type", None) is False and x.dtype.kind in kinds


@spelled("jnp.sum(x, axis=axis, keepdims=keepdims)")
def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the sum over axes in the dtype of the array; half precision is added up in f32."""
    if not _is_strong(x, NUMBERS):
        import jax.numpy as jnp

        return jnp.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype)
    from jax import lax

    axes, dtype = axes_of(x, axis), x.dtype
    halved = dtype.kind in FLOATS and dtype.itemsize < 4
    result = lax.reduce_sum(lax.convert_element_type(x, "float32") if halved else x, axes)
    result = lax.expand_dims(result, axes) if keepdims else result
    return lax.convert_element_type(result, dtype) if halved else result


@spelled("jnp.mean(x, axis=axis, keepdims=keepdims)")
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the mean over axes of floats."""
    axes = axes_of(x, axis)
    size: Any = math.prod(x.shape[at] for at in axes)
    # A size that `jax.export` leaves open is no number.
    if not _is_strong(x, FLOATS) or x.dtype.itemsize < 4 or not isinstance(size, int):
        import jax.numpy as jnp

        return jnp.mean(x, axis=axis, keepdims=keepdims)
    from jax import lax

    result = lax.reduce_sum(x, axes)
    result = lax.expand_dims(result, axes) if keepdims else result
    return lax.div(result, constant(size, x.dtype))


def _extreme(of_lax: str, of_numpy: str, met: Kernel) -> Kernel:
    @spelled(f"jnp.{of_numpy}(x, axis=axis, keepdims=keepdims, initial=initial)")
    def extreme(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        if not _is_strong(x, NUMBERS) or (initial is None and not x.size):
            import jax.numpy as jnp

            options = {} if initial is None else {"initial": initial}
            return getattr(jnp, of_numpy)(x, axis=axis, keepdims=keepdims, **options)
        from jax import lax

        axes = axes_of(x, axis)
        result = getattr(lax, of_lax)(x, axes)
        result = result if initial is None else met(constant(initial, x.dtype), result)
        return lax.expand_dims(result, axes) if keepdims else result

    return extreme


largest = _extreme("reduce_max", "max", maximum)
smallest = _extreme("reduce_min", "min", minimum)


def _truth(of_lax: str, of_numpy: str) -> Kernel:
    @spelled(f"jnp.{of_numpy}(x, axis=axis, keepdims=keepdims)")
    def truth(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        if not _is_strong(x, "b"):
            import jax.numpy as jnp

            return getattr(jnp, of_numpy)(x, axis=axis, keepdims=keepdims)
        from jax import lax

        axes = axes_of(x, axis)
        result = getattr(lax, of_lax)(x, axes)
        return lax.expand_dims(result, axes) if keepdims else result

    return truth


some = _truth("reduce_or", "any")
every = _truth("reduce_and", "all")
