"""A spec of other terms: some of those that it has, or the same under other weights.

What is made is the syntax tree of a text that could have been written. Each term has its name as a
label, since what it was called may follow from the terms before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from lossdsl.core.graph import Outcome, Term
from lossdsl.elaborate.weighing import addends
from lossdsl.source import Span
from lossdsl.syntax import ast


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
    program: ast.Program, results: Collection[Outcome], weights: Mapping[str, int | float]
) -> ast.Program:
    """Return a program in which the terms of those names have other weights, signs included."""

    def changed(name: str, term: Term, part: ast.Addend) -> ast.Addend:
        if name not in weights:
            return part
        weight = weights[name]
        sign = "-" if math.copysign(1, weight) < 0 else "+"
        return replace(part, sign=sign, value=_times(abs(weight), term.factors, part.span))

    return _rewritten(program, results, changed)


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
            statements.append(replace(statement, value=_sum(parts, statement.value.span)))
    return replace(program, statements=tuple(statements))


def _sum(parts: list[ast.Addend], span: Span) -> ast.Sum:
    """Return a sum as it is parsed: the sign of the first addend is a part of its value."""
    first, *rest = parts
    if first.sign == "-":
        first = replace(first, sign="+", value=_negated(first.value))
    return ast.Sum((first, *rest), span)


def _negated(value: ast.Expr) -> ast.Expr:
    if isinstance(value, ast.Product):
        return replace(value, first=_negated(value.first))
    return ast.Unary("-", value, value.span)


def _times(weight: int | float, factors: ast.Expr, span: Span) -> ast.Expr:
    """Return a weight times the factors of a term, as a product without parentheses."""
    number = ast.Literal(weight, span)
    match factors:
        case ast.Literal(1.0):  # a term that was its weight alone
            return number
        case ast.Product(first, rest) if all(factor.operator in ("*", "/") for factor in rest):
            # A quotient is written as 1.0/x, and the weight stands in the place of the 1.
            leading = (
                ()
                if first == ast.Literal(1.0, first.span)
                else (ast.Factor("*", first, first.span),)
            )
            return ast.Product(number, (*leading, *rest), span)
        case _:
            return ast.Product(number, (ast.Factor("*", factors, factors.span),), span)
