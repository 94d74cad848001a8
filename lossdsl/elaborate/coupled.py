"""Losses that hold examples against each other: they read the mask that their caller gives.

An example that `where=` leaves out would else still count in the value of the others. So a loss may
declare `where: bool[N]? = none`; its body then reads what the call's `where=` and `weight=` keep.
"""

from __future__ import annotations

from lossdsl.elaborate import masks, reduction_options
from lossdsl.elaborate.context import Context, Scope
from lossdsl.infer.arguments import Value
from lossdsl.infer.bound import Bound
from lossdsl.infer.fit import Fit
from lossdsl.infer.patterns import pattern_of
from lossdsl.syntax import ast
from lossdsl.syntax.options import WEIGHT, WHERE
from lossdsl.syntax.rules import declared_mask
from lossdsl.types.types import ArrayType, array
from lossdsl.types.unify import instantiate


def read_mask(
    context: Context, scope: Scope, bound: Bound, fitted: Fit, definition: ast.Definition
) -> Value | None:
    """Return what a call keeps, for a definition that reads it; None if it keeps all.

    A mask of rank 0 keeps all or nothing, and nothing is left of the value then: the body need
    not read it.
    """
    declared = declared_mask(definition)
    if declared is None:
        return None
    target = context.unknown()
    pattern = pattern_of(declared.type, target)
    assert isinstance(pattern, ast.ArrayTypeExpr)
    target = Value(target.node, array("bool", instantiate(pattern.dims, fitted.bindings)))
    span = bound.span
    kept = reduction_options.option(context, scope, bound.option(WHERE), WHERE, (target, span))
    weight = reduction_options.option(context, scope, bound.option(WEIGHT), WEIGHT, (target, span))
    if weight is not None:
        implied = masks.nonzero(context, scope, weight, span)
        kept = masks.both(context, scope, "and", implied, kept, span, WHERE)
    match kept:
        case Value(type=ArrayType(dims=())):
            return None
        case _:
            return kept
