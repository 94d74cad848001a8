"""Sums, products and powers in the shape in which one writes them by hand.

Signs stand in front, constants come first, and quotients are fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeGuard

from lossdsl.formula.math import (
    ONE,
    TWO,
    ZERO,
    Fraction,
    Math,
    Number,
    Operator,
    Power,
    Product,
    Root,
    Sum,
)

_SHARES = (2, 3, 4, 6, 8)
"""Divisors that are written as a fraction in front."""


def negated(node: Math) -> Math:
    """Return -x, with the sign of a sum of one term or of a product turned."""
    match node:
        case Number(value) if value == 0:
            return node
        case Sum(((minus, term),)):
            return term if minus else Sum(((True, term),))
        case _:
            return Sum(((True, node),))


def summed(terms: Sequence[tuple[bool, Math]]) -> Math:
    """Return a sum without its zeros; an added sum becomes part of it."""
    flat: list[tuple[bool, Math]] = []
    for minus, term in terms:
        match term:
            case Number(value) if value == 0:
                continue
            case Sum(inner) if not minus or len(inner) == 1:
                flat += [(minus != negative, node) for negative, node in inner]
            case _:
                flat.append((minus, term))
    if not flat:
        return ZERO
    return flat[0][1] if len(flat) == 1 and not flat[0][0] else Sum(tuple(flat))


def multiplied(factors: Sequence[Math]) -> Math:
    """Return a product: its sign outside, numbers first, no factors of 1."""
    negative, flat = False, list[Math]()
    for factor in factors:
        match factor:
            case Sum(((True, term),)):
                negative, factor = not negative, term
            case _:
                pass
        flat += factor.factors if isinstance(factor, Product) else (factor,)
    if ZERO in flat:
        return ZERO
    whole = [factor.value for factor in flat if _is_whole(factor)]
    if len(whole) > 1:
        flat = [Number(prod(whole)), *(factor for factor in flat if not _is_whole(factor))]
    match flat:
        case [Number() as number, Fraction(Number(1), under), *rest]:
            flat = [Fraction(number, under), *rest]
        case [Fraction(Number() as number, Number() as by), Fraction(Number(1), under), *rest]:
            flat = [Fraction(number, multiplied([by, under])), *rest]
        case _:
            pass
    remaining = _with_one_quotient([factor for factor in flat if factor != ONE])
    remaining.sort(key=lambda factor: not _is_constant(factor))
    remaining = _with_powers(remaining)
    product = (
        ONE if not remaining else remaining[0] if len(remaining) == 1 else Product(tuple(remaining))
    )
    return negated(product) if negative else product


def _is_whole(factor: Math) -> TypeGuard[Number]:
    return isinstance(factor, Number) and isinstance(factor.value, int)


def _with_one_quotient(factors: list[Math]) -> list[Math]:
    """Return factors of which at most one is a quotient of more than constants."""
    quotients = [
        quotient
        for quotient in factors
        if isinstance(quotient, Fraction) and not _is_constant(quotient)
    ]
    if len(quotients) < 2:
        return factors
    above = multiplied([quotient.above for quotient in quotients])
    joint = Fraction(above, multiplied([quotient.below for quotient in quotients]))
    rest = iter([joint])
    merged = [next(rest, None) if factor in quotients else factor for factor in factors]
    return [factor for factor in merged if factor is not None]


def _with_powers(factors: list[Math]) -> list[Math]:
    """Return factors in which equal neighbors are a square."""
    merged: list[Math] = []
    for factor in factors:
        if merged and merged[-1] == factor and not _is_constant(factor):
            merged[-1] = Power(factor, TWO)
        else:
            merged.append(factor)
    return merged


def exponential(node: Math) -> Math:
    """Return e^x; that of a logarithm is what the logarithm is of."""
    return node.body if isinstance(node, Operator) and node.name == "log" else Operator("exp", node)


def _is_constant(node: Math) -> bool:
    match node:
        case Number():
            return True
        case Fraction(above, below):
            return _is_constant(above) and _is_constant(below)
        case Root(body):
            return _is_constant(body)
        case _:
            return False


def divided(above: Math, below: Math) -> Math:
    """Return a quotient: its sign and a constant divisor in front."""
    match above, below:
        case Number(value), _ if value == 0:
            return ZERO
        case Sum(((True, term),)), _:
            return negated(divided(term, below))
        case _, Sum(((True, term),)):
            return negated(divided(above, term))
        case _, Number(value) if value == 1:
            return above
        case _, Fraction(Number() as top, Number() as bottom):
            return multiplied([divided(bottom, top), above])
        case Fraction(top, bottom), _:
            return divided(top, multiplied([bottom, below]))
        case Product((Number() as number, *rest)), Number():
            return multiplied([Fraction(number, below), *rest])
        case _, Number(value) if value in _SHARES and not _is_constant(above):
            return multiplied([Fraction(ONE, below), above])
        case _:
            return Fraction(above, below)


def raised(base: Math, exponent: Math) -> Math:
    """Return a power; the exponents 1, 1/2 and -1 have notations of their own."""
    if base in (ZERO, ONE):
        return base
    match exponent:
        case Number(value) if value == 1:
            return base
        case Number(value) if value == 2 and isinstance(base, Root):
            return base.body
        case Number(value) if value == 2 and isinstance(base, Fraction):
            return divided(raised(base.above, exponent), raised(base.below, exponent))
        case Fraction(Number(1), Number(2)):
            return Root(base)
        case Sum(((True, Number(value)),)) if value == 1:
            return divided(ONE, base)
        case _:
            return Power(base, exponent)
