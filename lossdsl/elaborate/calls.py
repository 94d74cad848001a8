"""Calls: which function is meant, which of its signatures fits, and what the call becomes."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.analyze.constrained_leaves import takes_constraints
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.elaborate import (
    constraints,
    expand,
    expressions,
    mapping,
    primitives,
    reduction_options,
)
from lossdsl.elaborate.apply_elementwise import apply_elementwise
from lossdsl.elaborate.binding import Call, agrees, bind
from lossdsl.elaborate.context import Context, Scope
from lossdsl.elaborate.domains import hold_domains
from lossdsl.elaborate.python import python_call
from lossdsl.elaborate.roles import contradictions, hold_apart, hold_classes, hold_roles
from lossdsl.elaborate.undecided import undecided
from lossdsl.elaborate.undeclared import infer_inputs
from lossdsl.elaborate.watch import watched
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
from lossdsl.infer.bound import Bound
from lossdsl.infer.explain_fit import explain_misfit
from lossdsl.infer.fit import Fit, Misfit, fit
from lossdsl.infer.own_axis import own_axis
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.forms import Form
from lossdsl.library.suggest import function_meant
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import REDUCE


def call(context: Context, scope: Scope, expr: ast.Call) -> Value:
    """Return the value of a call, which is elaborated once in each expansion."""
    key = (id(expr), scope.frame)
    if key not in context.calls:
        context.calls[key] = _call(context, scope, expr)
    return context.calls[key]


def _call(context: Context, scope: Scope, expr: ast.Call) -> Value:
    given = scope.values.get(expr.function)
    if isinstance(given, FunctionValue):
        return _call_given(context, scope, given, expr)
    function = scope.functions.visible(expr.function, expr.name_span.source)
    if function is None:
        return context.error(
            scope,
            "LD101",
            f"unknown function `{expr.function}`",
            expr.name_span,
            "not a function of the language",
            help=function_meant(expr.function, scope.functions) or "`lossdsl functions` lists them",
        )
    if mapping.is_map(function):
        return mapping.map_leaves(context, scope, expr)
    return call_function(context, scope, function, expr)


def apply_function(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Argument, Span]],
    span: Span,
    keywords: tuple[ast.Keyword | Option, ...] = (),
) -> Value:
    """Call a function with values that are computed already."""
    arguments = tuple(Evaluated(value, place) for value, place in operands)
    return call_function(context, scope, function, Application(arguments, keywords, span))


def _call_given(context: Context, scope: Scope, given: FunctionValue, expr: ast.Call) -> Value:
    """Call a function that was given as an argument."""
    if len(expr.arguments) != 1:
        return call_function(context, scope, given.function, expr)
    value = expressions.elaborate(context, scope, expr.arguments[0])
    operands = [(value, expr.arguments[0].span)]
    return apply_given(context, scope, given, operands, expr.span, expr.keywords)


def apply_given(
    context: Context,
    scope: Scope,
    given: FunctionValue,
    operands: Sequence[tuple[Value, Span]],
    span: Span,
    keywords: tuple[ast.Keyword | Option, ...] = (),
) -> Value:
    """Apply a function that was given by name to values.

    A loss of two arguments that is called with one measures it against zero, unreduced.
    """
    function = given.function
    if not (function.is_loss and len(operands) == 1 and given.arity == 1):
        return apply_function(context, scope, function, operands, span, keywords)
    if sum(parameter.required for parameter in function.signatures[0].parameters) > 1:
        zeros = apply_elementwise(context, scope, of_form(Form.ZEROS), operands, span)
        operands = [*operands, (zeros, span)]
    none = Option(REDUCE, Evaluated(Static("none"), span), span)
    return apply_function(context, scope, function, operands, span, (none, *keywords))


def call_function(context: Context, scope: Scope, function: Builtin, expr: Call) -> Value:
    """Take the first signature that the arguments fit, and apply the function."""
    evaluated: dict[int, Argument] = {}

    def evaluate(argument: Written) -> Argument:
        if isinstance(argument, Evaluated):
            return argument.value
        if id(argument) not in evaluated:
            evaluated[id(argument)] = expressions.argument(context, scope, argument)
        return evaluated[id(argument)]

    signatures = tuple(enumerate(function.signatures))
    if len(signatures) > 1:
        agreeing = [
            variant for variant in signatures if agrees(function, variant[1], expr, evaluate)
        ]
        signatures = agreeing or signatures
    problems: list[Diagnostic | tuple[Bound, Misfit]] = []
    misfits: list[Bound] = []
    fitting: list[tuple[int, Bound, Fit]] = []
    for at, signature in signatures:
        bound = bind(context, scope, function, signature, expr, evaluate)
        if isinstance(bound, Diagnostic):
            problems.append(bound)
            continue
        bound, fitted = own_axis(bound, fit(bound))
        if not isinstance(fitted, Fit):
            problems.append((bound, fitted))
            misfits.append(bound)
            continue
        fitting.append((at, bound, fitted))
        if not fitted.unknown:
            break
    if not fitting:
        infer_inputs(context, misfits[:1])
        return context.report(_most_telling(problems), scope)
    at, bound, fitted = fitting[0]
    if fitted.unknown and len(fitting) > 1:
        at, bound, fitted = fitting[-1]
        if fitted.unknown:
            return _undecided(context, scope, [(candidate, fit) for _, candidate, fit in fitting])
    infer_inputs(context, [bound])
    return _apply(context, scope, bound, fitted, at)


def _undecided(context: Context, scope: Scope, fitting: Sequence[tuple[Bound, Fit]]) -> Value:
    """Hold a call against what all of the signatures ask that it may mean."""
    infer_inputs(context, [bound for bound, _ in fitting])
    bound, fitted = fitting[0]
    if not hold_domains(context, scope, bound, fitted, chosen=False):
        return context.unknown()
    if all(contradictions(context, candidate) for candidate, _ in fitting):
        hold_roles(context, scope, bound)
    hold_apart(context, scope, bound)
    if bound.function.is_loss:
        reduction_options.hold_options(context, scope, bound)
    return undecided(context, scope, bound)


def _most_telling(problems: Sequence[Diagnostic | tuple[Bound, Misfit]]) -> Diagnostic:
    """Of what is wrong with each signature, report what got furthest: a dtype where shapes fit."""
    diagnostics = [
        problem if isinstance(problem, Diagnostic) else explain_misfit(*problem)
        for problem in problems
    ]
    order = ("LD214", "LD216", "LD201", "LD204")
    return next(
        (diagnostic for code in order for diagnostic in diagnostics if diagnostic.code == code),
        diagnostics[0],
    )


def _apply(context: Context, scope: Scope, bound: Bound, fitted: Fit, variant: int) -> Value:
    if not hold_domains(context, scope, bound, fitted):
        return context.unknown()
    hold_roles(context, scope, bound)
    hold_apart(context, scope, bound)
    value = _applied(context, scope, bound, fitted, variant)
    hold_classes(context, scope, bound, fitted, value)
    return value


def _applied(context: Context, scope: Scope, bound: Bound, fitted: Fit, variant: int) -> Value:
    function = bound.function
    if function.python:
        return python_call(context, scope, bound)
    if takes_constraints(bound.signature):
        return constraints.apply(context, scope, bound, fitted)
    if function.definitions:
        definition = function.definitions[variant]
        return expand.expand(context, scope, bound, fitted, definition)
    for name, value in watched(context, scope, bound, fitted).items():
        bound.values[name] = (value, bound.values[name][1])
    if function.reduction:
        return reduction_options.reduction_call(context, scope, bound)
    operands = primitives.operands(context, scope, bound)
    if operands is None:
        return context.unknown()
    if function.elementwise:
        statics = primitives.statics(context, scope, bound, fitted)
        given = [entry for entry in operands if entry is not None]
        return apply_elementwise(context, scope, function, given, bound.span, statics)
    return primitives.primitive(context, scope, bound, fitted, operands)
