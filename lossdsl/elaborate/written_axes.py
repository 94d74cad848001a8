"""Axes as they are written: `axis=C`, `axis=-1`, `axis=(T, 0)`, `axis=all`, `axis=S` for a run."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.core.graph import Const
from lossdsl.elaborate.context import Scope
from lossdsl.infer.arguments import Argument, Evaluated, Value, Written
from lossdsl.infer.axis_positions import AxisArgument, AxisPart, NamedDim, NamedRun, NoAxis
from lossdsl.syntax import ast
from lossdsl.syntax.options import ALL


def axis_argument(scope: Scope, expr: Written, given: bool = True) -> AxisArgument:
    """Return the axes that an expression means."""
    if isinstance(expr, ast.Name) and expr.id == ALL:
        return AxisArgument(None, expr.span, given)
    items = expr.items if isinstance(expr, ast.Tuple) else (expr,)
    parts = tuple((part, item.span) for item in items for part in _parts(scope, item))
    return AxisArgument(parts, expr.span, given)


def _parts(scope: Scope, expr: Written) -> Iterator[AxisPart]:
    match expr:
        case Evaluated(value):
            positions = _positions(value)
            yield from (NoAxis(),) if positions is None else positions
        case ast.Name(name):
            positions = _positions(scope.values.get(name))
            yield from (_named(scope, name),) if positions is None else positions
        case ast.Literal(int() as position) if not isinstance(position, bool):
            yield position
        case ast.Unary("-", ast.Literal(int() as position)) if not isinstance(position, bool):
            yield -position
        case _:
            yield NoAxis()


def _positions(value: Argument | None) -> tuple[int, ...] | None:
    match value:
        case Value(Const(int() as position)) if not isinstance(position, bool):
            return (position,)
        case Value(Const(tuple() as numbers)):
            positions = tuple(number for number in numbers if isinstance(number, int))
            return positions if len(positions) == len(numbers) else None
        case _:
            return None


def _named(scope: Scope, name: str) -> AxisPart:
    if name in scope.runs:
        return NamedRun(name, scope.runs[name])
    if name in scope.dims:
        return NamedDim(name, scope.dims[name])
    return NoAxis(name, tuple(sorted({*scope.dims, *scope.runs})))
