"""What is wrong with arguments that are known before any array is: choices, strings, numbers."""

from __future__ import annotations

from lossdsl.core.graph import Const
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.infer.bound import Bound, options_of
from lossdsl.infer.statics import shape_of
from lossdsl.library.suggest import did_you_mean
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import Dim, UnknownType


def static_problem(
    bound: Bound, parameter: ast.Parameter, value: Argument, span: Span
) -> Diagnostic | None:
    """Return what is wrong with an argument for a parameter that is read before any array is."""
    type, function = parameter.plain_type, bound.function
    name = f"`{parameter.name}` of `{function.name}`"
    if isinstance(value, FunctionValue):
        help = f"declared `{parameter.name}: function[{value.arity}]`, the parameter takes one"
        message = f"`{value.function.name}` is a function, not a value"
        own = bool(function.definitions) and type is None
        return at("LD113", message, span, help=help if own else None)
    # An untyped parameter takes what the body or the Python function makes of it.
    untyped = type is None and not parameter.variadic
    any_kind = untyped and (function.python or bool(function.definitions))
    if isinstance(value, Static) and value.value is None:
        if any_kind or isinstance(parameter.type, ast.OptionalTypeExpr):
            return None
        return at("LD113", f"{name} cannot be `none`", span, help="leave it out")
    match type:
        case ast.ChoiceTypeExpr(options):
            if isinstance(value, Static) and value.value in options:
                return None
            options = options_of(function, parameter.name)
            listed = " or ".join(f'"{option}"' for option in options)
            text = value.value if isinstance(value, Static) and isinstance(value.value, str) else ""
            return at("LD112", f"{name} is {listed}", span, help=did_you_mean(text, options))
        case ast.WordTypeExpr("text"):
            if not (isinstance(value, Static) and isinstance(value.value, str)):
                return at("LD113", f"{name} is a string", span)
        case ast.WordTypeExpr("static", (expected,)):
            if not _is_static(value):
                return at(
                    "LD113",
                    f"{name} is static: a number or a dim, known before the call",
                    span,
                    help="give a literal, or a size of the inputs by the name of its dim",
                )
            if not _static_fits(value, expected):
                words = {"int": "a whole number", "bool": "`true` or `false`"}
                return at("LD113", f"{name} is {words.get(expected, 'a number')}", span)
        case ast.WordTypeExpr("shape"):
            if shape_of(value) is None and not _unknown(value):
                return at("LD113", f"{name} is a shape, such as `(B, -1)`", span)
        case _:
            if not any_kind and isinstance(value, Static):
                given = "a string" if isinstance(value.value, str) else "a tuple of dims"
                expected = "a tree" if isinstance(type, ast.TreeTypeExpr) else "an array"
                return at("LD113", f"{name} is {expected}, not {given}", span)
    return None


def _is_static(value: Argument) -> bool:
    return isinstance(value, Value) and (isinstance(value.node, Const) or _unknown(value))


def _static_fits(value: Argument, expected: str) -> bool:
    match value:
        case Value(Const(bool())):
            return expected == "bool" or _unknown(value)
        case Value(Const(int() | Dim())):
            return expected != "bool"
        case Value(Const(float())):
            return expected not in ("int", "bool")
        case Value(Const(tuple())):
            return False
        case _:
            return True


def _unknown(value: Argument) -> bool:
    return isinstance(value, Value) and isinstance(value.type, UnknownType)
