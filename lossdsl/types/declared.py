"""The types of inputs as they are declared, with rigid symbols for sizes."""

from __future__ import annotations

from collections.abc import Mapping

from lossdsl.syntax import ast
from lossdsl.types.dims import substitute
from lossdsl.types.types import (
    ARRAY,
    SCALAR,
    UNKNOWN_DIM,
    ArrayType,
    Dim,
    symbol_dim,
)


def declared_array(pattern: ast.ArrayTypeExpr, sizes: Mapping[str, int] | None = None) -> ArrayType:
    """Return the type of an input as declared: rigid symbols, with their sizes where known.

    A run leaves the rank unknown.
    """
    known = sizes or {}
    if any(isinstance(dim, ast.Run) for dim in pattern.dims):
        return ArrayType(pattern.dtype, None, role=pattern.role)
    dims: list[Dim] = []
    for dim in pattern.dims:
        match dim:
            case ast.DimExpr():
                dims.append(
                    substitute(dim.polynomial, lambda symbol: symbol_dim(symbol, known.get(symbol)))
                )
            case _:
                dims.append(UNKNOWN_DIM)
    strength = ARRAY if dims else SCALAR
    return ArrayType(pattern.dtype, tuple(dims), strength, pattern.role)


def is_real(type: ast.TypeExpr) -> bool:
    """Say whether the values of a declared type may be any real numbers: scores may, too."""
    match type:
        case ast.ArrayTypeExpr(dtype=dtype, role=role):
            return role in (None, "logits") and dtype not in ("int", "bool")
        case ast.TreeTypeExpr(role=role):
            return role is None
        case _:
            return False
