"""What was written: the abstract syntax tree, frozen and spanned.

Sums and products are n-ary, so that a long loss is no deep tree. Spans take no part in equality.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from lossdsl.source import Span


def identity(value: object) -> object:
    """Return a key that tells 2, 2.0, true, 0.0 and -0.0 apart, as Python's `==` does not."""
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    return (type(value).__name__, value)


def _span() -> Any:
    return field(compare=False, repr=False)


# Expressions


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A number, `true`, `false`, `inf`, `nan` or `none`."""

    value: int | float | bool | None
    span: Span = _span()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and identity(self.value) == identity(other.value)

    def __hash__(self) -> int:
        return hash(identity(self.value))


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string: a selector or an option."""

    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Name:
    """An input, binding, dim, parameter or bare selector."""

    id: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Tuple:
    """A constant vector, shape or list of axes."""

    items: tuple[Expr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Addend:
    """One signed member of a sum; `as` labels it."""

    sign: str
    value: Expr
    label: str | None
    span: Span = _span()
    sign_span: Span = _span()


@dataclass(frozen=True, slots=True)
class Sum:
    """`a + b - c`, or a single labelled addend."""

    addends: tuple[Addend, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Factor:
    """One member of a product after the first, with its operator: `*`, `/`, `//`, `%` or `@`."""

    operator: str
    value: Expr
    operator_span: Span = _span()


@dataclass(frozen=True, slots=True)
class Product:
    """`a * b / c @ d`, evaluated left to right."""

    first: Expr
    rest: tuple[Factor, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Power:
    """`base ** exponent`."""

    base: Expr
    exponent: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Link:
    """One operator of a chain of comparisons, with its right side."""

    operator: str
    value: Expr
    operator_span: Span = _span()


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a < b <= c`."""

    first: Expr
    rest: tuple[Link, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Logical:
    """`a and b and c`, or with `or`."""

    operator: str
    operands: tuple[Expr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Conditional:
    """`value if condition else otherwise`."""

    value: Expr
    condition: Expr
    otherwise: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Keyword:
    """`name=value` in a call or an index."""

    name: str
    value: Expr
    span: Span = _span()
    name_span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments, keywords)`."""

    function: str
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    span: Span = _span()
    name_span: Span = _span()


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:stop:step` in an index."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Dots:
    """`...` in an index."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Index:
    """`x[0]`, `x[:, None]`, `params["**/kernel", ndim >= 2, optional=true]`."""

    value: Expr
    items: tuple[Expr | Slice | Dots, ...]
    keywords: tuple[Keyword, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Attribute:
    """`value.name`: a field of a record or one exact path of a tree."""

    value: Expr
    name: str
    span: Span = _span()


Expr = (
    Literal
    | Text
    | Name
    | Tuple
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

# Types, as written in declarations and signatures


@dataclass(frozen=True, slots=True)
class DimExpr:
    """A size: `constant` plus the sum of coefficient times symbol, in sorted order."""

    constant: int
    terms: tuple[tuple[str, int], ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class AnyDim:
    """`_`: one dim of any size."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Run:
    """`*S`, any number of named dims; `...` is a run without a name."""

    name: str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ArrayTypeExpr:
    """`role dtype[dims]`; `dims` is empty for a scalar."""

    dtype: str
    dims: tuple[DimExpr | AnyDim | Run, ...]
    role: str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class TreeTypeExpr:
    """`tree` or `tree[leaf]`."""

    leaf: ArrayTypeExpr | None
    role: str | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class FieldExpr:
    """One field of a record."""

    name: str
    type: TypeExpr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class RecordTypeExpr:
    """`{mu: f32[B, Z], logvar: f32[B, Z]}`."""

    fields: tuple[FieldExpr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class ChoiceTypeExpr:
    """`"mean" | "sum"`: one of these strings."""

    options: tuple[str, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class WordTypeExpr:
    """A static parameter: `static int`, `text`, `shape`, `axis[K]`, `axes`, `constraint[params]`,
    `function[1]`. `word` names it; `arguments` holds what stands in the brackets or after `static`.
    """

    word: str
    arguments: tuple[str, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class OptionalTypeExpr:
    """`type?`: the argument may be `none`."""

    type: TypeExpr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class UnionTypeExpr:
    """`a | b`: the first that fits."""

    options: tuple[TypeExpr, ...]
    span: Span = _span()


TypeExpr = (
    ArrayTypeExpr
    | TreeTypeExpr
    | RecordTypeExpr
    | ChoiceTypeExpr
    | WordTypeExpr
    | OptionalTypeExpr
    | UnionTypeExpr
)

# Statements


@dataclass(frozen=True, slots=True)
class Declaration:
    """`a, b: type` or `a: type = literal`."""

    names: tuple[str, ...]
    type: TypeExpr
    default: Literal | None
    span: Span = _span()
    name_spans: tuple[Span, ...] = _span()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a definition or signature; `type` and `default` may be left out."""

    name: str
    type: TypeExpr | None
    default: Expr | None
    variadic: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Signature:
    """`name(parameters) -> result`: how a function may be called."""

    name: str
    parameters: tuple[Parameter, ...]
    result: TypeExpr | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Binding:
    """`name = expr`."""

    name: str
    value: Expr
    span: Span = _span()
    name_span: Span = _span()


@dataclass(frozen=True, slots=True)
class Definition:
    """`def f(x) = expr` (kind `def`) or `loss f(x) -> type = expr` (kind `loss`).

    `doc` is the text of the `##` comment lines directly above, without the marks.
    """

    kind: str
    signature: Signature
    value: Expr
    doc: str = field(compare=False)
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Result:
    """`loss = expr` (no name), `loss name = expr`, or the bare expression of a spec."""

    name: str | None
    value: Expr
    bare: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Metric:
    """`metric name = expr`: reported, never optimized."""

    name: str
    value: Expr
    span: Span = _span()


Statement = Declaration | Binding | Definition | Result | Metric


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment without its line break; `own_line` when nothing precedes it on its line."""

    text: str
    own_line: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Program:
    """A spec or a library: an optional version and statements in source order."""

    version: int | None
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(compare=False)
    span: Span = _span()


def children(node: object) -> Iterator[Any]:
    """Yield the child nodes of any node, in source order."""
    for entry in fields(node):  # type: ignore[arg-type]
        value = getattr(node, entry.name)
        if hasattr(value, "__dataclass_fields__"):
            if not isinstance(value, Span):
                yield value
        elif isinstance(value, tuple):
            for item in value:
                if hasattr(item, "__dataclass_fields__") and not isinstance(item, Span):
                    yield item


def walk(node: object) -> Iterator[Any]:
    """Yield a node and everything below it, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(list(children(current))))
