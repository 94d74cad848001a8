"""`axis=` of a loss: which axes of its value are reduced, or the one along which it works."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.check.axes import is_dim
from lossdsl.check.binding import Bound
from lossdsl.check.context import Context, Scope
from lossdsl.check.fitting import Fit, fit
from lossdsl.check.patterns import sole_axis
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.infer.arguments import Value
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import ALL, AXIS, REDUCE
from lossdsl.types.types import ArrayType, Dim
from lossdsl.types.unify import instantiate

Fitted = Fit | Diagnostic


def own_axis(context: Context, scope: Scope, bound: Bound, fitted: Fitted) -> tuple[Bound, Fitted]:
    """Take an `axis=` that the unreduced value lacks for the one along which the loss works.

    Dims are told apart by name: of `z: f32[B, K]` and `y: i32[B]`, `cross_entropy(z, y, axis=K)`
    can mean its classes only.
    """
    name, expr = sole_axis(bound.signature), bound.options.get(AXIS)
    if name is None or name in bound.syntax:
        return bound, fitted
    if expr is None or not bound.function.is_loss:
        return bound, _helped(context, scope, bound, fitted, name)
    wanted = _single(scope, expr)
    if wanted is None or _is_of_value(bound, fitted, wanted):
        return bound, fitted
    others = {option: given for option, given in bound.options.items() if option != AXIS}
    moved = replace(bound, syntax={**bound.syntax, name: (expr,)}, options=others)
    refitted = fit(context, scope, moved)
    if isinstance(refitted, Diagnostic) or _is_of_value(moved, refitted, wanted):
        return bound, _helped(context, scope, bound, fitted, name)
    return moved, refitted


def _helped(context: Context, scope: Scope, bound: Bound, fitted: Fitted, name: str) -> Fitted:
    """Return what is wrong with a call that another axis would mend, with that axis as its help."""
    if not isinstance(fitted, Diagnostic) or fitted.code != "LD201" or fitted.help is not None:
        return fitted
    value, span = next(iter(bound.values.values()))
    type = value.type if isinstance(value, Value) else None
    dims = (type.dims if isinstance(type, ArrayType) else None) or ()
    fitting = [
        dim.name or str(at)
        for at, dim in enumerate(dims)
        if not isinstance(
            fit(context, scope, replace(bound, syntax=_at(bound, name, at, span))), Diagnostic
        )
    ]
    if len(fitting) != 1:
        return fitted
    return replace(
        fitted, help=f"the last axis is meant unless another is named: `{name}={fitting[0]}`"
    )


def _at(bound: Bound, name: str, axis: int, span: Span) -> dict[str, tuple[ast.Expr, ...]]:
    return {**bound.syntax, name: (ast.Literal(axis, span),)}


def _single(scope: Scope, expr: ast.Expr) -> Dim | int | None:
    """Return the dim or number of one axis; None where several, or none, can be meant."""
    match expr:
        case ast.Name(name) if name != ALL and name not in scope.values:
            return scope.dims.get(name)
        case ast.Literal(int() as position) if not isinstance(position, bool):
            return position
        case ast.Unary("-", ast.Literal(int() as position)) if not isinstance(position, bool):
            return -position
        case _:
            return None


def _is_of_value(bound: Bound, fitted: Fitted, axis: Dim | int) -> bool:
    """Say whether the unreduced value has an axis, or may have it for what is known."""
    if isinstance(fitted, Diagnostic):
        return False
    match bound.options.get(REDUCE):
        case ast.Text("none"):
            return False
        case _:
            pass
    result = bound.signature.result
    if not isinstance(result, ast.ArrayTypeExpr):
        return True
    dims = instantiate(result.dims, fitted.bindings)
    if dims is None:
        return True
    if isinstance(axis, int):
        return -len(dims) <= axis < len(dims)
    return any(dim.constant is None or is_dim(dim, axis) for dim in dims)
