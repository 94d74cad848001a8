"""What the syntax of the language desugars to: indexing, masks, moved axes, built trees.

None of these can be called by name.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from lossdsl.library.declare import primitive
from lossdsl.library.follow import aligned, indexed, permuted, same
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import converted
from lossdsl.library.syntax_forms import Form
from lossdsl.types.dtypes import LONG_NAMES


@primitive(
    "keep(mask: bool, x: any, fill: static float) -> any",
    elementwise=True,
    keeps=("x",),
    form=Form.KEEP,
    internal=True,
)
def keep() -> Any:
    """Keep the elements under a true mask and put `fill` elsewhere."""

    def kernel(mask: Any, x: Any, *, fill: Any) -> Any:
        whole = hasattr(x, "dtype") and not direct.is_floating(x)
        return direct.where(mask, x, x.dtype.type(fill) if whole else fill)

    return kernel


@primitive(
    "watch(x: any, number: static int) -> any",
    elementwise=True,
    keeps=("x",),
    form=Form.WATCH,
    internal=True,
)
def watch() -> Any:
    """Mark a value that a debug build looks at."""

    def kernel(x: Any, *, number: int) -> Any:
        return x

    return kernel


@primitive("zeros(x: any) -> any", elementwise=True, form=Form.ZEROS, internal=True)
def zeros() -> Any:
    """Zeros of the same shape: what a loss of two arguments measures a single one against."""
    import jax.numpy as jnp

    return jnp.zeros_like


@primitive(
    "shield(mask: bool, x: any, fill: static float) -> any",
    elementwise=True,
    form=Form.SHIELD,
    internal=True,
)
def shield() -> Any:
    """Keep what a sunk mask needs; nothing that is needed depends on garbage in the mask."""
    return keep.kernel


@primitive("cast(x: any, dtype: text) -> any", form=Form.CAST, internal=True, axes=same)
def cast() -> Any:
    """Convert to another dtype; two with different numbers as `use` are not one operation."""
    import jax.numpy as jnp
    import numpy as np

    def kernel(x: Any, *, dtype: str, use: int = 0) -> Any:
        to = jnp.dtype(LONG_NAMES[dtype])
        if not hasattr(x, "dtype"):
            return np.asarray(x, to)
        return x if x.dtype == to else converted(x, to)

    return kernel


@primitive("held(x: float) -> bool", elementwise=True, form=Form.HELD, internal=True)
def held() -> Any:
    """Whether 32 bits hold an integer, of which x is a rounding."""

    def kernel(x: Any) -> Any:
        # A rounding to half of what the integers hold is of one that they hold.
        return direct.less(direct.absolute(x), 2.0**30)

    return kernel


@primitive(
    "index(x: any, items: shape) -> any",
    form=Form.INDEX,
    internal=True,
    axes=indexed,
    sink="pick",
    keeps=("x",),
)
def index() -> Any:
    """Index with static integers, slices and new axes, as in NumPy."""
    import jax

    def kernel(x: Any, *, items: tuple[tuple[Any, ...], ...]) -> Any:
        places: list[Any] = []
        for item in items:
            match item:
                case ("at", position):
                    places.append(position)
                case ("slice", start, stop, step):
                    places.append(slice(start, stop, step))
                case _:
                    places.append(None)
        if all(place in (None, slice(None)) for place in places):
            new = [at for at, place in enumerate(places) if place is None]
            return jax.lax.expand_dims(x, new) if new else x
        return x[tuple(places)]

    return kernel


@primitive(
    "permute(x: any, order: shape) -> any",
    form=Form.PERMUTE,
    internal=True,
    axes=permuted,
    keeps=("x",),
)
def permute() -> Any:
    """Reorder the axes."""
    import jax.numpy as jnp

    def kernel(x: Any, *, order: tuple[int, ...]) -> Any:
        return jnp.transpose(x, order)

    return kernel


@primitive(
    "align(x: any, order: shape, expand: shape) -> any",
    form=Form.ALIGN,
    internal=True,
    axes=aligned,
    keeps=("x",),
)
def align() -> Any:
    """Reorder the axes of a mask or weight, then add axes of size 1."""
    import jax.numpy as jnp

    def kernel(x: Any, *, order: tuple[int, ...], expand: tuple[int, ...]) -> Any:
        moved = x if order == tuple(range(len(order))) else jnp.transpose(x, order)
        return jnp.expand_dims(moved, expand) if expand else moved

    return kernel


@primitive(
    "project(mask: bool, axes: shape, keepdims: static bool) -> bool",
    form=Form.PROJECT,
    internal=True,
)
def project() -> Any:
    """Reduce a mask over axes: whether anything along them is kept."""

    def kernel(mask: Any, *, axes: tuple[int, ...], keepdims: bool) -> Any:
        return direct.some(mask, axes, keepdims)

    return kernel


@primitive(
    "branches(*x: any, paths: text) -> tree",
    form=Form.BRANCHES,
    internal=True,
    axes=same,
    keeps=("x",),
)
def branches() -> Any:
    """Build a tree from arrays and smaller trees; the lowering reads the paths off its type."""

    def kernel(*x: Any, paths: tuple[tuple[str, ...], ...]) -> Any:
        return list(x)

    return kernel


@primitive("usable(x: tree, paths: text) -> tree", form=Form.USABLE, internal=True, axes=same)
def usable() -> Any:
    """Keep the leaves that a loss can read: those that the type of the result names."""

    def kernel(x: Any, *, paths: Any) -> Any:
        raise AssertionError("selected by the lowering")

    return kernel


@primitive("leaf(x: tree, at: static int) -> any", form=Form.LEAF, internal=True, axes=same)
def leaf() -> Any:
    """Take one leaf of a tree by its place."""

    def kernel(x: Any, *, at: int) -> Any:
        return x[at]

    return kernel


@primitive("across(*x: any, by: text, sizes: shape) -> any", form=Form.ACROSS, internal=True)
def across() -> Any:
    """Combine the partial results of leaves: a mean counts each by its number of elements."""

    def mean(partial: tuple[Any, ...], sizes: tuple[int, ...]) -> Any:
        if len(set(sizes)) == 1:
            return direct.divide(reduce(direct.add, partial), len(partial))
        shares = [
            direct.multiply(part, size / sum(sizes))
            for part, size in zip(partial, sizes, strict=True)
        ]
        return reduce(direct.add, shares)

    combine: dict[str, Any] = {
        "add": direct.add,
        "multiply": direct.multiply,
        "maximum": direct.maximum,
        "minimum": direct.minimum,
        "and": direct.logical_and,
        "or": direct.logical_or,
    }

    def kernel(*x: Any, by: str, sizes: tuple[int, ...]) -> Any:
        return mean(x, sizes) if by == "mean" else reduce(combine[by], x)

    return kernel


@primitive("joined(*x: any, shapes: text) -> any", form=Form.JOINED, internal=True)
def joined() -> Any:
    """Lay arrays end to end, each spread over a shape."""
    import jax.numpy as jnp

    def kernel(*x: Any, shapes: tuple[tuple[int, ...], ...]) -> Any:
        parts = zip(x, shapes, strict=True)
        return jnp.concatenate(
            [jnp.ravel(jnp.broadcast_to(array, shape)) for array, shape in parts]
        )

    return kernel


@primitive("map(f: function, tree: tree, *trees: any) -> tree", form=Form.MAP, family="array")
def map_() -> Any:
    """Apply a function to each leaf of a tree, or with `at=` to each subtree that it selects.

    Further trees are zipped by path; an array is passed to every call unchanged.

    example: sum(map(l2, params))
    """

    def kernel(*x: Any) -> Any:
        raise AssertionError("expanded by the checker")

    return kernel


@primitive("spread(mask: bool, over: shape, to: shape) -> bool", form=Form.SPREAD, internal=True)
def spread() -> Any:
    """Broadcast a mask over a shape and give it another shape of as many elements."""
    import jax.numpy as jnp

    def kernel(mask: Any, *, over: tuple[int, ...], to: tuple[int, ...]) -> Any:
        return jnp.reshape(jnp.broadcast_to(mask, over), to)

    return kernel


@primitive(
    "unpick(mask: bool, *places: any, pick: text, options: text, output: static int, over: shape,"
    " shape: shape)"
    " -> bool",
    form=Form.UNPICK,
    internal=True,
)
def unpick() -> Any:
    """Carry a mask over what a function picked to where it picked that; false elsewhere."""
    import jax.numpy as jnp

    def kernel(
        mask: Any, *places: Any, pick: Any, options: Any, output: Any, over: Any, shape: Any
    ) -> Any:
        # Elements are counted from 1: what is not picked from anywhere is 0 or negative.
        size = math.prod(shape)
        counted = jnp.arange(1, size + 1).reshape(shape)
        picked = pick.kernel(counted, *places, **dict(options))
        picked = picked if output is None else picked[output]
        needed = jnp.broadcast_to(jnp.asarray(mask, bool), over)
        whole = jnp.zeros(size + 1, bool).at[jnp.maximum(picked, 0)].max(needed)
        return whole[1:].reshape(shape)

    return kernel
