"""The one type, of those that a parameter allows, that an argument is held against."""

from __future__ import annotations

from lossdsl.infer.arguments import Argument, Value
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType, RecordType, TreeType, Type, UnknownType, fits, kind


def sole_axis(signature: ast.Signature) -> str | None:
    """Return the parameter that says along which axis a function works, if it has one such."""
    named = [
        parameter.name
        for parameter in signature.parameters
        if isinstance(parameter.plain_type, ast.WordTypeExpr)
        and parameter.plain_type.word == "axis"
    ]
    return named[0] if len(named) == 1 else None


def class_symbols(signature: ast.Signature, pattern: ast.TypeExpr | None) -> list[str]:
    """Return the symbols of a pattern that an `axis[K]` parameter names."""
    if not isinstance(pattern, ast.ArrayTypeExpr):
        return []
    named = {
        symbol
        for parameter in signature.parameters
        if isinstance(parameter.plain_type, ast.WordTypeExpr)
        and parameter.plain_type.word == "axis"
        for symbol in parameter.plain_type.arguments
    }
    symbols = [symbol for dim in pattern.dims if isinstance(dim, ast.DimExpr)
               for symbol in dim.symbols]  # fmt: skip
    return [symbol for symbol in symbols if symbol in named]


def pattern_of(type: ast.TypeExpr | None, value: Argument) -> ast.TypeExpr | None:
    """Return the type that a value is held against: `?` removed, the fitting one of a union."""
    if isinstance(type, ast.OptionalTypeExpr):
        return pattern_of(type.type, value)
    if isinstance(type, ast.UnionTypeExpr) and isinstance(value, Value):
        for option in type.options:
            if _could_fit(option, value.type):
                return option
        return type.options[0]
    return type


def _could_fit(option: ast.TypeExpr, type: Type) -> bool:
    match option, type:
        case ast.ArrayTypeExpr(), ArrayType():
            if dtype_fits(option, type) is False:
                return False
            if type.dims is None:
                return True
            fixed = sum(not isinstance(dim, ast.Run) for dim in option.dims)
            return len(type.dims) == fixed or (len(type.dims) > fixed and fixed < len(option.dims))
        case ast.TreeTypeExpr(), TreeType() | RecordType():
            return True
        case _, UnknownType():
            return True
        case _:
            return False


def dtype_fits(pattern: ast.ArrayTypeExpr, type: ArrayType) -> bool | None:
    """Say whether a parameter takes the dtype of an array; None while that is unknown."""
    if pattern.role == "spikes":
        return True
    if pattern.role == "probs" and type.strength > 0:
        # Whole numbers are labels, not a distribution.
        return fits(type.dtype, "float")
    if pattern.role == "mask" and kind(type.dtype) == "bool":
        # What may be anything from 0 to 1 may be true or false.
        return True
    if pattern.dtype == "float":
        return fits(type.dtype, "num")
    if pattern.dtype in ("num", "any", "int", "bool"):
        return fits(type.dtype, pattern.dtype)
    accepted = fits(type.dtype, pattern.dtype)
    return True if type.strength == 0 and kind(type.dtype) in ("int", "float") else accepted
