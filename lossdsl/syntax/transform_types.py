"""From grammar rules to the syntax tree of types and signatures."""

from __future__ import annotations

from typing import Any

from lossdsl.frozen import dataclass
from lossdsl.polynomial import Polynomial, added, multiplied
from lossdsl.source import Span
from lossdsl.syntax.ast import (
    AnyDim,
    ArrayTypeExpr,
    ChoiceTypeExpr,
    DimExpr,
    Expr,
    FieldExpr,
    Literal,
    OptionalTypeExpr,
    Parameter,
    RecordTypeExpr,
    Run,
    Signature,
    TreeTypeExpr,
    TypeExpr,
    Unary,
    UnionTypeExpr,
    WordTypeExpr,
)
from lossdsl.syntax.building import BUILDING, name_of, number_of, small, span_of, text_of
from lossdsl.syntax.lalr import Token

Children = list[Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a dim and what it is worth."""

    value: Polynomial
    span: Span


def _tokens(children: Children, kind: str) -> list[Token]:
    return [x for x in children if isinstance(x, Token) and x.type == kind]


def _role(c: Children) -> str | None:
    return str(c[0]) if c[0].type == "ROLE" else None


class TypesToAst:
    """Makes the nodes of types, parameters and signatures."""

    # Types of inputs

    def array_type(self, c: Children) -> ArrayTypeExpr:
        dtype = _tokens(c, "DTYPE")[0]
        dims = tuple(x for x in c if not isinstance(x, Token))
        return ArrayTypeExpr(str(dtype), dims, _role(c), span_of(c[0], c[-1]))

    def tree_type(self, c: Children) -> TreeTypeExpr:
        leaf = next((x for x in c if isinstance(x, ArrayTypeExpr)), None)
        return TreeTypeExpr(leaf, _role(c), span_of(c[0], c[-1]))

    def record_type(self, c: Children) -> RecordTypeExpr:
        fields = tuple(x for x in c if isinstance(x, FieldExpr))
        return RecordTypeExpr(fields, span_of(c[0], c[-1]))

    def field(self, c: Children) -> FieldExpr:
        return FieldExpr(name_of(c[0]), c[2], span_of(c[0], c[2]))

    # Dims

    def dim(self, c: Children) -> DimExpr:
        parts = [item.value for item in c if isinstance(item, _Part)]
        signs = [-1 if item.type == "MINUS" else 1 for item in c if isinstance(item, Token)]
        signs = [1] * (len(parts) - len(signs)) + signs
        span = span_of(c[0], c[-1])
        total = small(added(zip(signs, parts, strict=True)), span)
        return DimExpr(total.constant, total.terms, span)

    def dim_product(self, c: Children) -> _Part:
        span = span_of(c[0], c[-1])
        value = Polynomial(1)
        for item in c:
            if isinstance(item, _Part):
                value = small(multiplied(value, item.value), span)
        return _Part(value, span)

    def dim_power(self, c: Children) -> _Part:
        span, power = span_of(c[0], c[2]), int(number_of(c[2]))
        # No power is looked at that has more symbols than any size.
        symbols = (name_of(c[0]),) * min(power, BUILDING.get().limits.exponent + 1)
        value = Polynomial(0, ((symbols, 1),)) if power else Polynomial(1)
        return _Part(small(value, span), span)

    def dim_group(self, c: Children) -> _Part:
        return _Part(c[1].polynomial, span_of(c[0], c[2]))

    def symbol(self, c: Children) -> _Part:
        return _Part(Polynomial(0, (((name_of(c[0]),), 1),)), span_of(c[0]))

    def size(self, c: Children) -> _Part:
        return _Part(Polynomial(int(number_of(c[0]))), span_of(c[0]))

    def any_dim(self, c: Children) -> AnyDim:
        return AnyDim(span_of(c[0]))

    def run(self, c: Children) -> Run:
        name = name_of(c[1]) if c[0].type == "STAR" else None
        return Run(name, span_of(c[0], c[-1]))

    # Signatures

    def signature(self, c: Children) -> Signature:
        parameters = tuple(x for x in c if isinstance(x, Parameter))
        result = c[-1] if _tokens(c, "ARROW") else None
        return Signature(name_of(c[0]), parameters, result, span_of(c[0], c[-1]))

    def parameter(self, c: Children) -> Parameter:
        rest = list(c)
        variadic = rest[0].type == "STAR"
        if variadic:
            del rest[0]
        name = name_of(rest[0])
        kind: TypeExpr | None = None
        default: Expr | None = None
        for mark, value in zip(rest[1::2], rest[2::2], strict=True):
            if mark.type == "COLON":
                kind = value
            else:
                default = _signed(value)
        return Parameter(name, kind, default, variadic, span_of(c[0], c[-1]))

    def type(self, c: Children) -> TypeExpr:
        optional = isinstance(c[-1], Token)
        options: list[TypeExpr] = []
        for item in c[: -1 if optional else None : 2]:
            last = options[-1] if options else None
            if isinstance(item, ChoiceTypeExpr) and isinstance(last, ChoiceTypeExpr):
                both = (*last.options, *item.options)
                options[-1] = ChoiceTypeExpr(both, last.span.to(item.span))
            else:
                options.append(item)
        span = options[0].span.to(options[-1].span)
        kind = options[0] if len(options) == 1 else UnionTypeExpr(tuple(options), span)
        return OptionalTypeExpr(kind, span_of(c[0], c[-1])) if optional else kind

    def choice(self, c: Children) -> ChoiceTypeExpr:
        return ChoiceTypeExpr((text_of(c[0]),), span_of(c[0]))

    def static(self, c: Children) -> WordTypeExpr:
        return WordTypeExpr("static", (str(c[1]),), span_of(c[0], c[1]))

    def word(self, c: Children) -> WordTypeExpr:
        return WordTypeExpr(str(c[0]), (), span_of(c[0]))

    def selected(self, c: Children) -> WordTypeExpr:
        arguments = [
            name_of(x) if x.type == "NAME" else str(number_of(x)) for x in c[2::2] if x != "]"
        ]
        return WordTypeExpr(str(c[0]), tuple(arguments), span_of(c[0], c[-1]))


def _signed(default: Expr) -> Expr:
    """Read `-1` as the number it is: as a default it is no operation."""
    match default:
        case Unary("-", Literal(int() | float() as value)) if not isinstance(value, bool):
            return Literal(-value, default.span)
        case _:
            return default
