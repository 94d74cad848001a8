"""What a formula says that its reader could overlook: constants in front, sums and means inside."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lossdsl.formula.formulas import Formula
from lossdsl.formula.math import (
    ONE,
    Big,
    Cases,
    Fraction,
    Math,
    Number,
    Product,
    Root,
    Sum,
    below,
)
from lossdsl.formula.unicode import text


def leading_constants(formula: Formula) -> Iterator[str]:
    """Yield the constants that multiply a term of the value."""
    _, right = formula.equations[0]
    for part in [value for value, _ in right.rows] if isinstance(right, Cases) else [right]:
        terms = part.terms if isinstance(part, Sum) else ((False, part),)
        for _, term in terms:
            match term:
                case Product((first, *_)) if _is_constant(first):
                    yield text(first)
                case Fraction(Number(above), _) if above != 1:
                    yield text(Number(above))
                case _:
                    pass


def _is_constant(node: Math) -> bool:
    match node:
        case Number():
            return True
        case Fraction(above, under):
            return _is_constant(above) and _is_constant(under)
        case Root(body):
            return _is_constant(body)
        case _:
            return False


def reductions(formula: Formula) -> Iterator[str]:
    """Yield what is summed or averaged within one value, by the index in the formula."""
    for _, right in formula.equations:
        nodes = list(below(right))
        means = {
            id(after)
            for node in nodes
            if isinstance(node, Product)
            for before, after in pairwise(node.factors)
            if isinstance(before, Fraction) and before.above == ONE and isinstance(after, Big)
        }
        for node in nodes:
            match node:
                case Big("sum" | "mean" as name, under, _) if under is not None:
                    name = "mean" if id(node) in means else name
                    yield f"{name} over {text(under)}"
                case _:
                    pass
