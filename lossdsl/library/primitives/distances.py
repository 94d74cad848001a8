"""Distances of all pairs of rows, without an array of their differences."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import Axes, Operand
from lossdsl.library.images import always
from lossdsl.library.primitives import direct
from lossdsl.library.primitives.masked import wide
from lossdsl.library.promotion import own_rules

# Differences that are few enough to be made at once.
FEW = 2**15
# So many terms are added in one step of a loop: more are slower to compile than to run.
UNROLLED = 16


def _pairs(operand: Operand) -> Axes:
    """The rows of the first are rows, those of the second columns."""
    return (operand.at, None)


def _blocks(x: Any) -> Any:
    """Return the rows of an array in blocks, the last one filled up with zeros."""
    import jax.numpy as jnp

    rows, width = x.shape
    count = -(-rows // UNROLLED)
    return jnp.pad(x, ((0, count * UNROLLED - rows), (0, 0))).reshape(count, UNROLLED, width)


def _looped(x: Any, y: Any) -> Any:
    """Return squared distances, feature by feature."""
    import jax
    import jax.numpy as jnp

    def add(sums: Any, features: Any) -> tuple[Any, None]:
        for a, b in zip(*features, strict=True):
            sums = sums + jnp.square(a[:, None] - b[None, :])
        return sums, None

    start = jnp.zeros((len(x), len(y)), x.dtype)
    return jax.lax.scan(add, start, (_blocks(x.T), _blocks(y.T)))[0]


def _moved(x: Any, y: Any, of_x: Any) -> Any:
    """Return how squared distances change with x, y[M] by x[N].

    Row by row of y, so that the transpose adds up rows of differences and no sum of differences is
    one of products, which would be rounded where rows are near each other.
    """
    import jax
    import jax.numpy as jnp

    # What a step makes is made again for the transpose: kept, it would be all differences. The
    # tangent is carried: where this loop closes over it, its transpose is a TypeError in jax 0.8.1.
    @jax.checkpoint
    def step(of_x: Any, rows: Any) -> tuple[Any, Any]:
        return of_x, jnp.stack([2 * jnp.sum((x - row) * of_x, axis=-1) for row in rows])

    _, moved = jax.lax.scan(step, of_x, _blocks(y))
    return moved.reshape(-1, len(x))[: len(y)]


@primitive(
    "pairwise_distance(a: float[N, D], b: float[M, D], squared: static bool = false)"
    " -> float[N, M]",
    family="regression",
    accumulates=True,
    outer=True,
    axes=_pairs,
    laws=("nonneg",),
    image=always("[0, inf)"),
)
def pairwise_distance() -> Kernel:
    """Euclidean distance of every row of a from every row of b, or its square.

    The gradient is 0 where two rows coincide. It makes no array of all differences, and is as exact
    as they are: rows that are near each other, or far from 0, lose nothing.

    primitive: written out, the differences are N*M*D numbers
    formula: sum(square(a[:, None] - b[None, :]), axis=-1) if squared
    else norm(a[:, None] - b[None, :], axis=-1)
    note: torch's `PairwiseDistance` goes row by row: `norm(a - b, axis=-1)`
    cite: Kruskal 1964, doi:10.1007/BF02289565
    aka: cdist
    unlike: pdist: it takes one array and gives each pair once
    example: mean(pairwise_distance(out, tgt))
    example: mean(exp(-pairwise_distance(out, tgt, squared=true)))
    """
    import jax
    import jax.numpy as jnp

    looped = jax.custom_jvp(_looped)

    @looped.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (x, y), (of_x, of_y) = primals, tangents
        return looped(x, y), _moved(x, y, of_x).T + _moved(y, x, of_y)

    def squares(a: Any, b: Any) -> Any:
        sizes = (*a.shape, b.shape[0])
        if not all(isinstance(size, int) for size in sizes) or a.size * b.shape[0] <= FEW:
            return direct.total(direct.square(a[:, None] - b[None, :]), -1)
        return looped(a, b)

    def distances(a: Any, b: Any) -> Any:
        # Squares of large or small entries are out of range; those of shares of the largest are
        # not. By a power of two, so that the shares are not rounded, whose difference would be off.
        peaks = [direct.largest(direct.absolute(x), None, False, 0) for x in (a, b)]
        peak = jax.lax.stop_gradient(direct.maximum(*peaks))
        usual = direct.logical_and(direct.isfinite(peak), direct.greater(peak, 0))
        about = jnp.finfo(peak.dtype)
        least = direct.minimum(direct.where(usual, peak, 1), about.max / 4)
        peak = jax.lax.reduce_precision(least, about.nexp, 0)
        shares = squares(direct.divide(a, peak), direct.divide(b, peak))
        apart = direct.not_equal(shares, 0)
        lengths = direct.sqrt(direct.where(apart, shares, 1))
        return direct.where(apart, direct.multiply(peak, lengths), 0)

    def kernel(a: Any, b: Any, *, squared: bool = False) -> Any:
        a, b = wide(a), wide(b)
        return squares(a, b) if squared else distances(a, b)

    return kernel
