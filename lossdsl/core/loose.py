"""Patterns of core in any order: what a sum adds and a product multiplies, nested and scaled.

`exp(l) + square(m) - 1 + l` is also `-0.5*(1 - exp(l)) + ...`: a sum is what it adds, each with a
number in front, and a product its factors, each multiplied or divided by. The outermost sum of a
pattern is matched but for a common factor and what else is added, the outermost product but for
what else multiplies it; within, every part has its match. A letter that begins with `_` is
what else a sum adds, numbers and inputs, which may be nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from math import isclose
from typing import cast

from lossdsl.core.graph import Apply, Const, Node
from lossdsl.core.linear import Factor, Part, factors_of, head, inverse, named, parts
from lossdsl.core.pattern import Match, bare, match, pattern, picked_from
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin, of_operator, primitives
from lossdsl.syntax import ast

# The key of what else multiplies the outermost product, which is no name: factors.
BESIDE = "*"
# What is multiplied, or divided by: a factor with its operator, of a text or of core.
TextFactor = tuple[str, ast.Expr]


@dataclass(frozen=True, slots=True)
class _TextPart:
    """An addend of a pattern: a number times factors, of which a number alone has none."""

    scale: float
    factors: tuple[TextFactor, ...]


@dataclass(frozen=True, slots=True)
class Apart:
    """A value taken apart: what it adds or multiplies, and with which heads that begins."""

    node: Apply
    parts: tuple[Part, ...]
    factors: tuple[Factor, ...]
    heads: frozenset[str]


def taken_apart(node: Apply, whole: Collection[Node] = ()) -> Apart:
    """Return what a value adds, multiplies or reads; what is `whole` is not taken apart."""
    symbol = node.function.operator
    added, multiplied = list[Part](), tuple[Factor, ...]()
    if symbol in _ADDS:
        added = parts(node, whole)
        nodes = [factor for part in added for _, factor in (*part.factors, ("*", part.node))]
    elif symbol in _MULTIPLIES:
        _, multiplied = factors_of(node)
        nodes = [factor for _, factor in multiplied]
    else:
        given = [bare(operand) for operand in node.arguments if operand is not None]
        nodes = [*given, *(cast("Node", picked_from(operand)) for operand in given)]
    return Apart(node, tuple(added), multiplied, frozenset(map(head, nodes)))


def loose_matches(text: str, apart: Apart) -> Iterator[Match]:
    """Yield what the names of a pattern stand for."""
    expr = pattern(text)
    if isinstance(expr, ast.Sum):
        yield from _assign(_text_parts(expr), apart.parts, {}, None, partial=True)
    elif isinstance(expr, ast.Product) and not _is_matrix(expr):
        yield from _pair(_text_factors(expr)[1], apart.factors, {}, partial=True)
    else:
        yield from _loose(expr, apart.node, {})


@dataclass(frozen=True, slots=True)
class Sought:
    """What a pattern begins with, and what must be there for it: heads, and how many parts.

    `anywhere` has those of all functions of the pattern, one of each must be in a program.
    """

    begun: frozenset[str]
    anywhere: frozenset[frozenset[str]]
    needed: tuple[frozenset[str], ...]
    count: int

    def may_be(self, apart: Apart) -> bool:
        """Say whether a pattern may match."""
        many = len(apart.parts or apart.factors) >= self.count
        return many and all(map(apart.heads.intersection, self.needed))


def sought(text: str) -> Sought:
    """Return what to look for before a pattern is matched."""
    expr, begun, count = pattern(text), _heads(pattern(text)), 0
    match expr:
        case ast.Sum():
            texts = [part for part in _text_parts(expr) if not _is_rest(part)]
            read, count = [factor for part in texts for _, factor in part.factors], len(texts)
        case ast.Product() if not _is_matrix(expr):
            read = [factor for _, factor in _text_factors(expr)[1]]
            count = len(read)
        case ast.Unary(_, operand):
            read, begun = [operand], frozenset(("neg",))
        case ast.Call(_, arguments):
            read = list(arguments)
        case _:
            read = []
    needed = [heads for part in read if (heads := _heads(part))]
    return Sought(begun, frozenset(_functions(expr)), tuple(dict.fromkeys(needed)), count)


def _functions(expr: ast.Expr) -> Iterator[frozenset[str]]:
    """Yield the heads of the functions, powers and products of matrices in a pattern."""
    match expr:
        case ast.Sum(addends):
            below = [addend.value for addend in addends]
        case ast.Product(first, rest):
            below = [first, *(factor.value for factor in rest)]
        case ast.Unary(_, operand):
            below = [operand]
        case ast.Power(base, exponent):
            below = [base, exponent]
        case ast.Call(_, arguments):
            below = list(arguments)
        case _:
            below = []
    heads = _heads(expr)
    if heads and heads.isdisjoint(_SUM | _PRODUCT):
        yield heads
    for part in below:
        yield from _functions(part)


_ADDS, _MULTIPLIES = ("+", "-"), ("*", "/")
_SUM, _PRODUCT = frozenset(_ADDS), frozenset(("*", "/", "neg"))


def _heads(expr: ast.Expr) -> frozenset[str]:
    """Return the heads of what a part of a pattern matches, none if that may be anything."""
    match expr:
        case ast.Call(name):
            function = primitives().get(name)
            assert function is not None, name
            spelled = (_heads(pattern(text)) for text in function.spelled)
            return frozenset((named(function),)).union(*spelled)
        case ast.Sum():
            return _SUM
        case ast.Product():
            return frozenset("@") if _is_matrix(expr) else _PRODUCT
        case ast.Unary():
            return _PRODUCT
        case ast.Power():
            return frozenset(("**",))
        case _:
            return frozenset()


def _is_matrix(expr: ast.Product) -> bool:
    return any(factor.operator not in _MULTIPLIES for factor in expr.rest)


@cache
def _text_parts(expr: ast.Sum) -> tuple[_TextPart, ...]:
    made: list[_TextPart] = []
    for addend in expr.addends:
        sign = -1.0 if addend.sign == "-" else 1.0
        if isinstance(addend.value, ast.Sum):
            made += [
                _TextPart(sign * part.scale, part.factors) for part in _text_parts(addend.value)
            ]
        else:
            scale, factors = _text_factors(addend.value)
            made.append(_TextPart(sign * scale, factors))
    return tuple(sorted(made, key=_order))


@cache
def _text_factors(expr: ast.Expr) -> tuple[float, tuple[TextFactor, ...]]:
    match expr:
        case ast.Literal(int() | float() as number):
            return float(number), ()
        case ast.Unary("-", operand):
            scale, factors = _text_factors(operand)
            return -scale, factors
        case ast.Product(first, rest) if not _is_matrix(expr):
            scale, factors = _text_factors(first)
            for factor in rest:
                inner, below = _text_factors(factor.value)
                divides = factor.operator == "/"
                scale = scale / inner if divides else scale * inner
                factors += tuple(map(inverse, below)) if divides else below
            return scale, tuple(sorted(factors, key=lambda factor: not _heads(factor[1])))
        case _:
            return 1.0, (("*", expr),)


def _assign(
    texts: Sequence[_TextPart],
    given: Sequence[Part],
    known: Match,
    scale: float | None,
    partial: bool = False,
) -> Iterator[Match]:
    """Match addends to those of core, times one number; None is one that is not known yet."""
    if not texts or _is_rest(texts[0]):
        numbers = texts and not any(isinstance(part.node, Apply) for part in given)
        if partial or numbers or not given:
            yield known
        return
    text, *others = texts
    if len(others) >= len(given) and not any(map(_is_rest, others)):
        return
    for at, part in enumerate(given):
        rest = [*given[:at], *given[at + 1 :]]
        for factor, extended in _part_matches(text, part, known):
            if scale is None or isclose(factor, scale):
                yield from _assign(others, rest, extended, factor, partial)


def _order(text: _TextPart) -> int:
    """Order what is sought: what begins as a few values do, letters, numbers, the rest."""
    if _is_rest(text):
        return 3
    return 2 if not text.factors else int(all(not _heads(expr) for _, expr in text.factors))


def _is_rest(text: _TextPart) -> bool:
    match text.factors:
        case (("*", ast.Name(name)),):
            return name.startswith("_")
        case _:
            return False


def _part_matches(text: _TextPart, part: Part, known: Match) -> Iterator[tuple[float, Match]]:
    """Yield by which number an addend of core is one of a pattern, with its names."""
    match text.factors, part.node:
        case (), Const(int() | float() as number) if text.scale and number:
            yield part.scale * number / text.scale, known
        case (), _:
            pass
        case (("*", ast.Name() as letter),), _:
            for extended in _loose(letter, part.node, known):
                yield part.scale / text.scale, extended
        case _:
            for extended in _pair(text.factors, part.factors, known):
                yield part.scale * part.inner / text.scale, extended


def _pair(
    texts: Sequence[TextFactor], given: Sequence[Factor], known: Match, partial: bool = False
) -> Iterator[Match]:
    """Match factors to those of core, in any order; of a part, what is left is `BESIDE` it."""
    if not texts:
        if partial:
            yield known | {BESIDE: tuple(node for _, node in given)}
        elif not given:
            yield known
        return
    if len(texts) > len(given):
        return
    (symbol, expr), *others = texts
    for at, (operator, node) in enumerate(given):
        if operator == symbol:
            for extended in _loose(expr, node, known):
                yield from _pair(others, [*given[:at], *given[at + 1 :]], extended, partial)


def _loose(expr: ast.Expr, read: Node, known: Match) -> Iterator[Match]:
    node = bare(read)
    match expr, node:
        case ast.Name(name), _:
            value = _signed_once(node)
            if known.get(name, value) is value:
                yield {name: value} | known
        case ast.Literal(int() | float() as number), Const(int() | float() as value):
            if number == value and not isinstance(value, bool):
                yield known
        case ast.Sum(), Apply(Builtin(operator="+" | "-")):
            yield from _assign(_text_parts(expr), parts(node), known, 1.0)
        case ast.Product(first, (last,)), Apply(function, (a, b, *_)) if _is_matrix(expr):
            if function is of_operator(last.operator) and a and b:
                for extended in _loose(first, a, known):
                    yield from _loose(last.value, b, extended)
        case ast.Product() | ast.Unary(), _:
            scale, texts = _text_factors(expr)
            (part, *others) = parts(node)
            match texts:
                case (("*", ast.Name() as letter),) if not others and isclose(part.scale, scale):
                    yield from _loose(letter, part.node, known)
                case _:
                    number, given = factors_of(node)
                    if isclose(scale, number):
                        yield from _pair(texts, given, known)
        case ast.Power(base, exponent), Apply(Builtin(operator="**"), (a, b)) if a and b:
            for extended in _loose(base, a, known):
                yield from _loose(exponent, b, extended)
        case ast.Call(), Apply():
            yield from _loose_call(expr, node, known)
        case _:
            pass


def _signed_once(node: Node) -> Node:
    """Return a value without signs that cancel."""
    match node:
        case Apply(Builtin(operator="neg"), (Apply(Builtin(operator="neg"), (inner,)),)) if inner:
            return _signed_once(bare(inner))
        case _:
            return node


def _loose_call(expr: ast.Call, node: Apply, known: Match) -> Iterator[Match]:
    function = primitives().get(expr.function)
    assert function is not None, expr.function
    for text in function.spelled:
        if (names := match(pattern(text), node)) is not None:
            (inner,) = names.values()
            yield from _loose(expr.arguments[0], cast("Node", inner), known)
    count = len(expr.arguments)
    given, beyond = node.arguments[:count], node.arguments[count:]
    plain = all(argument is None or isinstance(argument, Const) for argument in beyond)
    if named(node.function) != named(function) or not plain or len(given) < count or None in given:
        return
    operands = cast("tuple[Node, ...]", given)
    if function.elementwise and count == 1 and isinstance(expr.arguments[0], ast.Call):
        operands = (cast("Node", picked_from(operands[0])),)
    orders = [operands]
    if count == 2 and "symmetric" in function.laws:
        orders.append(operands[::-1])
    for order in orders:
        yield from _arguments(expr.arguments, order, known)


def _arguments(exprs: Sequence[ast.Expr], nodes: Sequence[Node], known: Match) -> Iterator[Match]:
    if not exprs:
        yield known
        return
    for extended in _loose(exprs[0], nodes[0], known):
        yield from _arguments(exprs[1:], nodes[1:], extended)
