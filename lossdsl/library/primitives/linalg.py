"""Products of arrays, diagonals, and pooling over windows."""

from __future__ import annotations

import math
from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import contracted, diagonal, multiplied, windows
from lossdsl.library.primitives.masked import shown, summing, wide
from lossdsl.library.rules import (
    Dims,
    Problem,
    RuleCall,
    Ruling,
    joined,
    meet,
    result,
    show,
)
from lossdsl.types.broadcast import BroadcastProblem, broadcast
from lossdsl.types.types import ArrayType, Dim, combine_dims, literal_dim


def _multiplied(call: RuleCall) -> Ruling:
    a, b = call.array("a"), call.array("b")
    dtype = joined((a, b))
    if a.dims is None or b.dims is None:
        return result(a, None, dtype)
    for name, dims in (("a", a.dims), ("b", b.dims)):
        if not dims:
            return Problem(
                "LD204",
                "a matrix product takes arrays; this is a scalar",
                help="multiply with `*`",
                parameter=name,
            )
    inner = b.dims[-1] if len(b.dims) == 1 else b.dims[-2]
    if meet(a.dims[-1], inner) is None:
        side = "last" if len(b.dims) == 1 else "last but one"
        message = f"the last dim of {show(a.dims)} and the {side} of {show(b.dims)} differ"
        return Problem("LD201", message, parameter="b")
    batch = broadcast((a.dims[:-2], b.dims[:-2]))
    if isinstance(batch, BroadcastProblem) or batch is None:
        return Problem("LD201", f"{show(a.dims)} and {show(b.dims)} differ", parameter="b")
    rows = a.dims[-2:-1]
    columns = b.dims[-1:] if len(b.dims) > 1 else ()
    return result(a, (*batch, *rows, *columns), dtype)


@primitive(
    "matmul(a: float[...], b: float[...]) -> float[...]",
    rule=_multiplied,
    accumulates=True,
    outer=True,
    operator="@",
    axes=multiplied,
)
def matmul() -> Kernel:
    """Matrix product over the last dim of a and the last but one of b; written `a @ b`.

    aka: mm bmm
    unlike: dot: NumPy's sums over other axes than this where the second array has more than two
    example: mean(out @ transpose(tgt))
    """
    import jax.numpy as jnp

    def kernel(a: Any, b: Any) -> Any:
        return jnp.matmul(a, b, preferred_element_type=summing(a, b))

    return kernel


def _contracted(call: RuleCall) -> Ruling:
    arrays, text = call.arrays("operands"), str(call.statics["equation"]).replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    letters = [letter for term in terms for letter in term.replace("...", "")]
    if not all("a" <= letter.lower() <= "z" for letter in letters):
        message = f"`{text}` is no equation such as `bij,bjk->bik`"
        return Problem("LD112", message, parameter="equation")
    if len(terms) != len(arrays):
        return Problem(
            "LD104", f"`{text}` has {len(terms)} operands, not {len(arrays)}", parameter="operands"
        )
    sizes: dict[str, Dim] = {}
    runs: list[Dims] = []
    for term, array in zip(terms, arrays, strict=True):
        problem = _named(term, array, sizes, runs)
        if problem is not None:
            return problem
    if not arrow:
        once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
        output = ("..." if runs else "") + "".join(once)
    unknown = sorted(set(output.replace("...", "")) - set(letters))
    if unknown:
        return Problem("LD112", f"`{unknown[0]}` is in the result alone", parameter="equation")
    spread = broadcast(runs) if runs else ()
    if isinstance(spread, BroadcastProblem):
        return Problem("LD201", "the dims at `...` differ", parameter="operands")
    before, dots, after = output.partition("...")
    if spread is None or any(letter not in sizes for letter in before + after):
        return result(arrays[0], None, joined(arrays))
    dims = [sizes[letter] for letter in before]
    dims += (*spread, *(sizes[letter] for letter in after)) if dots else ()
    return result(arrays[0], tuple(dims), joined(arrays))


def _named(
    term: str, operand: ArrayType, sizes: dict[str, Dim], runs: list[Dims]
) -> Problem | None:
    """Note the dim that each letter of a term stands for, and the dims at its dots."""
    if operand.dims is None:
        return None
    before, dots, after = term.partition("...")
    named = len(before) + len(after)
    if len(operand.dims) < named or (not dots and len(operand.dims) != named):
        message = f"`{term}` names {named} dims of {show(operand.dims)}"
        return Problem("LD204", message, parameter="operands")
    end = len(operand.dims) - len(after)
    if dots:
        runs.append(operand.dims[len(before) : end])
    pairs = [*zip(before, operand.dims, strict=False), *zip(after, operand.dims[end:], strict=True)]
    for letter, dim in pairs:
        met = meet(sizes.get(letter, dim), dim)
        if met is None:
            message = f"`{letter}` stands for {sizes[letter]} and {dim}"
            return Problem("LD201", message, parameter="operands")
        sizes[letter] = met
    return None


