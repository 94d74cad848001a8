"""What a function may be applied to."""

from __future__ import annotations

from lossdsl.core.graph import Node
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import Dim, Type


@dataclass(frozen=True, slots=True)
class Value:
    """A node of core and its type here; inside a definition dims carry the definition's names."""

    node: Node
    type: Type


@dataclass(frozen=True, slots=True)
class Static:
    """What is known before any array is: `none`, a string, or a shape.

    `options` are the strings that a choice may be, and may be compared with.
    """

    value: str | tuple[Dim, ...] | None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function given by name to a parameter `function[n]`."""

    function: Builtin
    arity: int


Argument = Value | Static | FunctionValue


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An argument that is computed already, where an expression may stand."""

    value: Argument
    span: Span


Written = ast.Expr | Evaluated


@dataclass(frozen=True, slots=True)
class Option:
    """An argument that is given by name, as `ast.Keyword` is one that is written."""

    name: str
    value: Written
    span: Span

    @property
    def name_span(self) -> Span:
        """Where the name would be written."""
        return self.span


@dataclass(frozen=True, slots=True)
class Application:
    """A function applied to arguments of which some are computed already; else an `ast.Call`."""

    arguments: tuple[Written, ...]
    keywords: tuple[ast.Keyword | Option, ...]
    span: Span
