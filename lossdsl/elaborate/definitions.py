"""Definitions by themselves: a body is checked for the types its signature declares, uncalled."""

from __future__ import annotations

from collections.abc import Iterable

from lossdsl.core.graph import Graph
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.elaborate import expressions
from lossdsl.elaborate.context import Context, Scope
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.inputs.declarations import static_type
from lossdsl.library.declare import Library
from lossdsl.limits import Limits
from lossdsl.syntax import ast
from lossdsl.types.types import UNKNOWN, symbol_dim


def check_definitions(
    definitions: Iterable[ast.Definition], functions: Library, limits: Limits
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the bodies of definitions, whoever may call them."""
    diagnostics: list[Diagnostic] = []
    for definition in definitions:
        context = Context(Graph(), limits, closed=True)
        _check(context, definition, functions)
        diagnostics += context.diagnostics
    return tuple(diagnostics)


def uncalled(program: ast.Program) -> list[ast.Definition]:
    """Return the definitions of a spec that nothing in it calls or hands on."""
    names = {
        node.function if isinstance(node, ast.Call) else node.id
        for node in ast.walk(program)
        if isinstance(node, ast.Call | ast.Name)
    }
    definitions = [
        statement for statement in program.statements if isinstance(statement, ast.Definition)
    ]
    return [definition for definition in definitions if definition.signature.name not in names]


def _check(context: Context, definition: ast.Definition, functions: Library) -> None:
    signature = definition.signature
    symbols = {
        symbol
        for node in ast.walk(signature)
        if isinstance(node, ast.DimExpr)
        for symbol in node.symbols
    }
    runs = {node.name for node in ast.walk(signature) if isinstance(node, ast.Run) and node.name}
    scope = Scope(
        context,
        values={
            parameter.name: _argument(context, parameter, functions)
            for parameter in signature.parameters
        },
        functions=functions,
        dims={symbol: symbol_dim(symbol) for symbol in symbols},
        runs=dict.fromkeys(runs),
    )
    expressions.argument(scope, definition.value)


def _argument(context: Context, parameter: ast.Parameter, functions: Library) -> Argument:
    """Return what a body may know of a parameter: its declared type, and no value."""
    match parameter.type:
        case ast.WordTypeExpr("function", arguments):
            default = parameter.default
            if isinstance(default, ast.Name):
                function = functions.visible(default.id, default.span.source)
                if function is not None:
                    return FunctionValue(function, int(arguments[0]) if arguments else 1)
            type = UNKNOWN
        case ast.ChoiceTypeExpr(options):
            return Static(options[0], options)
        case ast.ArrayTypeExpr() | ast.TreeTypeExpr() | ast.RecordTypeExpr() as declared:
            type = static_type(declared)
        case _:
            type = UNKNOWN
    return Value(context.graph.input(parameter.name, type), type)
