"""What signatures say of inputs that are not declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lossdsl.core.graph import Input
from lossdsl.elaborate.context import Context
from lossdsl.infer.arguments import Value
from lossdsl.infer.bound import Bound
from lossdsl.infer.patterns import pattern_of
from lossdsl.syntax import ast
from lossdsl.types.types import UnknownType
from lossdsl.types.unify import show_pattern

# Between the types of which an undeclared input may be any.
ALTERNATIVES = " or "


def infer_inputs(context: Context, candidates: Sequence[Bound]) -> None:
    """Remember what a call says of the undeclared inputs among its arguments.

    While it is open which of several signatures is meant, an input is what any of them takes.
    """
    alternatives: dict[str, dict[str, None]] = {}
    for bound in candidates:
        for name, shown in _patterns(bound).items():
            alternatives.setdefault(name, {})[shown] = None
    for name, shown in alternatives.items():
        if context.inferred.get(name) == "unknown":
            context.inferred[name] = ALTERNATIVES.join(shown)


def _patterns(bound: Bound) -> dict[str, str]:
    """Return what a signature shows of the undeclared inputs among the arguments of a call."""
    patterns: dict[str, str] = {}
    for parameter in bound.signature.parameters:
        for entry in bound.entries(parameter):
            match entry:
                case (Value(Input(name), UnknownType()) as value, _):
                    pattern = pattern_of(parameter.type, value)
                    shown = _shown(pattern, bound.function.elementwise)
                    if shown is not None:
                        patterns.setdefault(name, shown)
                case _:
                    pass
    return patterns


def _shown(pattern: ast.TypeExpr | None, elementwise: bool) -> str | None:
    match pattern:
        case ast.ArrayTypeExpr(dims=()) if elementwise:
            # The signature of an elementwise function is that of one element.
            return show_pattern(replace(pattern, dims=(ast.Run(None, pattern.span),)))
        case ast.ArrayTypeExpr():
            return show_pattern(pattern)
        case ast.TreeTypeExpr(leaf):
            return "tree" if leaf is None else f"tree[{show_pattern(leaf)}]"
        case _:
            return None
