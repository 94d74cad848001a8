"""Statements of the syntax tree, and the program that they make."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from lossdsl.frozen import dataclass
from lossdsl.source import Span
from lossdsl.syntax.type_ast import OptionalTypeExpr, TypeExpr, span_field

if TYPE_CHECKING:
    from lossdsl.syntax.ast import Expr, Literal


@dataclass(frozen=True, slots=True)
class Declaration:
    """`a, b: type` or `a: type = literal`."""

    names: tuple[str, ...]
    type: TypeExpr
    default: Literal | None
    span: Span = span_field()
    name_spans: tuple[Span, ...] = span_field()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a definition or signature; `type` and `default` may be left out."""

    name: str
    type: TypeExpr | None
    default: Expr | None
    variadic: bool
    span: Span = span_field()

    @property
    def plain_type(self) -> TypeExpr | None:
        """The type without its `?`."""
        return self.type.type if isinstance(self.type, OptionalTypeExpr) else self.type

    @property
    def required(self) -> bool:
        """Whether a call must give it; a variadic one may be given nothing."""
        return self.default is None and self.plain_type is self.type and not self.variadic


@dataclass(frozen=True, slots=True)
class Signature:
    """`name(parameters) -> result`: how a function may be called."""

    name: str
    parameters: tuple[Parameter, ...]
    result: TypeExpr | None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Binding:
    """`name = expr`."""

    name: str
    value: Expr
    span: Span = span_field()
    name_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Definition:
    """`def f(x) = expr` (kind `def`) or `loss f(x) -> type = expr` (kind `loss`).

    `doc` is the text of the `##` comment lines directly above, without the marks.
    """

    kind: str
    signature: Signature
    value: Expr
    doc: str = field(compare=False)
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Result:
    """`loss = expr` (no name), `loss name = expr`, or the bare expression of a spec."""

    name: str | None
    value: Expr
    bare: bool
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Metric:
    """`metric name = expr`: reported, never optimized."""

    name: str
    value: Expr
    span: Span = span_field()


Statement = Declaration | Binding | Definition | Result | Metric


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment without its line break; `own_line` when nothing precedes it on its line."""

    text: str
    own_line: bool
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Program:
    """A spec or a library: an optional version and statements in source order."""

    version: int | None
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(compare=False)
    span: Span = span_field()
