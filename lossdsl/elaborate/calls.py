"""Calls: which function is meant, which of its signatures fits, and what the call becomes."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.analyze.constrained_leaves import takes_constraints
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.elaborate import (
    constraint_calls,
    expansion,
    expressions,
    mapping,
    primitives,
    reduction_options,
)
from lossdsl.elaborate.apply_elementwise import apply_elementwise
from lossdsl.elaborate.argument_domains import hold_domains
from lossdsl.elaborate.binding import Candidate, agrees, bind
from lossdsl.elaborate.context import Call, Scope, Site
from lossdsl.elaborate.lints.ld411_one_class import hold_classes
from lossdsl.elaborate.lints.ld423_same_value import hold_distinct
from lossdsl.elaborate.lints.ld428_other_totals import hold_totals
from lossdsl.elaborate.lints.ld450_exchanged_arguments import hold_names
from lossdsl.elaborate.python_calls import python_call
from lossdsl.elaborate.undecided import infer_inputs, undecided
from lossdsl.elaborate.value_roles import contradictions, hold_roles
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
from lossdsl.library.suggest import function_meant
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import REDUCE


def call(scope: Scope, expr: ast.Call) -> Value:
    """Return the value of a call, which is elaborated once in each expansion."""
    key = (id(expr), scope.frame)
    if key not in scope.context.calls:
        scope.context.calls[key] = _call(scope, expr)
    return scope.context.calls[key]


def _call(scope: Scope, expr: ast.Call) -> Value:
    given = scope.values.get(expr.function)
    if isinstance(given, FunctionValue):
        return _call_given(scope, given, expr)
    function = scope.functions.visible(expr.function, expr.name_span.source)
    if function is None:
        return scope.at(expr.name_span).error(
            "LD101",
            f"unknown function `{expr.function}`",
            "not a function of the language",
            help=function_meant(expr.function, scope.functions) or "`lossdsl functions` lists them",
        )
    if mapping.is_map(function):
        return mapping.map_leaves(scope, expr)
    return call_function(scope, function, expr)


def apply_function(
    site: Site,
    function: Builtin,
    operands: Sequence[tuple[Argument, Span]],
    keywords: tuple[ast.Keyword | Option, ...] = (),
) -> Value:
    """Call a function with values that are computed already."""
    arguments = tuple(Evaluated(value, place) for value, place in operands)
    return call_function(site.scope, function, Application(arguments, keywords, site.span))


def _call_given(scope: Scope, given: FunctionValue, expr: ast.Call) -> Value:
    """Call a function that was given as an argument."""
    if len(expr.arguments) != 1:
        return call_function(scope, given.function, expr)
    operands = [expressions.placed(scope, expr.arguments[0])]
    return apply_given(scope.at(expr.span), given, operands, expr.keywords)


def apply_given(
    site: Site,
    given: FunctionValue,
    operands: Sequence[tuple[Value, Span]],
    keywords: tuple[ast.Keyword | Option, ...] = (),
) -> Value:
    """Apply a function that was given by name to values.

    A loss of two arguments that is called with one measures it against zero, unreduced.
    """
    function = given.function
    if not (function.is_loss and len(operands) == 1 and given.arity == 1):
        return apply_function(site, function, operands, keywords)
    if sum(parameter.required for parameter in function.signatures[0].parameters) > 1:
        zeros = apply_elementwise(site, of_form(Form.ZEROS), operands)
        operands = [*operands, (zeros, site.span)]
    none = Option(REDUCE, Evaluated(Static("none"), site.span), site.span)
    return apply_function(site, function, operands, (none, *keywords))


def call_function(scope: Scope, function: Builtin, written: ast.Call | Application) -> Value:
    """Take the first signature that the arguments fit, and apply the function."""
    evaluated: dict[int, Argument] = {}

    def evaluate(argument: Written) -> Argument:
        if isinstance(argument, Evaluated):
            return argument.value
        if id(argument) not in evaluated:
            evaluated[id(argument)] = expressions.argument(scope, argument)
        return evaluated[id(argument)]

    candidates = [
        Candidate(function, signature, written, evaluate) for signature in function.signatures
    ]
    if len(candidates) > 1:
        candidates = [candidate for candidate in candidates if agrees(candidate)] or candidates
    problems: list[Diagnostic | tuple[Bound, Misfit]] = []
    misfits: list[Bound] = []
    fitting: list[Call] = []
    for candidate in candidates:
        bound = bind(scope, candidate)
        if isinstance(bound, Diagnostic):
            problems.append(bound)
            continue
        fitted = own_axis(bound, fit(bound))
        if not isinstance(fitted, Fit):
            problems.append((bound, fitted))
            misfits.append(bound)
            continue
        fitting.append(Call(scope, written.span, fitted))
        if not fitted.unknown:
            break
    if not fitting:
        infer_inputs(scope.context, misfits[:1])
        return scope.report(_most_telling(problems))
    meant = fitting[0]
    if meant.fitted.unknown and len(fitting) > 1:
        meant = fitting[-1]
        if meant.fitted.unknown:
            return _undecided(fitting)
    infer_inputs(scope.context, [meant.bound])
    return _apply(meant)


def _undecided(fitting: Sequence[Call]) -> Value:
    """Hold a call against what all of the signatures ask that it may mean."""
    call = fitting[0]
    infer_inputs(call.context, [candidate.bound for candidate in fitting])
    if not hold_domains(call, chosen=False):
        return call.scope.unknown()
    if all(contradictions(candidate) for candidate in fitting):
        hold_roles(call)
    hold_names(call)
    hold_distinct(call)
    if call.function.is_loss:
        reduction_options.hold_options(call)
    return undecided(call)


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


def _apply(call: Call) -> Value:
    if not hold_domains(call):
        return call.scope.unknown()
    hold_roles(call)
    hold_names(call)
    hold_distinct(call)
    hold_totals(call)
    value = _applied(call)
    hold_classes(call, value)
    return value


def _applied(call: Call) -> Value:
    function, bound = call.function, call.bound
    if function.python:
        return python_call(call)
    if takes_constraints(call.signature):
        return constraint_calls.apply(call)
    if function.definitions:
        return expansion.expand(call)
    for name, value in watched(call).items():
        bound.values[name] = (value, bound.values[name][1])
    if function.reduction:
        return reduction_options.reduction_call(call)
    operands = primitives.operands(call)
    if operands is None:
        return call.scope.unknown()
    if function.elementwise:
        statics = primitives.statics(call)
        given = [entry for entry in operands if entry is not None]
        return apply_elementwise(call, function, given, statics)
    return primitives.primitive(call, operands)
