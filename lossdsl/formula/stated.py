"""Definitions as a reader sees them: what their docs state, and private ones written out."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar, cast

from lossdsl.elaborate.context import Reading
from lossdsl.library.declare import Builtin
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program
from lossdsl.syntax.walk import field_names

Value = TypeVar("Value", ast.Expr, ast.Expr | None)
DEEPEST = 20
"""No chain of calls that is written out is longer than this."""


def reading(depth: int, public: bool) -> Reading:
    """Return how calls are read: written out within so many others, `public` ones too.

    Private definitions have no page of their own, so they are written out sooner, and one that
    states to be what it is given always.
    """

    def keeps(function: Builtin, calls: int) -> bool:
        if function.about.get("formula", "").isidentifier():
            return False
        return calls >= depth or not (public or function.name.startswith("_"))

    return Reading(keeps, body)


def body(function: Builtin, signature: ast.Signature, written: Value) -> ast.Expr | Value:
    """Return what a function is: what the `formula:` of its doc says, else what is written.

    A doc has one line of `formula:` for each signature, or for the first ones only.
    """
    lines = function.about.get("formula", "").splitlines()
    at = function.signatures.index(signature)
    return _parsed(lines[at], signature.span) if at < len(lines) else written


@lru_cache(maxsize=1024)
def _parsed(text: str, where: Span) -> ast.Expr:
    """Return a stated formula as if it stood in the file, whose private functions it may call.

    It can be read, or no library would have the function.
    """
    program, _ = parse_program(Source(text))
    assert program is not None
    result = program.statements[-1]
    assert isinstance(result, ast.Result)
    return cast("ast.Expr", _placed(result.value, where))


def _placed(value: Any, where: Span) -> Any:
    """Return a node that stands elsewhere."""
    match value:
        case Span():
            return where
        case tuple():
            return tuple(_placed(item, where) for item in cast("tuple[Any, ...]", value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            parts = {
                name: _placed(getattr(value, name), where) for name in field_names(type(value))
            }
            return replace(value, **parts)
        case _:
            return value
