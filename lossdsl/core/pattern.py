"""Patterns of core, written in the language: `log(sum(exp(x), axis=A))`.

A name stands for any node, the same wherever it stands, or for the value of an option. An operation
matches where its function, operands and the options that the pattern names do, also as a function
is `spelled` otherwise; what a sum or a product adds or multiplies may stand in either order.

To find what looks like a pattern, options that are not named may be anything. What is to be
replaced is matched `exact`ly: options and masks are the same in all calls of the pattern that take
any, and are kept as `CARRIED`; under a mask, the elements are what is selected by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import Generic, TypeVar, cast

from lossdsl.core.graph import Apply, Const, Node
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin, of_operator, primitives
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.options import NORMALIZE
from lossdsl.syntax.parse import parse_program

# What the names of a pattern stand for: nodes, and values of options.
Match = dict[str, Node | object]
_EITHER = ("+", "*")
# The key of what the calls of a pattern have in common, which is no name: their `Rest`.
CARRIED = "..."
# The head of a number.
NUMBER = "0"
Row = TypeVar("Row")
Needed = tuple[frozenset[str], ...]
# Operands of a call beyond those of the pattern, and its options.
Rest = tuple[tuple[Node | None, ...], tuple[tuple[str, object], ...]]


@cache
def pattern(text: str) -> ast.Expr:
    """Return a pattern from its text."""
    program, diagnostics = parse_program(Source(text, "<pattern>"))
    assert program is not None, diagnostics
    (statement,) = program.statements
    assert isinstance(statement, ast.Result)
    return statement.value


def heads(expr: ast.Expr) -> tuple[str, ...]:
    """Return the functions and operators that what a pattern matches can have outside.

    >>> heads(pattern("sqrt(square(x))"))
    ('sqrt', '**')
    """
    match expr:
        case ast.Call(function):
            spelled = (heads(pattern(text)) for text in _spelled(function))
            return (function, *(head for each in spelled for head in each))
        case ast.Sum(addends):
            return (addends[-1].sign,)
        case ast.Product(_, rest):
            return (rest[-1].operator,)
        case ast.Power():
            return ("**",)
        case ast.Unary():
            return ("neg",)
        case ast.Literal():
            return (NUMBER,)
        case _:
            return ()


def _parts(expr: ast.Expr) -> tuple[ast.Expr, ...]:
    """Return what the outermost operation of a pattern reads."""
    match expr:
        case ast.Call(_, arguments):
            return arguments
        case ast.Sum((*before, last)):
            first = before[0].value if len(before) == 1 else replace(expr, addends=tuple(before))
            return (first, last.value)
        case ast.Product(first, (*before, last)):
            return (replace(expr, rest=tuple(before)) if before else first, last.value)
        case ast.Power(base, exponent):
            return (base, exponent)
        case _:
            raise AssertionError(expr)


def head_of(node: Apply) -> str:
    """Return the name of the function of a node, or its operator."""
    return node.function.operator or node.function.name


def _spelled(function: str) -> tuple[str, ...]:
    """Return how a function is also written."""
    known = primitives().get(function)
    return () if known is None else known.spelled


@dataclass(frozen=True)
class Patterns(Generic[Row]):
    """Rows of patterns, of which a node is tried against those that begin as it does."""

    rows: Sequence[Row]
    text: Callable[[Row], str]

    @cached_property
    def _by_head(self) -> Mapping[str, Sequence[tuple[Row, ast.Expr, Needed]]]:
        by_head: dict[str, list[tuple[Row, ast.Expr, Needed]]] = {}
        for row in self.rows:
            expr = pattern(self.text(row))
            own, *others = dict.fromkeys(heads(expr))
            by_head.setdefault(own, []).append((row, expr, _needed(expr)))
            # What is spelled otherwise reads other functions: `x**0.5` a number.
            for other in others:
                by_head.setdefault(other, []).append((row, expr, ()))
        return by_head

    def begin(self, node: Node) -> bool:
        """Say whether a row begins as a node does."""
        return isinstance(node, Apply) and head_of(node) in self._by_head

    def of(self, node: Apply) -> Iterator[tuple[Row, ast.Expr]]:
        """Yield the rows that may match a node, in their order, with their patterns."""
        rows = self._by_head.get(head_of(node))
        if rows is None:
            return
        # Most nodes are of no row, which the functions of what they read show.
        below = {_head(operand) for operand in node.arguments}
        if node.function.elementwise and len(node.arguments) == 1:
            below.add(_head(picked_from(node.arguments[0])))
        for row, expr, needed in rows:
            if all(map(below.intersection, needed)):
                yield row, expr


def _needed(expr: ast.Expr) -> Needed:
    """Return the heads of which one each must be among those of what a node reads."""
    each = (frozenset(heads(part)) for part in _parts(expr))
    return tuple(part for part in each if part)


def _head(node: Node | None) -> str:
    """Return the head of what is read; empty if it is passed or left out."""
    match None if node is None else bare(node):
        case Apply() as inner:
            return head_of(inner)
        case Const():
            return NUMBER
        case _:
            return ""


def match(expr: ast.Expr, node: Node) -> Match | None:
    """Return what the names of a pattern stand for where it matches a node, else None."""
    return next(matches(expr, node), None)


def matches(expr: ast.Expr, node: Node, exact: bool = False) -> Iterator[Match]:
    """Yield what the names may stand for, in either order of what is added or multiplied."""
    return _matches(expr, node, {}, exact)


def bare(node: Node) -> Node:
    """Return what is converted or looked at by a debug build, which is the same number."""
    while isinstance(node, Apply) and node.function.form in (Form.CAST, Form.WATCH):
        (inner,) = node.arguments
        assert inner is not None
        node = inner
    return node


def _matches(expr: ast.Expr, read: Node, known: Match, exact: bool) -> Iterator[Match]:
    node = bare(read)
    match expr, node:
        case ast.Name(name), _:
            before = known.get(name, node)
            if before is node or (isinstance(before, Apply) and bare(before) is node):
                yield {name: read if exact else node} | known
        case ast.Literal(int() | float() as number), Const(int() | float() as value):
            if number == value and not isinstance(value, bool):
                yield known
        case ast.Sum((first, *rest)), _ if first.sign == "+":
            addends = [(addend.sign, addend.value) for addend in rest]
            yield from _chain(first.value, addends, node, known, exact)
        case ast.Product(first, rest), _:
            factors = [(factor.operator, factor.value) for factor in rest]
            yield from _chain(first, factors, node, known, exact)
        case ast.Power(base, exponent), _:
            yield from _chain(base, [("**", exponent)], node, known, exact)
        case ast.Unary("-", operand), Apply(Builtin(operator="neg"), (inner,)) if inner is not None:
            yield from _matches(operand, inner, known, exact)
        case ast.Call(function, arguments), Apply():
            yield from (_exact_call if exact else _call)(expr, node, known)
            for text in _spelled(function):
                for spelled in _matches(pattern(text), node, {}, exact):
                    (inner,) = spelled.values()
                    yield from _matches(arguments[0], cast("Node", inner), known, exact)
        case _:
            pass


def _chain(
    first: ast.Expr,
    rest: Sequence[tuple[str, ast.Expr]],
    read: Node,
    known: Match,
    exact: bool,
) -> Iterator[Match]:
    """Match operators of one rank from the last: `a - b + c` is an addition."""
    if not rest:
        yield from _matches(first, read, known, exact)
        return
    node = bare(read)
    *before, (symbol, last) = rest
    if not isinstance(node, Apply) or node.function is not of_operator(symbol):
        return
    left, right = node.arguments[:2]
    assert left is not None and right is not None
    pairs = ((left, right), (right, left)) if symbol in _EITHER else ((left, right),)
    for a, b in pairs:
        for extended in _matches(last, b, known, exact):
            yield from _chain(first, before, a, extended, exact)


def _exact_call(expr: ast.Call, node: Apply, known: Match) -> Iterator[Match]:
    """Match a call with all that it is given, which the other calls of the pattern are given too.

    What has a weight is none: no function that keeps what is lost takes one.
    """
    function, count = node.function, len(expr.arguments)
    if function is not primitives().get(expr.function) or len(node.arguments) < count:
        return
    given, beyond = node.arguments[:count], node.arguments[count:]
    if function.elementwise:
        if not beyond and not node.options:
            yield from _operands(expr.arguments, given, known, exact=True)
        return
    if function.weighted:
        *beyond, weight = beyond
        if weight is not None:
            return
    options = tuple(pair for pair in node.options if pair[0] != NORMALIZE)
    rest: Rest = (tuple(beyond), options)
    if known.get(CARRIED, rest) != rest:
        return
    if function.reduction and (mask := rest[0][0]) is not None:
        match bare(cast("Node", given[0])):
            case Apply(Builtin(form=Form.KEEP), (by, inner)) if by is mask:
                given = (inner,)
            case _:
                return
    yield from _operands(expr.arguments, given, known | {CARRIED: rest}, exact=True)


def _call(expr: ast.Call, node: Apply, known: Match) -> Iterator[Match]:
    function, given = node.function, node.arguments[: len(expr.arguments)]
    beyond = node.arguments[len(expr.arguments) :]
    # A mask or a weight changes what is computed; a number beside the operands does not.
    plain = all(argument is None or isinstance(argument, Const) for argument in beyond)
    if function.name != expr.function or len(given) < len(expr.arguments) or not plain:
        return
    options = dict(known)
    for keyword in expr.keywords:
        value = node.option(keyword.name)
        match keyword.value:
            case ast.Name(name) if options.setdefault(name, value) == value:
                pass
            case ast.Literal(literal) if literal == value:
                pass
            case _:
                return
    if function.elementwise and len(given) == 1 and isinstance(expr.arguments[0], ast.Call):
        # The logarithm of elements that are picked is picked of the logarithms.
        given = (picked_from(given[0]),)
    yield from _operands(expr.arguments, given, options, exact=False)


def picks(node: Node | None) -> bool:
    """Say whether a value holds elements of its first operand, in whatever order and number."""
    if not isinstance(node, Apply) or len(node.function.keeps) != 1 or node.undecided:
        return False
    names = [parameter.name for parameter in node.function.signatures[0].parameters]
    return node.function.form is not Form.STOP_GRADIENT and names[0] in node.function.keeps


def picked_from(node: Node | None) -> Node | None:
    """Return the value whose elements another one holds."""
    while picks(node):
        node = cast("Apply", node).arguments[0]
    return node


def _operands(
    exprs: Sequence[ast.Expr], nodes: Sequence[Node | None], known: Match, exact: bool
) -> Iterator[Match]:
    if not exprs:
        yield known
        return
    if nodes[0] is None:
        return
    for extended in _matches(exprs[0], nodes[0], known, exact):
        yield from _operands(exprs[1:], nodes[1:], extended, exact)
