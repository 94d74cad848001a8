"""Functions that rearrange the elements of arrays: reshape, transpose, join, repeat, pick."""

from __future__ import annotations

from typing import Any

from lossdsl.library import follow
from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.primitives.masked import Axes
from lossdsl.library.rules import (
    Dims,
    Problem,
    RuleCall,
    Ruling,
    joined,
    meet,
    meet_all,
    position,
    result,
    show,
)
from lossdsl.types.dims import divide_dims
from lossdsl.types.types import LITERAL, Dim, combine_dims, literal_dim, product_dim, same_dim


def _reshaped(call: RuleCall) -> Ruling:
    x, target = call.array("x"), call.shape("shape")
    inferred = [at for at, dim in enumerate(target) if dim == literal_dim(-1)]
    negative = [dim for at, dim in enumerate(target) if dim.most < 0 and at not in inferred]
    if negative:
        return Problem("LD223", f"a size of {negative[0]} in the shape", parameter="shape")
    if len(inferred) > 1:
        return Problem("LD201", "two sizes of the shape are -1", parameter="shape")
    if x.dims is None:
        return result(x, tuple(Dim() if at in inferred else dim for at, dim in enumerate(target)))
    named = tuple(dim for at, dim in enumerate(target) if at not in inferred)
    have, want = product_dim(x.dims), product_dim(named)
    if inferred:
        rest = _quotient(x.dims, named)
        if rest is None:
            message = f"{show(x.dims)} has {have} elements, no multiple of {want}"
            return Problem("LD201", message, parameter="shape")
        return result(x, tuple(rest if at in inferred else dim for at, dim in enumerate(target)))
    if _counts_differ(x.dims, target):
        return Problem(
            "LD201",
            f"{show(x.dims)} has {have} elements, not the {want} of {show(target)}",
            parameter="shape",
        )
    return result(x, target)


def _beyond(dims: Dims, others: Dims) -> Dims:
    """Return the sizes that others do not have: what stands on both sides cancels, 0 as well."""
    rest = list(dims)
    for dim in others:
        equal = next((at for at, other in enumerate(rest) if same_dim(other, dim)), None)
        if equal is not None:
            rest.pop(equal)
    return tuple(rest)


def _quotient(dims: Dims, named: Dims) -> Dim | None:
    """Return what the sizes of a shape leave over of the elements; None if they do not divide."""
    over, by = product_dim(_beyond(dims, named)), product_dim(_beyond(named, dims))
    return None if by.known == 0 else divide_dims(over, by)


def _counts_differ(dims: Dims, target: Dims) -> bool:
    """Say whether two shapes hold different numbers of elements, as far as that is known.

    Products of other symbols may be one number: then only their sizes decide.
    """
    mine, theirs = _beyond(dims, target), _beyond(target, dims)
    have, want = product_dim(mine), product_dim(theirs)
    if len(mine) == len(theirs) == 1 or set(have.symbols) == set(want.symbols):
        return same_dim(have, want) is False
    return None not in (have.known, want.known) and have.known != want.known


@primitive(
    "reshape(x: any[...], shape: shape) -> any[...]",
    domain="shape in [-1, inf)",
    rule=_reshaped,
    axes=follow.regrouped,
    sink="reshape",
    keeps=("x",),
)
def reshape() -> Kernel:
    """The same elements in another shape; one size may be -1, for what is left over.

    aka: view
    unlike: flatten: it is `reshape(x, (-1,))`
    unlike: ravel: it is `reshape(x, (-1,))`
    example: mean(reshape(out, (6, -1)))
    """
    import math

    import jax.numpy as jnp

    def kernel(x: Any, *, shape: tuple[int, ...]) -> Any:
        if x.size or -1 not in shape:
            return jnp.reshape(x, shape)
        # What is left over from nothing: sizes that stand on both sides cancel.
        rest = list(x.shape)
        for size in shape:
            if size in rest:
                rest.remove(size)
        return jnp.reshape(x, [math.prod(rest) if size == -1 else size for size in shape])

    return kernel


