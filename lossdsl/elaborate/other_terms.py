"""A spec of other terms: some of those that it has, or the same under other weights.

What is made is the syntax tree of a text that could have been written. Each term has its name as a
label, since what it was called may follow from the terms before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from lossdsl.core.graph import Outcome, Term
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.sums import addends, is_plain, sum_of, weighted


def named_terms(results: Collection[Outcome]) -> dict[str, Term]:
    """Return the terms by name, with the name of their result in front if there are several."""
    return {
        f"{result.name}/{term.name}" if len(results) > 1 else term.name: term
        for result in results
        for term in result.terms
    }


def keeping(
    program: ast.Program, results: Collection[Outcome], names: Collection[str]
) -> ast.Program:
    """Return a program of the terms of those names; a result without one is left out."""
    return _rewritten(program, results, lambda name, _, part: part if name in names else None)


def reweighted(
    program: ast.Program, results: Collection[Outcome], weights: Mapping[str, ast.Expr]
) -> ast.Program:
    """Return a program in which the terms of those names have other weights, signs included."""

    def changed(name: str, term: Term, part: ast.Addend) -> ast.Addend:
        if name not in weights:
            return part
        return weighted(weights[name], _factors(term.factors), term.name, part.span)

    return _rewritten(program, results, changed)


def number(value: int | float, span: Span) -> ast.Expr:
    """Return a number as it is written, with its sign."""
    literal = ast.Literal(abs(value), span)
    return ast.Unary("-", literal, span) if math.copysign(1, value) < 0 else literal


def _rewritten(
    program: ast.Program,
    results: Collection[Outcome],
    change: Callable[[str, Term, ast.Addend], ast.Addend | None],
) -> ast.Program:
    """Return a program whose addends are changed, or left out where nothing is made of them."""
    names = iter(named_terms(results).items())
    statements: list[ast.Statement] = []
    for statement in program.statements:
        if not isinstance(statement, ast.Result):
            statements.append(statement)
            continue
        before = [(*next(names), part) for part in addends(statement.value)]
        changed = (
            change(name, term, replace(part, label=term.name)) for name, term, part in before
        )
        parts = [part for part in changed if part is not None]
        if parts:
            statements.append(replace(statement, value=sum_of(parts, statement.value.span)))
    return replace(program, statements=tuple(statements))


def _factors(factors: ast.Expr) -> tuple[ast.Factor, ...]:
    """Return what a weight is followed by, as a product without parentheses."""
    match factors:
        case ast.Literal(1.0):  # a term that was its weight alone
            return ()
        case ast.Product(first, rest) if is_plain(factors):
            # A quotient is written as 1.0/x, and the weight stands in the place of the 1.
            is_one = first == ast.Literal(1.0, first.span)
            return rest if is_one else (ast.Factor("*", first, first.span), *rest)
        case _:
            return (ast.Factor("*", factors, factors.span),)
