"""Patterns of core, written in the language: `log(sum(exp(x), axis=A))`.

A name stands for any node, the same wherever it stands, or for the value of an option. An operation
matches where its function, operands and the options that the pattern names do; what a sum or a
product adds or multiplies may stand in either order. Options that are not named may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Generic, TypeVar

from lossdsl.core.graph import Apply, Const, Node
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin, of_operator
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program

Row = TypeVar("Row")
# What the names of a pattern stand for: nodes, and values of options.
Match = dict[str, Node | object]
_EITHER = ("+", "*")


@cache
def pattern(text: str) -> ast.Expr:
    """Return a pattern from its text."""
    program, diagnostics = parse_program(Source(text, "<pattern>"))
    assert program is not None, diagnostics
    (statement,) = program.statements
    assert isinstance(statement, ast.Result)
    return statement.value


def head(expr: ast.Expr) -> str:
    """Return the function or operator of what a pattern matches, as `head_of` does of a node."""
    match expr:
        case ast.Call(function):
            return function
        case ast.Sum(addends):
            return addends[-1].sign
        case ast.Product(_, rest):
            return rest[-1].operator
        case _:
            raise AssertionError(expr)


def head_of(node: Apply) -> str:
    """Return the name of the function of a node, or its operator."""
    return node.function.operator or node.function.name


@dataclass(frozen=True)
class Patterns(Generic[Row]):
    """Rows of patterns, of which a node is tried against those that begin as it does."""

    rows: Sequence[Row]
    text: Callable[[Row], str]

    @cached_property
    def _by_head(self) -> Mapping[tuple[str, str | None], Sequence[tuple[Row, ast.Expr]]]:
        by_head: dict[tuple[str, str | None], list[tuple[Row, ast.Expr]]] = {}
        for row in self.rows:
            expr = pattern(self.text(row))
            by_head.setdefault((head(expr), _inner_head(expr)), []).append((row, expr))
        return by_head

    def of(self, node: Apply) -> Iterator[tuple[Row, ast.Expr]]:
        """Yield the rows that may match a node, in their order, with their patterns."""
        outer = head_of(node)
        yield from self._by_head.get((outer, None), ())
        inner = node.arguments[0] if node.arguments else None
        if node.function.elementwise and len(node.arguments) == 1:
            inner = _picked_from(inner)
        while isinstance(inner, Apply) and inner.function.form in (Form.CAST, Form.WATCH):
            (inner,) = inner.arguments
        if isinstance(inner, Apply):
            yield from self._by_head.get((outer, head_of(inner)), ())


def _inner_head(expr: ast.Expr) -> str | None:
    """Return the head of the first operand of a call, unless that may be any node."""
    match expr:
        case ast.Call(_, (ast.Call() | ast.Product() as first, *_)):
            return head(first)
        case ast.Call(_, (ast.Sum((ast.Addend(sign="+"), *_)) as first, *_)):
            return head(first)
        case _:
            return None


def match(expr: ast.Expr, node: Node) -> Match | None:
    """Return what the names of a pattern stand for where it matches a node, else None."""
    return next(matches(expr, node), None)


def matches(expr: ast.Expr, node: Node) -> Iterator[Match]:
    """Yield what the names may stand for, in either order of what is added or multiplied."""
    return _matches(expr, node, {})


def _matches(expr: ast.Expr, node: Node, known: Match) -> Iterator[Match]:
    while isinstance(node, Apply) and node.function.form in (Form.CAST, Form.WATCH):
        (inner,) = node.arguments
        assert inner is not None
        node = inner
    match expr, node:
        case ast.Name(name), _:
            if known.get(name, node) is node:
                yield known | {name: node}
        case ast.Literal(int() | float() as number), Const(int() | float() as value):
            if number == value and not isinstance(value, bool):
                yield known
        case ast.Sum((first, *rest)), _ if first.sign == "+":
            yield from _chain(
                first.value, [(addend.sign, addend.value) for addend in rest], node, known
            )
        case ast.Product(first, rest), _:
            yield from _chain(
                first, [(factor.operator, factor.value) for factor in rest], node, known
            )
        case ast.Unary("-", operand), Apply(Builtin(operator="neg"), (Apply() | Const() as inner,)):
            yield from _matches(operand, inner, known)
        case ast.Call(), Apply():
            yield from _call(expr, node, known)
        case _:
            pass


def _chain(
    first: ast.Expr, rest: Sequence[tuple[str, ast.Expr]], node: Node, known: Match
) -> Iterator[Match]:
    """Match operators of one rank from the last: `a - b + c` is an addition."""
    if not rest:
        yield from _matches(first, node, known)
        return
    *before, (symbol, last) = rest
    if not isinstance(node, Apply) or node.function is not of_operator(symbol):
        return
    left, right = node.arguments[:2]
    assert left is not None and right is not None
    pairs = ((left, right), (right, left)) if symbol in _EITHER else ((left, right),)
    for a, b in pairs:
        for extended in _matches(last, b, known):
            yield from _chain(first, before, a, extended)


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
        given = (_picked_from(given[0]),)
    yield from _operands(expr.arguments, given, options)


def _picked_from(node: Node | None) -> Node | None:
    """Return the value whose elements another one holds, in whatever order and number."""
    while isinstance(node, Apply) and len(node.function.keeps) == 1 and not node.undecided:
        names = [parameter.name for parameter in node.function.signatures[0].parameters]
        if node.function.form is Form.STOP_GRADIENT or names[0] not in node.function.keeps:
            break
        node = node.arguments[0]
    return node


def _operands(
    exprs: Sequence[ast.Expr], nodes: Sequence[Node | None], known: Match
) -> Iterator[Match]:
    if not exprs:
        yield known
        return
    if nodes[0] is None:
        return
    for extended in _matches(exprs[0], nodes[0], known):
        yield from _operands(exprs[1:], nodes[1:], extended)
