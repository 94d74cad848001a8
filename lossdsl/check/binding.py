"""From the arguments of a call to the parameters of a signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lossdsl.check.constants import vector
from lossdsl.check.context import Context, Scope
from lossdsl.check.names import did_you_mean, function_meant
from lossdsl.check.patterns import sole_axis
from lossdsl.check.variadic import several
from lossdsl.core.graph import Const
from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.library.aliases import OPTIONS, alias_table
from lossdsl.library.declare import Builtin, builtins
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, LOSS_OPTIONS, NORMALIZE
from lossdsl.types.types import Dim, UnknownType, literal_dim

Evaluate = Callable[[ast.Expr], Argument]


@dataclass
class Bound:
    """The arguments of one call, by parameter.

    `values` holds what was computed, with its span; `syntax` what stays an expression until the
    types are known: axes and constraints; `options` the options of a loss or reduction.
    """

    function: Builtin
    signature: ast.Signature
    span: Span
    values: dict[str, tuple[Argument, Span]] = field(
        default_factory=dict[str, tuple[Argument, Span]]
    )
    variadic: list[tuple[Argument, Span]] = field(default_factory=list[tuple[Argument, Span]])
    syntax: dict[str, tuple[ast.Expr, ...]] = field(default_factory=dict[str, tuple[ast.Expr, ...]])
    options: dict[str, ast.Expr] = field(default_factory=dict[str, ast.Expr])


def ordinary(signature: ast.Signature, function: Builtin) -> list[ast.Parameter]:
    """Return the parameters that a caller fills by position: not a loss's own options."""
    hidden = LOSS_OPTIONS if function.is_loss else ()
    return [one for one in signature.parameters if one.name not in hidden]


def bind(
    context: Context,
    scope: Scope,
    function: Builtin,
    signature: ast.Signature,
    call: ast.Call,
    evaluate: Evaluate,
) -> Bound | Diagnostic:
    """Assign the arguments of a call to parameters and evaluate what can be evaluated."""
    assigned = _assign(function, signature, call, evaluate)
    if isinstance(assigned, Diagnostic):
        return assigned
    given, options = assigned
    bound = Bound(function, signature, call.span, options=options)
    for parameter in ordinary(signature, function):
        for expr in given.get(parameter.name, ()):
            problem = _accept(context, scope, bound, parameter, expr, evaluate)
            if problem is not None:
                return problem
    return bound


def _assign(
    function: Builtin, signature: ast.Signature, call: ast.Call, evaluate: Evaluate
) -> tuple[dict[str, tuple[ast.Expr, ...]], dict[str, ast.Expr]] | Diagnostic:
    parameters = ordinary(signature, function)
    positional = [one for one in parameters if not one.variadic]
    variadic = next((one for one in parameters if one.variadic), None)
    before = parameters.index(variadic) if variadic else len(positional)
    given: dict[str, tuple[ast.Expr, ...]] = {}
    if variadic is None and len(call.arguments) > len(positional):
        return _arity(function, signature, call, len(positional))
    for parameter, expr in zip(parameters[:before], call.arguments, strict=False):
        given[parameter.name] = (expr,)
    if variadic is not None:
        these, others = several(variadic, call.arguments[before:], evaluate)
        if len(others) > len(positional) - before:
            return _arity(function, signature, call, len(positional) + 1)
        given[variadic.name] = these
        given |= {one.name: (expr,) for one, expr in zip(positional[before:], others, strict=False)}
    options: dict[str, ast.Expr] = {}
    names = [one.name for one in positional]
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
            known = [*names, *function.options]
            return _no_option(function, signature, keyword, known)
    for parameter in positional:
        if parameter.name not in given and parameter.required:
            return _arity(function, signature, call, len(positional), parameter.name)
    return given, options