def _transposed(call: RuleCall) -> Ruling:
    x, axes = call.array("x"), call.axes("axes")
    if x.dims is None:
        return result(x, None)
    order = tuple(reversed(range(len(x.dims)))) if axes is None else axes
    if sorted(order) != list(range(len(x.dims))):
        return Problem(
            "LD207", f"{order} is no order of the {len(x.dims)} axes of {x}", parameter="axes"
        )
    return result(x, tuple(x.dims[at] for at in order))


@primitive(
    "transpose(x: any[...], axes: axes = all) -> any[...]",
    rule=_transposed,
    axes=follow.permuted,
    keeps=("x",),
)
def transpose() -> Kernel:
    """The axes in another order, by default reversed.

    aka: permute
    unlike: swapaxes: the whole order is given: `transpose(x, (0, 2, 1))`
    unlike: moveaxis: the whole order is given: `transpose(x, (0, 2, 1))`
    example: mean(transpose(out) @ tgt)
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axes: Axes = None) -> Any:
        return jnp.transpose(x, axes)

    return kernel


def _squeezed(call: RuleCall) -> Ruling:
    x, axes = call.array("x"), call.axes("axis")
    if x.dims is None:
        return result(x, None)
    gone = range(len(x.dims)) if axes is None else axes
    for at in gone:
        if x.dims[at].known not in (None, 1):
            return Problem(
                "LD201",
                f"axis {at} of {show(x.dims)} has size {x.dims[at]}, not 1",
                parameter="axis",
            )
    return result(x, tuple(dim for at, dim in enumerate(x.dims) if at not in gone))


@primitive(
    "squeeze(x: any[...], axis: axes) -> any[...]",
    rule=_squeezed,
    axes=follow.regrouped,
    sink="reshape",
    keeps=("x",),
)
def squeeze() -> Kernel:
    """Without the given axes, which have size 1.

    example: mean(squeeze(out[:, None], 1))
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: Axes) -> Any:
        return jnp.squeeze(x, axis)

    return kernel


def _expanded(call: RuleCall) -> Ruling:
    x = call.array("x")
    if x.dims is None:
        return result(x, None)
    at = position(call.number("axis"), len(x.dims) + 1)
    if isinstance(at, Problem):
        return at
    return result(x, (*x.dims[:at], Dim(1, growable=True), *x.dims[at:]))


@primitive(
    "expand(x: any[...], axis: static int) -> any[...]",
    rule=_expanded,
    axes=follow.regrouped,
    sink="reshape",
    keeps=("x",),
)
def expand() -> Kernel:
    """With one more axis, of size 1, at the given place; `x[:, None]` says the same.

    aka: expand_dims unsqueeze newaxis
    example: mean(expand(out, 0) - tgt)
    """
    import jax.numpy as jnp

    def kernel(x: Any, *, axis: int) -> Any:
        return jnp.expand_dims(x, axis)

    return kernel


def _concatenated(call: RuleCall) -> Ruling:
    arrays, axes = call.arrays("xs"), call.axes("axis")
    if not arrays:
        return Problem("LD104", "`concatenate` needs at least one array")
    if any(array.dims is None for array in arrays):
        return result(arrays[0], None, joined(arrays))
    shapes = [array.dims for array in arrays if array.dims is not None]
    if axes is None or len(axes) != 1:
        return Problem("LD207", "`concatenate` joins along one axis", parameter="axis")
    at = axes[0]
    rank = len(shapes[0])
    rest = [dims[:at] + dims[at + 1 :] for dims in shapes]
    met = meet_all(rest) if all(len(dims) == rank for dims in shapes) else None
    if met is None:
        shown = " and ".join(map(show, shapes))
        return Problem("LD201", f"{shown} differ beside axis {at}", parameter="xs")
    size = combine_dims((1, dims[at]) for dims in shapes)
    return result(arrays[0], (*met[:at], size, *met[at:]), joined(arrays))


