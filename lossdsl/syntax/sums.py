"""Sums and products made of parts of others, as a text that holds them is parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lossdsl.source import Span
from lossdsl.syntax import ast


def addends(value: ast.Expr) -> tuple[ast.Addend, ...]:
    """Return the addends of a result's expression; a single expression is one."""
    if isinstance(value, ast.Sum):
        return value.addends
    return (ast.Addend("+", value, None, value.span, value.span),)


def sum_of(parts: Sequence[ast.Addend], span: Span) -> ast.Sum:
    """Return a sum as it is parsed: the sign of the first addend is a part of its value."""
    first, *rest = parts
    if first.sign == "-":
        first = replace(first, sign="+", value=_negated(first.value))
    return ast.Sum((first, *rest), span)


def _negated(value: ast.Expr) -> ast.Expr:
    if isinstance(value, ast.Product):
        return replace(value, first=_negated(value.first))
    return ast.Unary("-", value, value.span)


def weighted(weight: ast.Expr, factors: Sequence[ast.Factor], label: str, span: Span) -> ast.Addend:
    """Return the term that is a weight times factors; the sign of the weight is the term's."""
    sign = "+"
    while isinstance(weight, ast.Unary) and weight.operator in ("-", "+"):
        sign = "-" if (weight.operator == "-") != (sign == "-") else "+"
        weight = weight.operand
    first, leading = weight, ()
    if isinstance(weight, ast.Product) and is_plain(weight):
        first, leading = weight.first, weight.rest
    rest = (*leading, *factors)
    value = ast.Product(first, rest, span) if rest else first
    return ast.Addend(sign, value, label, span, span)


def is_plain(product: ast.Product) -> bool:
    """Say whether a product holds `*` and `/` only, so that factors may follow it."""
    return all(factor.operator in ("*", "/") for factor in product.rest)
