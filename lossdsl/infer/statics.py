"""What is known before any array is: choices, strings, static numbers, shapes."""

from __future__ import annotations

from lossdsl.core.graph import Const
from lossdsl.infer.arguments import Argument, Static, Value
from lossdsl.syntax import ast
from lossdsl.types.types import Dim, UnknownType, literal_dim


def as_choice(type: ast.TypeExpr | None, value: Argument) -> Argument:
    """Return a string given for a choice together with what else it might have been."""
    if isinstance(type, ast.ChoiceTypeExpr) and isinstance(value, Static):
        return Static(value.value, type.options)
    return value


def shape_of(value: Argument) -> Static | None:
    """Return a value as a shape: dims and whole numbers."""
    match value:
        case Static(tuple()):
            return value
        case Value(Const(tuple() as numbers)):
            sizes = tuple(literal_dim(number) for number in numbers if isinstance(number, int))
            return Static(sizes) if len(sizes) == len(numbers) else None
        case Value(Const(Dim() as dim)):
            return Static((dim,))
        case Value(Const(int() as size), type) if not isinstance(size, bool):
            return None if isinstance(type, UnknownType) else Static((literal_dim(size),))
        case _:
            return None


def static_dim(value: Argument) -> Dim | None:
    """Return the size that a value stands for, if it is a static integer."""
    match value:
        case Value(Const(Dim() as dim)):
            return dim
        case Value(Const(int() as size, sizes)) if not isinstance(size, bool):
            return next((dim for dim in sizes if dim.known == size), literal_dim(size))
        case _:
            return None
