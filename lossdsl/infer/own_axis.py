"""`axis=` of a loss: which axes of its value are reduced, or the one along which it works."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.infer.arguments import Evaluated, Static
from lossdsl.infer.axis_positions import AxisArgument, NamedDim, is_dim
from lossdsl.infer.bound import Bound
from lossdsl.infer.fit import Fit, Misfit, fit
from lossdsl.infer.patterns import sole_axis
from lossdsl.syntax import ast
from lossdsl.syntax.options import REDUCE
from lossdsl.types.types import Dim
from lossdsl.types.unify import instantiate


def own_axis(bound: Bound, fitted: Fit | Misfit) -> Fit | Misfit:
    """Take an `axis=` that the unreduced value lacks for the one along which the loss works.

    Dims are told apart by name: of `z: f32[B, K]` and `y: i32[B]`, `cross_entropy(z, y, axis=K)`
    can mean its classes only.
    """
    name, given = sole_axis(bound.signature), bound.axis
    if name is None or (name in bound.axes and bound.axes[name].given):
        return fitted
    if given is None or not bound.function.is_loss:
        return fitted
    axis = _single(given)
    if axis is None or _is_of_value(bound, fitted, axis):
        return fitted
    moved = replace(bound, axes={**bound.axes, name: given}, axis=None)
    refitted = fit(moved)
    if not isinstance(refitted, Fit) or _is_of_value(moved, refitted, axis):
        return fitted
    return refitted


def _single(given: AxisArgument) -> Dim | int | None:
    """Return the dim or number of one axis; None where several, or none, can be meant."""
    match given.sole:
        case NamedDim(_, dim):
            return dim
        case int(position):
            return position
        case _:
            return None


def _is_of_value(bound: Bound, fitted: Fit | Misfit, axis: Dim | int) -> bool:
    """Say whether the unreduced value has an axis, or may have it for what is known."""
    if not isinstance(fitted, Fit):
        return False
    match bound.options.get(REDUCE):
        case ast.Text("none") | Evaluated(Static("none")):
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
