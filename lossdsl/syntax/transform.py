"""From grammar rules to the syntax tree: one method a rule, called while the parser reduces.

Each method gets the rule's tokens and nodes in order, punctuation included, so that a span always
runs from the first to the last of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lossdsl.diagnostics.diagnostic import at
from lossdsl.frozen import dataclass
from lossdsl.source import Span
from lossdsl.syntax.ast import (
    Addend,
    ArrayTypeExpr,
    Attribute,
    Binding,
    Call,
    Comparison,
    Conditional,
    Declaration,
    Definition,
    Dots,
    Entry,
    Expr,
    Factor,
    Index,
    Keyword,
    Link,
    Literal,
    Logical,
    Metric,
    Name,
    Power,
    Product,
    Program,
    RangeExpr,
    Record,
    Result,
    Slice,
    Statement,
    Sum,
    Text,
    Tuple,
    TypeExpr,
    Unary,
)
from lossdsl.syntax.building import BUILDING, name_of, number_of, span_of, text_of, widened
from lossdsl.syntax.lalr import Token
from lossdsl.syntax.ranges import range_problem
from lossdsl.syntax.transform_types import TypesToAst

Children = list[Any]


@dataclass(frozen=True, slots=True)
class _Labeled:
    """`value as label`, before it becomes an addend."""

    value: Expr
    label: str
    span: Span


@dataclass(frozen=True, slots=True)
class _Version:
    number: int
    span: Span


def _is(item: object, *types: str) -> bool:
    return isinstance(item, Token) and item.type in types


def _addend(sign: Token | None, item: Expr | _Labeled) -> Addend:
    value, label = (item.value, item.label) if isinstance(item, _Labeled) else (item, None)
    start = Span(item.span.source, item.span.start, item.span.start)
    sign_span = start if sign is None else span_of(sign)
    return Addend(
        "+" if sign is None else str(sign), value, label, sign_span.to(item.span), sign_span
    )


def _arguments(items: Children) -> tuple[tuple[Any, ...], tuple[Keyword, ...]]:
    """Part the arguments of a call or index, positional ones first."""
    arguments = [item for item in items if not isinstance(item, Token)]
    positional = tuple(item for item in arguments if not isinstance(item, Keyword))
    keywords = tuple(item for item in arguments if isinstance(item, Keyword))
    for item in arguments[len(positional) :]:
        if not isinstance(item, Keyword):
            BUILDING.get().diagnostics.append(
                at(
                    "LD021",
                    f"positional argument after `{keywords[0].name}=`",
                    item.span,
                    help="put arguments without a name first",
                )
            )
            break
    return positional, keywords


class ToAst(TypesToAst):
    """Makes the nodes of expressions and statements."""

    # Programs

    def program(self, c: Children) -> Program:
        source = BUILDING.get().source
        version = c[0].number if c and isinstance(c[0], _Version) else None
        statements: tuple[Statement, ...] = tuple(x for x in c if not isinstance(x, _Version))
        return Program(version, statements, (), Span(source, 0, len(source.text)))

    def version(self, c: Children) -> _Version:
        number = number_of(c[1])
        span = span_of(c[0], c[1])
        if number != 1:
            BUILDING.get().diagnostics.append(
                at("LD024", f"version `{c[1]}` of the language; this is version 1", span)
            )
        return _Version(int(number), span)

    def declaration(self, c: Children) -> Declaration:
        colon = next(at_ for at_, item in enumerate(c) if _is(item, "COLON"))
        names = [item for item in c[:colon] if _is(item, "NAME")]
        kind = c[colon + 1]
        default = next((item for item in c[colon:] if isinstance(item, Literal)), None)
        span = span_of(c[0], c[-1])
        if default is not None:
            _check_default(kind, default)
        kind = _ranged(kind, c[-1])
        ids = tuple(name_of(name) for name in names)
        return Declaration(ids, kind, default, span, tuple(span_of(name) for name in names))

    def given_type(self, c: Children) -> TypeExpr:
        return _ranged(c[0], c[-1])

    def interval(self, c: Children) -> RangeExpr:
        low, high = (item.value or 0 for item in c if isinstance(item, Literal))
        return RangeExpr(low, high, str(c[0]), str(c[-1]), span_of(c[0], c[-1]))

    def signed_number(self, c: Children) -> Literal:
        value = number_of(c[-1])
        return Literal(-value if _is(c[0], "MINUS") else value, span_of(c[0], c[-1]))

    def bare_result(self, c: Children) -> Result:
        return Result(None, c[0], True, c[0].span)

    def binding(self, c: Children) -> Binding:
        name = name_of(c[0])
        return Binding(name, c[2], span_of(c[0], c[2]), span_of(c[0]))

    def def_definition(self, c: Children) -> Definition:
        return self._definition("def", c)

    def loss_definition(self, c: Children) -> Definition:
        return self._definition("loss", c)

    def _definition(self, kind: str, c: Children) -> Definition:
        span = span_of(c[0], c[3])
        doc = BUILDING.get().doc_above(span.start)
        return Definition(kind, c[1], c[3], doc, span)

    def result(self, c: Children) -> Result:
        name = name_of(c[1]) if _is(c[1], "NAME") else None
        return Result(name, c[-1], False, span_of(c[0], c[-1]))

    def metric(self, c: Children) -> Metric:
        return Metric(name_of(c[1]), c[3], span_of(c[0], c[3]))

    # Operators

    def conditional(self, c: Children) -> Conditional:
        return Conditional(c[0], c[2], c[4], span_of(c[0], c[4]))

    def disjunction(self, c: Children) -> Logical:
        return Logical("or", tuple(c[::2]), span_of(c[0], c[-1]))

    def conjunction(self, c: Children) -> Logical:
        return Logical("and", tuple(c[::2]), span_of(c[0], c[-1]))

    def negation(self, c: Children) -> Unary:
        return Unary("not", c[1], span_of(c[0], c[1]))

    def comparison(self, c: Children) -> Comparison:
        links = tuple(
            Link(str(operator), value, span_of(operator))
            for operator, value in zip(c[1::2], c[2::2], strict=True)
        )
        return Comparison(c[0], links, span_of(c[0], c[-1]))

    def labeled(self, c: Children) -> _Labeled:
        return _Labeled(c[0], name_of(c[2]), span_of(c[0], c[2]))

    def sum(self, c: Children) -> Sum:
        rest = zip(c[1::2], c[2::2], strict=True)
        addends = (_addend(None, c[0]), *(_addend(sign, item) for sign, item in rest))
        return Sum(addends, span_of(c[0], c[-1]))

    def product(self, c: Children) -> Product:
        rest = tuple(
            Factor(str(operator), value, span_of(operator))
            for operator, value in zip(c[1::2], c[2::2], strict=True)
        )
        return Product(c[0], rest, span_of(c[0], c[-1]))

    def unary(self, c: Children) -> Unary:
        return Unary(str(c[0]), c[1], span_of(c[0], c[1]))

    def power(self, c: Children) -> Power:
        return Power(c[0], c[2], span_of(c[0], c[2]))

    # Calls, indices, attributes

    def call(self, c: Children) -> Call:
        arguments, keywords = _arguments(c[2:])
        return Call(name_of(c[0]), arguments, keywords, span_of(c[0], c[-1]), span_of(c[0]))

    def keyword(self, c: Children) -> Keyword:
        return Keyword(name_of(c[0]), c[2], span_of(c[0], c[2]), span_of(c[0]))

    def index(self, c: Children) -> Index:
        items, keywords = _arguments(c[2:])
        return Index(c[0], items, keywords, span_of(c[0], c[-1]))

    def slice(self, c: Children) -> Slice:
        parts: list[Expr | None] = [None]
        for item in c:
            if _is(item, "COLON"):
                parts.append(None)
            else:
                parts[-1] = item
        start, stop, step = (*parts, None)[:3]
        return Slice(start, stop, step, span_of(c[0], c[-1]))

    def dots(self, c: Children) -> Dots:
        return Dots(span_of(c[0]))

    def attribute(self, c: Children) -> Attribute:
        return Attribute(c[0], name_of(c[2]), span_of(c[0], c[2]))

    def group(self, c: Children) -> Expr:
        return widened(c[1], c[0], c[2])

    def tuple(self, c: Children) -> Tuple:
        return Tuple(tuple(x for x in c if not isinstance(x, Token)), span_of(c[0], c[-1]))

    def record(self, c: Children) -> Record:
        entries = tuple(x for x in c if isinstance(x, Entry))
        return Record(entries, span_of(c[0], c[-1]))

    def entry(self, c: Children) -> Entry:
        name = text_of(c[0]) if _is(c[0], "TEXT") else name_of(c[0])
        return Entry(name, c[2], span_of(c[0], c[2]), span_of(c[0]))

    # Leaves

    def name(self, c: Children) -> Name:
        return Name(name_of(c[0]), span_of(c[0]))

    def text(self, c: Children) -> Text:
        return Text(text_of(c[0]), span_of(c[0]))

    def number(self, c: Children) -> Literal:
        return Literal(number_of(c[0]), span_of(c[0]))

    def true(self, c: Children) -> Literal:
        return Literal(True, span_of(c[0]))

    def false(self, c: Children) -> Literal:
        return Literal(False, span_of(c[0]))

    def none(self, c: Children) -> Literal:
        return Literal(None, span_of(c[0]))


_CONTINUATION = re.compile(r"[ \t]*([-+(])")


def _ranged(kind: TypeExpr, range: object) -> TypeExpr:
    """Return a type with the range that stands behind it, which only an array of numbers has."""
    if not isinstance(range, RangeExpr):
        return kind
    problem = range_problem(kind, range)
    if problem is not None:
        BUILDING.get().diagnostics.append(problem)
    return replace(kind, range=range) if isinstance(kind, ArrayTypeExpr) else kind


def _check_default(kind: object, default: Literal) -> None:
    building = BUILDING.get()
    if not isinstance(kind, ArrayTypeExpr) or kind.dims:
        building.diagnostics.append(
            at(
                "LD029",
                f"a default for `{kind.span.text}`; only scalars have one",  # type: ignore[attr-defined]
                default.span,
                help="pass the value from Python",
            )
        )
    after = _CONTINUATION.match(building.source.text, default.span.end)
    if after is not None:
        span = Span(building.source, after.start(1), after.end(1))
        building.diagnostics.append(
            at(
                "LD011",
                f"`{after[1]}` after the default of an input; a default is one number",
                span,
                help="begin the loss on a line of its own",
            )
        )
