"""What was written: the abstract syntax tree, frozen and spanned.

Sums and products are n-ary, so that a long loss is no deep tree. Spans take no part in equality.
"""

from __future__ import annotations

import struct

from lossdsl.frozen import dataclass
from lossdsl.source import Span
from lossdsl.syntax.statement_ast import Binding as Binding
from lossdsl.syntax.statement_ast import Comment as Comment
from lossdsl.syntax.statement_ast import Declaration as Declaration
from lossdsl.syntax.statement_ast import Definition as Definition
from lossdsl.syntax.statement_ast import Metric as Metric
from lossdsl.syntax.statement_ast import Parameter as Parameter
from lossdsl.syntax.statement_ast import Program as Program
from lossdsl.syntax.statement_ast import Result as Result
from lossdsl.syntax.statement_ast import Signature as Signature
from lossdsl.syntax.statement_ast import Statement as Statement
from lossdsl.syntax.type_ast import AnyDim as AnyDim
from lossdsl.syntax.type_ast import ArrayTypeExpr as ArrayTypeExpr
from lossdsl.syntax.type_ast import ChoiceTypeExpr as ChoiceTypeExpr
from lossdsl.syntax.type_ast import DimExpr as DimExpr
from lossdsl.syntax.type_ast import FieldExpr as FieldExpr
from lossdsl.syntax.type_ast import OptionalTypeExpr as OptionalTypeExpr
from lossdsl.syntax.type_ast import RangeExpr as RangeExpr
from lossdsl.syntax.type_ast import RecordTypeExpr as RecordTypeExpr
from lossdsl.syntax.type_ast import Run as Run
from lossdsl.syntax.type_ast import TreeTypeExpr as TreeTypeExpr
from lossdsl.syntax.type_ast import TypeExpr as TypeExpr
from lossdsl.syntax.type_ast import UnionTypeExpr as UnionTypeExpr
from lossdsl.syntax.type_ast import WordTypeExpr as WordTypeExpr
from lossdsl.syntax.type_ast import span_field
from lossdsl.syntax.walk import children as children
from lossdsl.syntax.walk import walk as walk


def identity(value: object) -> object:
    """Return a key that tells 2, 2.0, true, 0.0 and -0.0 apart, as Python's `==` does not."""
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    return (type(value).__name__, value)


# Expressions


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A number, `true`, `false`, `inf`, `nan` or `none`."""

    value: int | float | bool | None
    span: Span = span_field()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and identity(self.value) == identity(other.value)

    def __hash__(self) -> int:
        return hash(identity(self.value))


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string: a selector or an option."""

    value: str
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Name:
    """An input, binding, dim, parameter or bare selector."""

    id: str
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Tuple:
    """A constant vector, shape or list of axes."""

    items: tuple[Expr, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf of a tree that is written down, by its name or quoted path."""

    name: str
    value: Expr
    span: Span = span_field()
    name_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Record:
    """`{kernel: 1, "head/**": 0.1}`."""

    entries: tuple[Entry, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Addend:
    """One signed member of a sum; `as` labels it."""

    sign: str
    value: Expr
    label: str | None
    span: Span = span_field()
    sign_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Sum:
    """`a + b - c`, or a single labelled addend."""

    addends: tuple[Addend, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Factor:
    """One member of a product after the first, with its operator: `*`, `/`, `//`, `%` or `@`."""

    operator: str
    value: Expr
    operator_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Product:
    """`a * b / c @ d`, evaluated left to right."""

    first: Expr
    rest: tuple[Factor, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: Expr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Power:
    """`base ** exponent`."""

    base: Expr
    exponent: Expr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Link:
    """One operator of a chain of comparisons, with its right side."""

    operator: str
    value: Expr
    operator_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a < b <= c`."""

    first: Expr
    rest: tuple[Link, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Logical:
    """`a and b and c`, or with `or`."""

    operator: str
    operands: tuple[Expr, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Conditional:
    """`value if condition else otherwise`."""

    value: Expr
    condition: Expr
    otherwise: Expr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Keyword:
    """`name=value` in a call or an index."""

    name: str
    value: Expr
    span: Span = span_field()
    name_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments, keywords)`."""

    function: str
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    span: Span = span_field()
    name_span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop:step` in an index."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Dots:
    """`...` in an index."""

    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Index:
    """`x[0]`, `x[:, None]`, `params["**/kernel", ndim >= 2, optional=true]`."""

    value: Expr
    items: tuple[Expr | Slice | Dots, ...]
    keywords: tuple[Keyword, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Attribute:
    """`value.name`: a field of a record or one exact path of a tree."""

    value: Expr
    name: str
    span: Span = span_field()


Expr = (
    Literal
    | Text
    | Name
    | Tuple
    | Record
    | Sum
    | Product
    | Unary
    | Power
    | Comparison
    | Logical
    | Conditional
    | Call
    | Index
    | Attribute
)
