"""From the arguments of a call to the parameters of a signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lossdsl.core.graph import Const
from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.elaborate.constants import vector
from lossdsl.elaborate.context import Scope
from lossdsl.elaborate.static_arguments import static_problem
from lossdsl.elaborate.written_axes import axis_argument
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import (
    Application,
    Argument,
    Evaluated,
    FunctionValue,
    Option,
    Static,
    Value,
    Written,
)
from lossdsl.infer.axis_positions import AxisArgument, AxisMismatch, resolve_axes
from lossdsl.infer.bound import Bound, options_of, ordinary, show_signature
from lossdsl.infer.explain import explain_axes
from lossdsl.infer.patterns import sole_axis
from lossdsl.infer.statics import as_choice, shape_of
from lossdsl.library.aliases import OPTIONS, alias_table
from lossdsl.library.declare import Builtin, builtins
from lossdsl.library.suggest import did_you_mean, function_meant
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, NORMALIZE
from lossdsl.types.types import UnknownType


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function with one of its signatures, which a call as it is written may mean."""

    function: Builtin
    signature: ast.Signature
    written: ast.Call | Application
    evaluate: Callable[[Written], Argument]


def bind(scope: Scope, candidate: Candidate) -> Bound | Diagnostic:
    """Assign the arguments of a call to parameters and evaluate what can be evaluated."""
    assigned = _assign(candidate)
    if isinstance(assigned, Diagnostic):
        return assigned
    function, signature = candidate.function, candidate.signature
    given, options = assigned
    axis = options.pop(AXIS, None)
    span, evaluate = candidate.written.span, candidate.evaluate
    bound = Bound(function, signature, span, options=options, evaluate=evaluate)
    bound.axis = None if axis is None else axis_argument(scope, axis)
    for parameter in ordinary(signature, function):
        axes = _axes(scope, parameter, given.get(parameter.name, ()))
        if axes is not None:
            bound.axes[parameter.name] = axes
        for expr in given.get(parameter.name, ()):
            problem = _accept(scope, bound, parameter, expr)
            if problem is not None:
                return problem
    return _no_axis(bound) or bound


def _no_axis(bound: Bound) -> Diagnostic | None:
    """Return what is wrong with an axis that is none of any array, whatever its dims are."""
    given = {**bound.axes} if bound.axis is None else {**bound.axes, AXIS: bound.axis}
    for name, axis in given.items():
        mismatch = resolve_axes(axis, None)
        if isinstance(mismatch, AxisMismatch):
            return explain_axes(mismatch, name)
    return None


def _assign(
    candidate: Candidate,
) -> tuple[dict[str, tuple[Written, ...]], dict[str, Written]] | Diagnostic:
    function, signature, call = candidate.function, candidate.signature, candidate.written
    parameters = ordinary(signature, function)
    positional = [parameter for parameter in parameters if not parameter.variadic]
    variadic = next((parameter for parameter in parameters if parameter.variadic), None)
    before = parameters.index(variadic) if variadic else len(positional)
    given: dict[str, tuple[Written, ...]] = {}
    if variadic is None and len(call.arguments) > len(positional):
        return _arity(candidate, len(positional))
    for parameter, expr in zip(parameters[:before], call.arguments, strict=False):
        given[parameter.name] = (expr,)
    if variadic is not None:
        these, others = _several(variadic, call.arguments[before:], candidate.evaluate)
        if len(others) > len(positional) - before:
            return _arity(candidate, len(positional) + 1)
        given[variadic.name] = these
        given |= {
            parameter.name: (expr,)
            for parameter, expr in zip(positional[before:], others, strict=False)
        }
    options: dict[str, Written] = {}
    names = [parameter.name for parameter in positional]
    for keyword in call.keywords:
        name = keyword.name
        if name == AXIS and name not in (*names, *function.options):
            name = sole_axis(signature) or name
        if name in names:
            if name in given:
                return at("LD104", f"`{name}` of `{function.name}` is given twice", keyword.span)
            given[name] = (keyword.value,)
        elif keyword.name in function.options or (function.weighted and keyword.name == NORMALIZE):
            # A divisor where nothing is divided is refused where the options are read.
            options[keyword.name] = keyword.value
        else:
            return _no_option(candidate, keyword, [*names, *function.options])
    for parameter in positional:
        if parameter.name not in given and parameter.required:
            return _arity(candidate, len(positional), parameter.name)
    return given, options


