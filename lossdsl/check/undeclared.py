"""What signatures say of inputs that are not declared."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.check.context import Context
from lossdsl.core.graph import Input
from lossdsl.infer.arguments import Argument, Value
from lossdsl.infer.bound import Bound
from lossdsl.infer.patterns import pattern_of
from lossdsl.syntax import ast
from lossdsl.types.types import UnknownType
from lossdsl.types.unify import show_pattern


def infer_inputs(context: Context, bound: Bound) -> None:
    """Remember what the signature of a call says of the undeclared inputs among its arguments."""
    for parameter in bound.signature.parameters:
        given = bound.variadic if parameter.variadic else [bound.values.get(parameter.name)]
        for entry in given:
            if entry is not None:
                _infer(context, bound, parameter, entry[0])


def _infer(context: Context, bound: Bound, parameter: ast.Parameter, argument: Argument) -> None:
    match argument:
        case Value(Input(name), UnknownType()) if context.inferred.get(name) == "unknown":
            match pattern_of(parameter.type, argument):
                case ast.ArrayTypeExpr() as pattern:
                    if bound.function.elementwise and not pattern.dims:
                        # The signature of an elementwise function is that of one element.
                        pattern = replace(pattern, dims=(ast.Run(None, pattern.span),))
                    context.inferred[name] = show_pattern(pattern)
                case ast.TreeTypeExpr(leaf):
                    shown = "tree" if leaf is None else f"tree[{show_pattern(leaf)}]"
                    context.inferred[name] = shown
                case _:
                    pass
        case _:
            pass
