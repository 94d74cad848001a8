"""From a syntax tree to checked core: names first, then bindings, results and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from graphlib import TopologicalSorter

from lossdsl.analyze.combine import batch_of, combines
from lossdsl.analyze.lints import Subject, lints
from lossdsl.analyze.sizes import (
    array_sizes,
    declared_sizes,
    input_sizes,
    made_values,
    program_sizes,
)
from lossdsl.core.graph import Core, Graph, Outcome
from lossdsl.core.selected_leaves import Selection
from lossdsl.core.verify import untyped, verify_core
from lossdsl.diagnostics.allow import not_allowed
from lossdsl.diagnostics.diagnostic import Diagnostic, at, has_errors
from lossdsl.elaborate import expressions, primitives
from lossdsl.elaborate.bounds import hold_program_apart
from lossdsl.elaborate.context import Context, Reading, Scope
from lossdsl.elaborate.definitions import check_definitions, uncalled
from lossdsl.elaborate.naming import name_problems, with_definitions
from lossdsl.elaborate.passed_inputs import Passed, fit_inputs
from lossdsl.elaborate.stack import with_whole_stack
from lossdsl.elaborate.value_roles import presumed
from lossdsl.elaborate.watch import watched_inputs
from lossdsl.elaborate.weighing import Weighing, objective, term, term_names
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Argument, Value
from lossdsl.inputs.declarations import (
    Declared,
    declared_inputs,
    defaults_of,
    ranges_of,
    runs_of,
    static_type,
    symbols_of,
)
from lossdsl.library.declare import Library
from lossdsl.library.recursion import cycle_in
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.format_nodes import format_range
from lossdsl.syntax.sums import addends
from lossdsl.types.types import ArrayType, Type, UnknownType, kind, symbol_dim
from lossdsl.types.unify import undetermined

RESULT = "loss"


@dataclass(frozen=True, slots=True)
class Elaborated:
    """What checking finds: core (None after an error), diagnostics, inputs and their leaves."""

    core: Core | None
    diagnostics: tuple[Diagnostic, ...]
    declared: Mapping[str, Declared]
    signature: Mapping[str, str]
    selections: tuple[Selection, ...] = ()


def elaborate(
    program: ast.Program,
    library: Library,
    given: Mapping[str, ast.TypeExpr] | None = None,
    passed: Passed | None = None,
    limits: Limits = DEFAULT_LIMITS,
    reading: Reading | None = None,
) -> Elaborated:
    """Check a program, statically or at the types that a call passes; or read it, for a reader."""
    call = passed or Passed({})
    context = Context(
        Graph(sizes=call.sizes),
        limits,
        call.default_float,
        partial=call.partial,
        debug=call.debug,
        reading=reading,
    )
    return with_whole_stack(lambda: _elaborate(context, program, library, given or {}, passed))


def _elaborate(
    context: Context,
    program: ast.Program,
    library: Library,
    given: Mapping[str, ast.TypeExpr],
    passed: Passed | None,
) -> Elaborated:
    limits = context.limits
    declared, problems = declared_inputs(program, given)
    context.diagnostics += problems
    context.diagnostics += name_problems(program, declared)
    context.diagnostics += input_sizes(declared, limits)
    context.diagnostics += declared_sizes(program, declared)
    functions, problems = with_definitions(program, library)
    context.diagnostics += problems
    scope = Scope(context, {}, functions)
    types: dict[str, Type]
    if passed is None:
        types = {
            name: presumed(name, static_type(declaration.type))
            for name, declaration in declared.items()
        }
        dims = {symbol: symbol_dim(symbol) for symbol in symbols_of(declared.values())}
        runs = dict.fromkeys(runs_of(declared.values()))
    else:
        types, bindings = fit_inputs(scope, declared, passed.types)
        dims = {
            symbol: symbol_dim(symbol, bindings.dims[symbol].carried)
            if symbol in bindings.dims
            else symbol_dim(symbol)
            for symbol in symbols_of(declared.values())
        }
        runs = {name: bindings.runs.get(name) for name in runs_of(declared.values())}
        if sizes := context.graph.sizes:
            shown = {symbol: context.graph.size(dim) for symbol, dim in bindings.dims.items()}
            context.graph.sizes = {**sizes, **shown}
        if passed.partial:
            rest = {name: static_type(declaration.type) for name, declaration in declared.items()}
            types = {**rest, **types}
    context.defaults = defaults_of(declared)
    context.ranges = ranges_of(declared)
    context.free_names = not declared and (passed is None or passed.partial)
    if has_errors(context.diagnostics):
        return Elaborated(None, _limited(context), declared, _signature(declared, context))
    read = {name: Value(context.graph.input(name, type), type) for name, type in types.items()}
    values: dict[str, Argument] = {**read, **watched_inputs(context, read, declared)}
    types_declared = [declaration.type for declaration in declared.values()]
    scope = Scope(context, values, functions, dims, runs, undetermined=undetermined(types_declared))
    scope = _bindings(scope, program)
    bindings = frozenset(
        statement.name for statement in program.statements if isinstance(statement, ast.Binding)
    )
    held = batch_of(types, declared, passed and passed.batch)
    core = _results(Weighing(scope, bindings, held), program, types)
    hold_program_apart(scope, core)
    if context.debug and not has_errors(context.diagnostics):
        verify_core(core)
    if context.concrete and not context.partial and not has_errors(context.diagnostics):
        context.diagnostics += untyped(core)
    if not context.concrete:
        if not context.partial and not has_errors(context.diagnostics):
            context.diagnostics += array_sizes(core, made_values(core), limits)
        context.diagnostics += check_definitions(uncalled(program), functions, limits)
        context.diagnostics += program_sizes(core, program, limits)
    if not context.concrete and context.reading is None and not has_errors(context.diagnostics):
        subject = Subject(program, core, context.defaults)
        context.diagnostics += lints(subject, context.diagnostics)
    diagnostics = _limited(context)
    return Elaborated(
        None if has_errors(context.diagnostics) else core,
        diagnostics,
        declared,
        _signature(declared, context),
    )


def _limited(context: Context) -> tuple[Diagnostic, ...]:
    kept = not_allowed(context.diagnostics)
    by_severity = sorted(kept, key=lambda diagnostic: diagnostic.severity != "error")
    most = context.limits.diagnostics
    return tuple(kept if len(by_severity) <= most else by_severity[:most])


def _signature(declared: Mapping[str, Declared], context: Context) -> dict[str, str]:
    if declared:
        return {
            name: declaration.type.span.text
            + (f" = {declaration.default.span.text}" if declaration.default else "")
            + format_range(declaration.type)
            for name, declaration in declared.items()
        }
    return dict(context.inferred)


def _bindings(scope: Scope, program: ast.Program) -> Scope:
    """Evaluate every binding once, in an order in which each reads only finished ones."""
    bindings = {
        statement.name: statement
        for statement in program.statements
        if isinstance(statement, ast.Binding)
    }
    reads = {
        name: dict.fromkeys(
            node.id
            for node in ast.walk(binding.value)
            if isinstance(node, ast.Name) and node.id in bindings
        )
        for name, binding in bindings.items()
    }
    cycle = cycle_in(reads)
    if cycle is not None:
        chain = " -> ".join(f"`{name}`" for name in cycle)
        scope.context.diagnostics.append(
            at(
                "LD105",
                f"a binding reads itself: {chain}",
                bindings[cycle[0]].span,
                help="a name is given once and never changes",
            )
        )
        unknown = {name: scope.unknown() for name in bindings}
        return replace(scope, values={**scope.values, **unknown})
    for name in TopologicalSorter(reads).static_order():
        value = expressions.argument(scope, bindings[name].value)
        if isinstance(value, Value) and not scope.context.concrete:
            value = Value(value.node, presumed(name, value.type))
        scope = replace(scope, values={**scope.values, name: value})
    return scope


def _results(weighing: Weighing, program: ast.Program, types: Mapping[str, Type]) -> Core:
    scope = weighing.scope
    outcomes: list[Outcome] = []
    metrics: dict[str, Value] = {}
    for statement in program.statements:
        match statement:
            case ast.Result():
                outcome = _outcome(weighing, statement)
                if outcome is not None:
                    outcomes.append(outcome)
            case ast.Metric(name, value):
                metric = metrics[name] = expressions.elaborate(scope, value)
                # A node that a definition made has that definition's dims; a root has the text's.
                scope.graph.types[metric.node] = metric.type
            case _:
                pass
    nodes = {name: value.node for name, value in metrics.items()}
    combined = {name: combines(scope.graph, node, weighing.batch) for name, node in nodes.items()}
    return Core(scope.graph, dict(types), tuple(outcomes), nodes, combined, scope.context.ranges)


def _outcome(weighing: Weighing, statement: ast.Result) -> Outcome | None:
    scope = weighing.scope
    parts = addends(statement.value)
    if len(parts) > scope.context.limits.terms:
        scope.at(statement.span).error(
            "LD610",
            f"{len(parts)} terms; at most {scope.context.limits.terms}",
            help="group terms in bindings",
        )
        return None
    kept = objective(weighing, statement.value)
    if kept is None:
        value = expressions.literal(scope.at(statement.value.span), 0.0)
    else:
        value = expressions.elaborate(scope, kept)
        if kept is not statement.value:
            value = _as_written(scope, statement, value)
    _hold_scalar(scope, statement, value)
    if has_errors(scope.context.diagnostics):
        return None
    names = term_names(weighing, parts)
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        part = parts[len(names) - 1 - names[::-1].index(repeated)]
        message = f"two terms are labelled `{repeated}`"
        scope.at(part.span).error("LD109", message, help="give each a label of its own")
    named_terms = tuple(term(weighing, part, name) for part, name in zip(parts, names, strict=True))
    return Outcome(statement.name or RESULT, value.node, named_terms)


def _as_written(scope: Scope, statement: ast.Result, kept: Value) -> Value:
    """Return what is left of a result in the dtype of all: a term of weight 0 counts there."""
    span = statement.value.span
    whole = expressions.elaborate(scope, statement.value)
    match whole.type, kept.type:
        case UnknownType(), ArrayType():
            return Value(kept.node, whole.type)
        case ArrayType(dtype=dtype), ArrayType(dtype=own) if dtype != own:
            kept = primitives.as_number(scope.at(span), kept)
            kept = primitives.convert(scope.at(span), kept, dtype)
            assert isinstance(kept.type, ArrayType)
            return Value(kept.node, replace(kept.type, dtype=dtype))
        case _:
            return kept


def _hold_scalar(scope: Scope, statement: ast.Result, value: Value) -> None:
    """Report a result that is not one floating number."""
    if isinstance(value.type, UnknownType):
        return
    if not isinstance(value.type, ArrayType) or value.type.dims not in (None, ()):
        span = _origin(scope, statement)
        shown = str(value.type)
        reduced = " ".join(span.text.split())
        if len(reduced) > 40:
            reduced = f"{reduced[:36]} …"
        scope.at(span).error(
            "LD210",
            f"a loss is a scalar; this is {shown}",
            f"{shown} comes from here",
            help=f"`mean({reduced})`{', or drop `reduce`' if 'reduce=' in span.text else ''}",
        )
    elif value.type.dims == () and kind(value.type.dtype) in ("int", "bool"):
        scope.at(statement.value.span).error(
            "LD215",
            f"a loss is a floating number; this is {value.type}",
            help="an integer or a boolean has no gradient; a `metric` may be one",
        )


def _origin(scope: Scope, statement: ast.Result) -> Span:
    """Return the first addend that is no scalar, for a diagnostic to point at."""
    for part in addends(statement.value):
        value = expressions.elaborate(scope, part.value)
        if not isinstance(value.type, ArrayType) or value.type.dims not in (None, ()):
            return part.value.span
    return statement.value.span