@primitive(
    "concatenate(*xs: any[...], axis: axes = 0) -> any[...]",
    rule=_concatenated,
    axes=follow.joined,
    sink=follow.joined_at,
    keeps=("xs",),
)
def concatenate() -> Kernel:
    """Arrays one after the other along an axis.

    aka: concat cat
    example: mean(concatenate(out, tgt, axis=0))
    """
    import jax.numpy as jnp

    def kernel(*xs: Any, axis: tuple[int, ...] = (0,)) -> Any:
        return jnp.concatenate(xs, axis=axis[0])

    return kernel


def _stacked(call: RuleCall) -> Ruling:
    arrays = call.arrays("xs")
    if not arrays:
        return Problem("LD104", "`stack` needs at least one array")
    if any(array.dims is None for array in arrays):
        return result(arrays[0], None, joined(arrays))
    shapes = [array.dims for array in arrays if array.dims is not None]
    at = position(call.number("axis"), len(shapes[0]) + 1)
    if isinstance(at, Problem):
        return at
    met = meet_all(shapes) if len({len(dims) for dims in shapes}) == 1 else None
    if met is None:
        return Problem("LD201", f"{' and '.join(map(show, shapes))} differ", parameter="xs")
    return result(arrays[0], (*met[:at], literal_dim(len(shapes)), *met[at:]), joined(arrays))


@primitive(
    "stack(*xs: any[...], axis: static int = 0) -> any[...]",
    rule=_stacked,
    axes=follow.stacked,
    sink=follow.stacked_at,
    keeps=("xs",),
)
def stack() -> Kernel:
    """Arrays of one shape along a new axis.

    example: mean(stack(out, tgt))
    """
    import jax.numpy as jnp

    def kernel(*xs: Any, axis: int = 0) -> Any:
        return jnp.stack(xs, axis=axis)

    return kernel


def _broadcasted(call: RuleCall) -> Ruling:
    x, like = call.array("x"), call.array("like")
    dtype = like.dtype if x.strength == LITERAL and x.dtype != "bool" else x.dtype
    if x.dims is None or like.dims is None:
        return result(x, like.dims, dtype)
    new = len(like.dims) - len(x.dims)
    fits = new >= 0 and all(
        dim.is_one or meet(dim, want) is not None
        for dim, want in zip(x.dims, like.dims[max(new, 0) :], strict=True)
    )
    if not fits:
        message = f"{show(x.dims)} does not broadcast to {show(like.dims)}"
        return Problem("LD201", message, parameter="x")
    wishes = [at < new or x.dims[at - new].is_one for at in range(len(like.dims))]
    dims = (
        Dim(dim.constant, dim.terms, dim.size, growable=dim.growable or wish)
        for dim, wish in zip(like.dims, wishes, strict=True)
    )
    return result(x, tuple(dims), dtype)


@primitive(
    "broadcast(x: any[...], like: any[...]) -> any[...]",
    rule=_broadcasted,
    axes=follow.broadcast,
    keeps=("x",),
)
def broadcast() -> Kernel:
    """x repeated to the shape of another array: what a sum of the two would do silently.

    aka: broadcast_to expand_as
    unlike: ones_like: it is `broadcast(1.0, like=x)`
    unlike: zeros_like: it is `broadcast(0.0, like=x)`
    unlike: full_like: it is `broadcast(value, like=x)`
    unlike: ones: numbers take the shape of an array: `broadcast(1.0, like=x)`
    unlike: zeros: numbers take the shape of an array: `broadcast(0.0, like=x)`
    example: mean(square(out - broadcast(tgt[:, :1], like=out)))
    """
    import jax.numpy as jnp

    def kernel(x: Any, like: Any) -> Any:
        return jnp.broadcast_to(x, like.shape)

    return kernel
