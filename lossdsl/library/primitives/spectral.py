"""Singular values of matrices."""

from __future__ import annotations

from typing import Any

from lossdsl.library.declare import Kernel, primitive
from lossdsl.library.follow import diagonal
from lossdsl.library.primitives.masked import wide
from lossdsl.library.promotion import own_rules
from lossdsl.library.rules import RuleCall, Ruling, result
from lossdsl.types.types import Dim, literal_dim, same_dim


def _shorter(rows: Dim, columns: Dim) -> Dim:
    """Return the smaller of two sizes, unknown where they cannot be compared."""
    if same_dim(rows, columns):
        return rows
    if rows.known is None or columns.known is None:
        return Dim()
    return literal_dim(min(rows.known, columns.known))


def _values(call: RuleCall) -> Ruling:
    x = call.array("x")
    if x.dims is None:
        return result(x, None)
    return result(x, (*x.dims[:-2], _shorter(*x.dims[-2:])))


@primitive(
    "singular_values(x: float[*S, N, M]) -> float[...]",
    family="linalg",
    rule=_values,
    accumulates=True,
    axes=diagonal,
    laws=("nonneg", "even"),
)
def singular_values() -> Kernel:
    """The singular values of matrices, the largest first.

    Their sum is the nuclear norm, the largest the spectral norm. Those that are 0 up to rounding
    have gradient 0, so that a matrix of low rank has a finite one.

    cite: Eckart & Young 1936, doi:10.1007/BF02288367
    aka: svdvals
    unlike: svd: the vectors are not computed
    example: sum(singular_values(x))
    """
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def values(x: Any) -> Any:
        return jnp.linalg.svd(x, full_matrices=False, compute_uv=False)

    @values.defjvp
    @own_rules()
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (dx,) = primals, tangents
        left, singular, right = jnp.linalg.svd(x, full_matrices=False)
        slopes = jnp.einsum("...nk,...nm,...km->...k", left, dx, right)
        rounding = max(x.shape[-2:]) * jnp.finfo(x.dtype).eps
        largest = jnp.max(singular, axis=-1, keepdims=True, initial=0)
        return singular, jnp.where(singular > rounding * largest, slopes, 0)

    def kernel(x: Any) -> Any:
        return values(wide(x))

    return kernel