@primitive(
    "einsum(equation: text, *operands: float[...]) -> float[...]",
    rule=_contracted,
    accumulates=True,
    outer=True,
    axes=contracted,
)
def einsum() -> Kernel:
    """Sum of products, with the dims named by letters.

    cite: Einstein 1916, doi:10.1002/andp.19163540702
    example: mean(einsum("bi,bi->b", out, tgt))
    """
    import jax.numpy as jnp

    def kernel(*operands: Any, equation: str) -> Any:
        return jnp.einsum(equation, *operands, preferred_element_type=summing(*operands))

    return kernel


@primitive(
    "diag(x: any[*S, N, N]) -> any[*S, N]",
    "diag(x: any[N]) -> any[N, N]",
    axes=diagonal,
    sink="pick",
    keeps=("x",),
)
def diag() -> Kernel:
    """The diagonal of square matrices; of a vector, the matrix with that diagonal.

    aka: diagonal
    unlike: eye: the identity is `where(arange(D)[:, None] == arange(D), 1.0, 0.0)`
    unlike: trace: it is `sum(diag(x))`
    unlike: tril: the lower triangle is `where(arange(T)[:, None] >= arange(T), x, 0)`
    unlike: triu: the upper triangle is `where(arange(T)[:, None] <= arange(T), x, 0)`
    example: -mean(diag(log_softmax(out @ transpose(out))))
    """
    import jax.numpy as jnp

    def kernel(x: Any) -> Any:
        return jnp.diag(x) if x.ndim == 1 else jnp.diagonal(x, axis1=-2, axis2=-1)

    return kernel


def _pooled(call: RuleCall) -> Ruling:
    x, window = call.array("x"), call.shape("window")
    strides = call.shape("strides") if call.statics.get("strides") else window
    if x.dims is None:
        return result(x, None)
    if len(x.dims) < len(window) + 1 or len(strides) != len(window):
        message = f"a window of {len(window)} axes over {show(x.dims)}, whose last is the channels"
        return Problem("LD204", message, parameter="window")
    first = len(x.dims) - 1 - len(window)
    dims = list(x.dims)
    for at, (width, stride) in enumerate(zip(window, strides, strict=True), first):
        size = _windows(dims[at], width, stride, call.statics.get("padding") == "same")
        if size is None:
            message = f"a window of {width} does not fit into {dims[at]}"
            return Problem("LD201", message, parameter="window")
        dims[at] = size
    return result(x, tuple(dims))


def _windows(size: Dim, width: Dim, stride: Dim, same: bool) -> Dim | None:
    """Return how many windows there are; None if not one fits."""
    span = literal_dim(1) if same else width
    if size.known is not None and span.known is not None and stride.known:
        count = (size.known - span.known) // stride.known + 1
        if count < 1 or stride.known < 1 or span.known < 1:
            return None
    if stride.known == 1:
        return combine_dims([(1, size), (-1, span)], 1)
    if size.known is None or span.known is None or not stride.known:
        return Dim()
    return literal_dim((size.known - span.known) // stride.known + 1)


def _window_arguments(x: Any, window: Any, strides: Any, padding: str) -> tuple[Any, ...]:
    """Return window, strides and padding over all axes of x."""
    lead = (1,) * (x.ndim - 1 - len(window))
    return (*lead, *window, 1), (*lead, *(strides or window), 1), padding.upper()


@primitive(
    'max_pool(x: float[...], window: shape, strides: shape? = none, padding: "valid" | "same" ='
    ' "valid") -> float[...]',
    rule=_pooled,
    domain="window in [1, inf); strides in [1, inf)",
    axes=windows,
    laws=("monotone",),
)
def max_pool() -> Kernel:
    """The largest entry of each window over the axes before the last, which is the channels.

    aka: maxpool
    example: mean(max_pool(traces, (2,)))
    """
    import jax
    import jax.numpy as jnp

    def kernel(x: Any, *, window: Any, strides: Any = None, padding: str = "valid") -> Any:
        arguments = _window_arguments(x, window, strides, padding)
        return jax.lax.reduce_window(shown(x), -jnp.inf, jax.lax.max, *arguments)

    return kernel


@primitive(
    'avg_pool(x: float[...], window: shape, strides: shape? = none, padding: "valid" | "same" ='
    ' "valid") -> float[...]',
    rule=_pooled,
    accumulates=True,
    domain="window in [1, inf); strides in [1, inf)",
    axes=windows,
    laws=("odd", "monotone"),
)
def avg_pool() -> Kernel:
    """The mean of each window over the axes before the last, which is the channels.

    At the edges a window counts only what lies inside.

    aka: avgpool average_pool
    example: mean(avg_pool(traces, (2,)))
    """
    import jax
    import jax.numpy as jnp

    def kernel(x: Any, *, window: Any, strides: Any = None, padding: str = "valid") -> Any:
        x = wide(x)
        arguments = _window_arguments(x, window, strides, padding)
        total = jax.lax.reduce_window(x, 0.0, jax.lax.add, *arguments)
        if padding == "valid":
            return total / math.prod(window)
        ones = jnp.ones((*(1,) * (x.ndim - 1 - len(window)), *x.shape[-1 - len(window) : -1], 1))
        count = jax.lax.reduce_window(ones, 0.0, jax.lax.add, *arguments)
        return total / count.astype(x.dtype)

    return kernel
