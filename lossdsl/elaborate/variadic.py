"""Arguments of a function that takes any number of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lossdsl.core.graph import Const
from lossdsl.infer.arguments import Argument, Value, Written
from lossdsl.syntax import ast
from lossdsl.types.types import UnknownType


def several(
    parameter: ast.Parameter,
    arguments: Sequence[Written],
    evaluate: Callable[[Written], Argument],
) -> tuple[tuple[Written, ...], Sequence[Written]]:
    """Return the arguments of a variadic parameter, and those of the parameters after it.

    Arrays are given one by one, or first in a tuple, as NumPy has them; a tuple of constants is
    one array.
    """
    match parameter.type, arguments:
        case ast.ArrayTypeExpr(), (ast.Tuple(items), *others) if any(
            _is_computed(evaluate(item)) for item in items
        ):
            return items, others
        case _:
            return tuple(arguments), ()


def _is_computed(value: Argument) -> bool:
    return isinstance(value, Value) and (
        not isinstance(value.node, Const) or isinstance(value.type, UnknownType)
    )
