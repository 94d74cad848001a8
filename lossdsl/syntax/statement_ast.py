"""Statements of the syntax tree, and the program that they make."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from lossdsl.frozen import dataclass
from lossdsl.source import Span
from lossdsl.syntax.type_ast import (
    ArrayTypeExpr,
    DimExpr,
    OptionalTypeExpr,
    Run,
    TypeExpr,
    WordTypeExpr,
    span_field,
)
from lossdsl.syntax.walk import walk

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


@dataclass(frozen=True)
class Signature:
    """`name(parameters) -> result`: how a function may be called."""

    name: str
    parameters: tuple[Parameter, ...]
    result: TypeExpr | None
    span: Span = span_field()

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of its sizes, each once."""
        sizes = (node for node in walk(self) if isinstance(node, DimExpr))
        return tuple(dict.fromkeys(symbol for size in sizes for symbol in size.symbols))

    @cached_property
    def array_dtypes(self) -> tuple[str, ...]:
        """The dtype or class that each array parameter asks for."""
        types = (parameter.type for parameter in self.parameters)
        return tuple(kind.dtype for kind in types if isinstance(kind, ArrayTypeExpr))

    @cached_property
    def runs(self) -> tuple[str, ...]:
        """The names of its runs of dims, each once."""
        runs = (node.name for node in walk(self) if isinstance(node, Run))
        return tuple(dict.fromkeys(name for name in runs if name is not None))

    @cached_property
    def static_sizes(self) -> frozenset[str]:
        """The static integers that stand in the dims of its parameters."""
        static = {
            parameter.name
            for parameter in self.parameters
            if isinstance(kind := parameter.plain_type, WordTypeExpr)
            and (kind.word, kind.arguments) == ("static", ("int",))
        }
        types = [parameter.type for parameter in self.parameters if parameter.type is not None]
        sizes = (node for kind in types for node in walk(kind) if isinstance(node, DimExpr))
        return frozenset(static.intersection(symbol for size in sizes for symbol in size.symbols))


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