def _no_option(
    function: Builtin, signature: ast.Signature, keyword: ast.Keyword, known: list[str]
) -> Diagnostic:
    aliases = alias_table({name: OPTIONS.get(name, ()) for name in known})
    choosing = [
        f"`{one.name}`"
        for one in signature.parameters
        if isinstance(one.type, ast.ChoiceTypeExpr)
        and set(one.type.options) != set(_options(function, one.name))
    ]
    return at(
        "LD102",
        f"`{function.name}` has no parameter `{keyword.name}`"
        + (f" with this {' and '.join(choosing)}" if choosing else ""),
        keyword.name_span,
        help=did_you_mean(keyword.name, known, aliases)
        or f"it takes {', '.join(f'`{name}`' for name in known)}",
    )


def agrees(function: Builtin, signature: ast.Signature, call: ast.Call, evaluate: Evaluate) -> bool:
    """Say whether no string of a call is a choice that only other signatures have."""
    parameters = ordinary(signature, function)
    named = {one.name: one for one in parameters}
    given = [*zip(parameters, call.arguments, strict=False)]
    given += [(named[one.name], one.value) for one in call.keywords if one.name in named]
    for parameter, expr in given:
        match parameter.type:
            case ast.ChoiceTypeExpr(options):
                value = evaluate(expr)
                others = set(_options(function, parameter.name)) - set(options)
                if isinstance(value, Static) and value.value in others:
                    return False
            case _:
                pass
    return True


def _options(function: Builtin, name: str) -> tuple[str, ...]:
    """Return the strings that a parameter may be in any of a function's signatures."""
    parameters = (one for signature in function.signatures for one in signature.parameters)
    types = (one.type for one in parameters if one.name == name)
    choices = (type.options for type in types if isinstance(type, ast.ChoiceTypeExpr))
    return tuple(dict.fromkeys(option for options in choices for option in options))


def _arity(
    function: Builtin,
    signature: ast.Signature,
    call: ast.Call,
    most: int,
    missing: str | None = None,
) -> Diagnostic:
    usage = show_signature(function, signature)
    help = f"its signature: `{usage}`"
    pairwise = None if function.across is None else builtins().get(function.across)
    if missing is None and len(call.arguments) == 2 and pairwise and pairwise.elementwise:
        shown = ", ".join(one.span.text for one in call.arguments)
        help = f"`{function.name}` reduces one array; of two it is `{function.across}({shown})`"
    if missing is not None:
        message = f"`{function.name}` needs `{missing}`"
    else:
        plural = "" if most == 1 else "s"
        message = (
            f"`{function.name}` takes at most {most} argument{plural}, not {len(call.arguments)}"
        )
    return Diagnostic("LD104", message, (Label(call.span, "", primary=True),), help=help)


def show_signature(function: Builtin, signature: ast.Signature) -> str:
    """Return the parameters of a signature for a reader."""
    names = [
        f"*{one.name}" if one.variadic else one.name if one.required else f"{one.name}?"
        for one in ordinary(signature, function)
    ]
    options = [f"{name}?" for name in function.options]
    return f"{function.name}({', '.join([*names, *options])})"


def _accept(
    context: Context,
    scope: Scope,
    bound: Bound,
    parameter: ast.Parameter,
    expr: ast.Expr,
    evaluate: Evaluate,
) -> Diagnostic | None:
    """Take one argument in the way its parameter's type asks for."""
    type = parameter.plain_type
    if isinstance(type, ast.WordTypeExpr) and type.word in ("axis", "axes", "constraint"):
        bound.syntax[parameter.name] = (*bound.syntax.get(parameter.name, ()), expr)
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
        found = function_named(scope, expr, int(type.arguments[0]) if type.arguments else 1)
        if isinstance(found, Diagnostic):
            return found
        value = found
    else:
        value = evaluate(expr)
        if isinstance(value, Static) and isinstance(value.value, tuple) and _is_array(type):
            value = vector(context, scope, value.value, expr.span)
        problem = _static_problem(bound, parameter, value, expr)
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


def function_named(scope: Scope, expr: ast.Expr, arity: int) -> FunctionValue | Diagnostic:
    """Return the function that an argument names."""
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


