"""Types as they are written in declarations and signatures."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from lossdsl.frozen import dataclass
from lossdsl.polynomial import Polynomial, Terms
from lossdsl.source import Span


def span_field() -> Any:
    """Return a dataclass field for a span, which takes no part in equality."""
    return field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DimExpr:
    """A size: `constant` plus products of symbols with their coefficients, in sorted order."""

    constant: int
    terms: Terms
    span: Span = span_field()

    @property
    def polynomial(self) -> Polynomial:
        """The size itself, wherever it is written."""
        return Polynomial(self.constant, self.terms)

    @property
    def name(self) -> str | None:
        """The symbol, when the size is just one symbol."""
        return self.polynomial.name

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that the size is made of, each once."""
        return self.polynomial.symbols


@dataclass(frozen=True, slots=True)
class AnyDim:
    """`_`: one dim of any size."""

    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Run:
    """`*S`, any number of named dims; `...` is a run without a name."""

    name: str | None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class RangeExpr:
    """`[low, high)`: `[` and `]` belong to it, `(` and `)` do not."""

    low: float
    high: float
    opening: str
    closing: str
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class ArrayTypeExpr:
    """`role dtype[dims]`; `dims` is empty for a scalar. Of an input, `range` is where it lies."""

    dtype: str
    dims: tuple[DimExpr | AnyDim | Run, ...]
    role: str | None
    span: Span = span_field()
    range: RangeExpr | None = None


@dataclass(frozen=True, slots=True)
class TreeTypeExpr:
    """`tree` or `tree[leaf]`."""

    leaf: ArrayTypeExpr | None
    role: str | None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class FieldExpr:
    """One field of a record."""

    name: str
    type: TypeExpr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class RecordTypeExpr:
    """`{mu: f32[B, Z], logvar: f32[B, Z]}`."""

    fields: tuple[FieldExpr, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class ChoiceTypeExpr:
    """`"mean" | "sum"`: one of these strings."""

    options: tuple[str, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class WordTypeExpr:
    """A static parameter: `static int`, `text`, `shape`, `axis[K]`, `axes`, `constraint[params]`,
    `function[1]`. `word` names it; `arguments` holds what stands in the brackets or after `static`.
    """

    word: str
    arguments: tuple[str, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class OptionalTypeExpr:
    """`type?`: the argument may be `none`."""

    type: TypeExpr
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class UnionTypeExpr:
    """`a | b`: the first that fits."""

    options: tuple[TypeExpr, ...]
    span: Span = span_field()


TypeExpr = (
    ArrayTypeExpr
    | TreeTypeExpr
    | RecordTypeExpr
    | ChoiceTypeExpr
    | WordTypeExpr
    | OptionalTypeExpr
    | UnionTypeExpr
)
