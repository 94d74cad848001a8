"""Axis positions: `axis=C`, `axis=-1`, `axis=(T, 0)`, `axis=all`, `axis=S` for a run."""

from __future__ import annotations

from dataclasses import dataclass

from lossdsl.check.context import Context, Scope
from lossdsl.check.names import did_you_mean
from lossdsl.core.graph import Const
from lossdsl.infer.arguments import Value
from lossdsl.syntax import ast
from lossdsl.syntax.options import ALL
from lossdsl.types.types import Dim


@dataclass(frozen=True, slots=True)
class Axes:
    """Which axes of a value are meant: non-negative and sorted as written; None is all of them."""

    axes: tuple[int, ...] | None


def resolve_axes(
    context: Context, scope: Scope, expr: ast.Expr, dims: tuple[Dim, ...] | None, of: str
) -> Axes | None:
    """Return the axes that an expression names in dims; None if unknown or after a diagnostic."""
    if isinstance(expr, ast.Name) and expr.id == ALL:
        return Axes(None)
    parts = expr.items if isinstance(expr, ast.Tuple) else (expr,)
    found: list[int] = []
    for part in parts:
        one = _resolve(context, scope, part, dims, of)
        if one is None:
            return None
        found += one
    if len(set(found)) != len(found):
        context.error(scope, "LD207", "an axis is named twice", expr.span)
        return None
    return Axes(tuple(found))


def resolve_axis(
    context: Context, scope: Scope, expr: ast.Expr, dims: tuple[Dim, ...] | None, of: str
) -> int | None:
    """Return the one axis that an expression names; None if unknown or after a diagnostic."""
    axes = resolve_axes(context, scope, expr, dims, of)
    if axes is None:
        return None
    if axes.axes is None or len(axes.axes) != 1:
        context.error(scope, "LD207", f"`{of}` is one axis", expr.span)
        return None
    return axes.axes[0]


def _resolve(
    context: Context, scope: Scope, expr: ast.Expr, dims: tuple[Dim, ...] | None, of: str
) -> tuple[int, ...] | None:
    match expr:
        case ast.Name(name):
            match scope.values.get(name):
                case Value(Const(int() as position)) if not isinstance(position, bool):
                    return _number(context, scope, position, expr, dims, of)
                case Value(Const(tuple() as positions)):
                    numbers = [_number(context, scope, int(p), expr, dims, of) for p in positions]
                    return None if None in numbers else tuple(n[0] for n in numbers if n)
                case _:
                    pass
            return _by_name(context, scope, expr, dims, of)
        case ast.Literal(int() as position) if not isinstance(position, bool):
            return _number(context, scope, position, expr, dims, of)
        case ast.Unary("-", ast.Literal(int() as position)) if not isinstance(position, bool):
            return _number(context, scope, -position, expr, dims, of)
        case _:
            context.error(
                scope,
                "LD207",
                f"`{of}` is a dim or a number",
                expr.span,
                help="such as `axis=-1`, `axis=C`, `axis=(0, 1)` or `axis=all`",
            )
            return None


def _number(
    context: Context,
    scope: Scope,
    position: int,
    expr: ast.Expr,
    dims: tuple[Dim, ...] | None,
    of: str,
) -> tuple[int] | None:
    if dims is None:
        return None
    if not -len(dims) <= position < len(dims):
        plural = "" if len(dims) == 1 else "s"
        message = f"axis {position} is out of range for {len(dims)} dim{plural}"
        context.error(
            scope,
            "LD207",
            message if dims else f"a scalar has no axis {position}",
            expr.span,
            f"[{', '.join(map(str, dims))}]",
        )
        return None
    return (position % len(dims),)


def _by_name(
    context: Context, scope: Scope, expr: ast.Name, dims: tuple[Dim, ...] | None, of: str
) -> tuple[int, ...] | None:
    if expr.id in scope.runs:
        run = scope.runs[expr.id]
        if run is None or dims is None:
            return None
        return tuple(at for at, dim in enumerate(dims) if any(is_dim(dim, one) for one in run))
    wanted = scope.dims.get(expr.id)
    if wanted is None:
        known = sorted({*scope.dims, *scope.runs})
        context.error(
            scope,
            "LD108",
            f"unknown dim `{expr.id}`",
            expr.span,
            "no input declares it",
            help=did_you_mean(expr.id, known)
            or (
                f"declared: {', '.join(f'`{name}`' for name in known)}"
                if known
                else "declare the inputs, such as `out: f32[B, C]`, or give a number"
            ),
        )
        return None
    if dims is None:
        return None
    found = [at for at, dim in enumerate(dims) if is_dim(dim, wanted)]
    if len(found) == 1:
        return (found[0],)
    shape = f"[{', '.join(map(str, dims))}]"
    if found:
        context.error(
            scope,
            "LD207",
            f"`{expr.id}` occurs {len(found)} times, so it names no axis",
            expr.span,
            shape,
            help="give the number of the axis",
        )
    elif not any(dim.constant is None for dim in dims):
        context.error(
            scope,
            "LD207",
            f"no axis is `{expr.id}`",
            expr.span,
            shape,
            help="the value has the dims in brackets; give one of them, or a number",
        )
    return None


def is_dim(dim: Dim, wanted: Dim) -> bool:
    """Say whether a dim of an array is the one that a name means."""
    return bool(wanted.terms) and (dim.constant, dim.terms) == (wanted.constant, wanted.terms)
