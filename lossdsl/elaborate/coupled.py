"""Losses that hold examples against each other: they read the mask that their caller gives.

An example that `where=` leaves out would else still count in the value of the others. So a loss may
declare `where: bool[N]? = none`; its body then reads what the call's `where=` and `weight=` keep.
"""

from __future__ import annotations

from lossdsl.elaborate import masks, reduction_options
from lossdsl.elaborate.context import Call
from lossdsl.infer.arguments import Value
from lossdsl.infer.patterns import pattern_of
from lossdsl.syntax import ast
from lossdsl.syntax.options import WEIGHT, WHERE
from lossdsl.syntax.program_rules import declared_mask
from lossdsl.types.types import ArrayType, array
from lossdsl.types.unify import instantiate


def read_mask(call: Call) -> Value | None:
    """Return what a call keeps, for a definition that reads it; None if it keeps all.

    A mask of rank 0 keeps all or nothing, and nothing is left of the value then: the body need
    not read it.
    """
    declared = declared_mask(call.definition)
    if declared is None:
        return None
    target = call.scope.unknown()
    pattern = pattern_of(declared.type, target)
    assert isinstance(pattern, ast.ArrayTypeExpr)
    target = Value(target.node, array("bool", instantiate(pattern.dims, call.fitted.bindings)))
    kept, weight = (
        reduction_options.option(call.scope, name, call.bound.option(name), (target, call.span))
        for name in (WHERE, WEIGHT)
    )
    if weight is not None:
        kept = masks.both(call, WHERE, masks.nonzero(call, weight), kept)
    match kept:
        case Value(type=ArrayType(dims=())):
            return None
        case _:
            return kept