def _static_problem(
    bound: Bound, parameter: ast.Parameter, value: Argument, expr: ast.Expr
) -> Diagnostic | None:
    type, function = parameter.plain_type, bound.function
    said = f"`{parameter.name}` of `{function.name}`"
    if isinstance(value, FunctionValue):
        help = f"declared `{parameter.name}: function[{value.arity}]`, the parameter takes one"
        message = f"`{value.function.name}` is a function, not a value"
        own = bool(function.definitions) and type is None
        return at("LD113", message, expr.span, help=help if own else None)
    # An untyped parameter takes what the body or the Python function makes of it.
    untyped = type is None and not parameter.variadic
    any_kind = untyped and (function.python or bool(function.definitions))
    if isinstance(value, Static) and value.value is None:
        if any_kind or isinstance(parameter.type, ast.OptionalTypeExpr):
            return None
        return at("LD113", f"{said} cannot be `none`", expr.span, help="leave it out")
    match type:
        case ast.ChoiceTypeExpr(options):
            if isinstance(value, Static) and value.value in options:
                return None
            options = _options(function, parameter.name)
            listed = " or ".join(f'"{option}"' for option in options)
            text = value.value if isinstance(value, Static) and isinstance(value.value, str) else ""
            return at("LD112", f"{said} is {listed}", expr.span, help=did_you_mean(text, options))
        case ast.WordTypeExpr("text"):
            if not (isinstance(value, Static) and isinstance(value.value, str)):
                return at("LD113", f"{said} is a string", expr.span)
        case ast.WordTypeExpr("static", (wanted,)):
            if not _is_static(value):
                return at(
                    "LD113",
                    f"{said} is static: a number or a dim, known before the call",
                    expr.span,
                    help="give a literal, or a size of the inputs by the name of its dim",
                )
            if not _static_fits(value, wanted):
                words = {"int": "a whole number", "bool": "`true` or `false`"}
                return at("LD113", f"{said} is {words.get(wanted, 'a number')}", expr.span)
        case ast.WordTypeExpr("shape"):
            if shape_of(value) is None and not _unknown(value):
                return at("LD113", f"{said} is a shape, such as `(B, -1)`", expr.span)
        case _:
            if not any_kind and isinstance(value, Static):
                given = "a string" if isinstance(value.value, str) else "a tuple of dims"
                wanted = "a tree" if isinstance(type, ast.TreeTypeExpr) else "an array"
                return at("LD113", f"{said} is {wanted}, not {given}", expr.span)
    return None


def _is_static(value: Argument) -> bool:
    return isinstance(value, Value) and (isinstance(value.node, Const) or _unknown(value))


def _static_fits(value: Argument, wanted: str) -> bool:
    match value:
        case Value(Const(bool())):
            return wanted == "bool" or _unknown(value)
        case Value(Const(int() | Dim())):
            return wanted != "bool"
        case Value(Const(float())):
            return wanted not in ("int", "bool")
        case Value(Const(tuple())):
            return False
        case _:
            return True


def _is_array(type: ast.TypeExpr | None) -> bool:
    options = type.options if isinstance(type, ast.UnionTypeExpr) else (type,)
    return any(isinstance(one, ast.ArrayTypeExpr) for one in options)


def _unknown(value: Argument) -> bool:
    return isinstance(value, Value) and isinstance(value.type, UnknownType)


def as_choice(type: ast.TypeExpr | None, value: Argument) -> Argument:
    """Return a string given for a choice together with what else it might have been."""
    if isinstance(type, ast.ChoiceTypeExpr) and isinstance(value, Static):
        return Static(value.value, type.options)
    return value


def shape_of(value: Argument) -> Static | None:
    """Return a value as a shape: dims and whole numbers."""
    match value:
        case Static(tuple()):
            return value
        case Value(Const(tuple() as numbers)) if all(isinstance(one, int) for one in numbers):
            return Static(tuple(literal_dim(int(one)) for one in numbers))
        case Value(Const(Dim() as dim)):
            return Static((dim,))
        case Value(Const(int() as size), type) if not isinstance(size, bool):
            return None if isinstance(type, UnknownType) else Static((literal_dim(size),))
        case _:
            return None