def _several(
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


def _no_option(candidate: Candidate, keyword: ast.Keyword | Option, known: list[str]) -> Diagnostic:
    function, signature = candidate.function, candidate.signature
    aliases = alias_table({name: OPTIONS.get(name, ()) for name in known})
    choosing = [
        f"`{parameter.name}`"
        for parameter in signature.parameters
        if isinstance(parameter.type, ast.ChoiceTypeExpr)
        and set(parameter.type.options) != set(options_of(function, parameter.name))
    ]
    return at(
        "LD102",
        f"`{function.name}` has no parameter `{keyword.name}`"
        + (f" with this {' and '.join(choosing)}" if choosing else ""),
        keyword.name_span,
        help=did_you_mean(keyword.name, known, aliases)
        or f"it takes {', '.join(f'`{name}`' for name in known)}",
    )


def agrees(candidate: Candidate) -> bool:
    """Say whether no string of a call is a choice that only other signatures have."""
    function, call = candidate.function, candidate.written
    parameters = ordinary(candidate.signature, function)
    named = {parameter.name: parameter for parameter in parameters}
    given = [*zip(parameters, call.arguments, strict=False)]
    given += [
        (named[keyword.name], keyword.value) for keyword in call.keywords if keyword.name in named
    ]
    for parameter, expr in given:
        match parameter.type:
            case ast.ChoiceTypeExpr(options):
                value = candidate.evaluate(expr)
                others = set(options_of(function, parameter.name)) - set(options)
                if isinstance(value, Static) and value.value in others:
                    return False
            case _:
                pass
    return True


def _arity(candidate: Candidate, most: int, missing: str | None = None) -> Diagnostic:
    function, call = candidate.function, candidate.written
    help = f"its signature: `{show_signature(function, candidate.signature)}`"
    pairwise = None if function.across is None else builtins().get(function.across)
    if missing is None and len(call.arguments) == 2 and pairwise and pairwise.elementwise:
        shown = ", ".join(argument.span.text for argument in call.arguments)
        help = f"`{function.name}` reduces one array; of two it is `{function.across}({shown})`"
    if missing is not None:
        message = f"`{function.name}` needs `{missing}`"
    else:
        plural = "" if most == 1 else "s"
        message = (
            f"`{function.name}` takes at most {most} argument{plural}, not {len(call.arguments)}"
        )
    return Diagnostic("LD104", message, (Label(call.span, "", primary=True),), help=help)


def _axes(scope: Scope, parameter: ast.Parameter, given: Sequence[Written]) -> AxisArgument | None:
    """Return the axes that a parameter is given, or has by default; None of any other parameter."""
    type = parameter.plain_type
    if not (isinstance(type, ast.WordTypeExpr) and type.word in ("axis", "axes")):
        return None
    expr = given[0] if given else parameter.default
    if expr is None or (
        type.word == "axes" and isinstance(expr, ast.Literal) and expr.value is None
    ):
        return None
    return axis_argument(scope, expr, given=bool(given))


def _accept(
    scope: Scope, bound: Bound, parameter: ast.Parameter, expr: Written
) -> Diagnostic | None:
    """Take one argument in the way its parameter's type asks for."""
    type = parameter.plain_type
    if isinstance(type, ast.WordTypeExpr) and type.word in ("axis", "axes"):
        return None
    if isinstance(type, ast.WordTypeExpr) and type.word == "constraint":
        bound.constraints[parameter.name] = (*bound.constraints.get(parameter.name, ()), expr)
        return None
    if isinstance(type, ast.TreeTypeExpr) and isinstance(expr, ast.Comparison):
        return at(
            "LD104",
            f"`{bound.function.name}` needs the tree `{parameter.name}` first",
            expr.span,
            help=f"such as `{bound.function.name}(params, {expr.span.text})`",
        )
    value: Argument
    if isinstance(type, ast.WordTypeExpr) and type.word == "function":
        function = function_named(scope, expr, int(type.arguments[0]) if type.arguments else 1)
        if isinstance(function, Diagnostic):
            return function
        value = function
    else:
        value = bound.evaluate(expr)
        if isinstance(value, Static) and isinstance(value.value, tuple) and _is_array(type):
            value = vector(scope.at(expr.span), value.value)
        problem = static_problem(bound, parameter, value, expr.span)
        if problem is not None:
            return problem
        if isinstance(type, ast.WordTypeExpr) and type.word == "shape":
            value = shape_of(value) or value
        value = as_choice(type, value)
    if parameter.variadic:
        bound.variadic.append((value, expr.span))
    else:
        bound.values[parameter.name] = (value, expr.span)
    return None


def function_named(scope: Scope, expr: Written, arity: int) -> FunctionValue | Diagnostic:
    """Return the function that an argument names."""
    if isinstance(expr, Evaluated) and isinstance(expr.value, FunctionValue):
        return expr.value
    if isinstance(expr, ast.Name):
        given = scope.values.get(expr.id)
        if isinstance(given, FunctionValue):
            return given
        function = scope.functions.visible(expr.id, expr.span.source)
        if function is not None:
            return FunctionValue(function, arity)
        help = function_meant(expr.id, scope.functions)
        return at("LD101", f"unknown function `{expr.id}`", expr.span, help=help)
    return at(
        "LD113", "a function is given by its name", expr.span, help="such as `huber`, or a `def`"
    )


def _is_array(type: ast.TypeExpr | None) -> bool:
    options = type.options if isinstance(type, ast.UnionTypeExpr) else (type,)
    return any(isinstance(option, ast.ArrayTypeExpr) for option in options)
