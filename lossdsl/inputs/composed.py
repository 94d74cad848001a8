"""A spec in parts becomes one program: the terms of a mapping are added to the loss of its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.inputs.mapping_form import Parts, TermGiven
from lossdsl.limits import Limits
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.format import format_program
from lossdsl.syntax.names import name_problems
from lossdsl.syntax.parse import parse_program
from lossdsl.syntax.program_rules import violations
from lossdsl.syntax.sums import addends, sum_of, weighted

Diagnostics = tuple[Diagnostic, ...]


def parse_composed(
    source: Source, terms: tuple[TermGiven, ...], limits: Limits
) -> tuple[ast.Program | None, Diagnostics]:
    """Return the program of a text to whose loss terms are added, each under its name."""
    if not terms:
        return parse_program(source, limits)
    program, diagnostics = parse_program(source, limits, part=True)
    parts: list[ast.Addend] = []
    for given in terms:
        part, problems = _term(given, limits)
        diagnostics += problems
        parts += [part] if part is not None and given.on else []
    if program is None or diagnostics:
        return None, diagnostics
    results = [each for each in program.statements if isinstance(each, ast.Result)]
    if len(results) > 1:
        message = f"`terms` are added to one loss; this text has {len(results)}"
        return None, (at("LD711", message, results[1].span, help="write them in its text"),)
    if not results and not parts:
        message = "none of the terms is on, and the text has no loss"
        name = terms[-1].name
        return None, (at("LD124", message, Span(name, 0, len(name.text))),)
    composed = _added(program, results, parts) if parts else program
    diagnostics = tuple(violations(composed, limits))
    return (None if diagnostics else composed), diagnostics


def stands_for(parts: Parts, program: ast.Program) -> str:
    """Return the text that a spec stands for, of which a program was made."""
    if not (parts.terms or parts.weights):
        return parts.source.text
    return format_program(replace(program, comments=()))


def _added(program: ast.Program, results: list[ast.Result], parts: list[ast.Addend]) -> ast.Program:
    """Return a program with terms behind those of its one result, or as its result."""
    if results:
        (result,) = results
        whole = sum_of((*addends(result.value), *parts), result.value.span)
        statements = (
            replace(result, value=whole) if each is result else each for each in program.statements
        )
        return replace(program, statements=tuple(statements))
    bare = all(isinstance(each, ast.Declaration) for each in program.statements)
    span = parts[0].span
    result = ast.Result(None, sum_of(parts, span), bare, span)
    return replace(program, statements=(*program.statements, result))


def _term(given: TermGiven, limits: Limits) -> tuple[ast.Addend | None, Diagnostics]:
    problems: Diagnostics = tuple(name_problems(Span(given.name, 0, len(given.name.text))))
    value, wrong = parse_expression(given.text, limits, f"the term `{given.name.text}`")
    weight, unweighted = (
        (None, ())
        if given.weight is None
        else parse_expression(given.weight, limits, f"the weight of `{given.name.text}`")
    )
    problems += (*wrong, *unweighted)
    if value is None or problems:
        return None, problems
    if weight is None:
        return ast.Addend("+", value, given.name.text, value.span, value.span), ()
    factor = ast.Factor("*", value, value.span)
    return weighted(weight, (factor,), given.name.text, value.span), ()


def parse_expression(
    source: Source, limits: Limits, subject: str
) -> tuple[ast.Expr | None, Diagnostics]:
    """Return the expression that is all of a text, or what is wrong with it."""
    program, diagnostics = parse_program(source, limits)
    if program is None:
        return None, diagnostics
    match program.statements:
        case (ast.Result(bare=True, value=value),):
            labelled = _labelled(addends(value))
            if labelled is None:
                return value, ()
            message = f"{subject} is labelled `{labelled.label}` in its text"
            help = "a term under `terms` is named by its key"
            return None, (at("LD711", message, labelled.span, help=help),)
        case statements:
            other = next(each for each in statements if not _is_bare(each))
            message = f"{subject} is one expression, without statements"
            help = "bindings, inputs and metrics stand in `text`, where every term reads them"
            return None, (at("LD711", message, other.span, help=help),)


def _is_bare(statement: ast.Statement) -> bool:
    return isinstance(statement, ast.Result) and statement.bare


def _labelled(parts: Iterable[ast.Addend]) -> ast.Addend | None:
    return next((part for part in parts if part.label is not None), None)
