"""What a text gives twice: of two that count once, one would be dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, Label
from lossdsl.source import Span
from lossdsl.syntax.ast import (
    Call,
    ChoiceTypeExpr,
    Definition,
    Program,
    RecordTypeExpr,
    Signature,
    UnionTypeExpr,
    WordTypeExpr,
)


def repeats(node: object) -> Iterator[Diagnostic]:
    """Yield what one node, without those below it, gives twice."""
    match node:
        case Call(function, _, keywords):
            entries = [(keyword.name, keyword.span) for keyword in keywords]
            yield from _twice("LD104", entries, f"`{{}}` of `{function}` is given twice")
        case Signature(name, parameters):
            entries = [(parameter.name, parameter.span) for parameter in parameters]
            yield from _twice("LD109", entries, f"two parameters of `{name}` are called `{{}}`")
        case RecordTypeExpr(fields):
            entries = [(field.name, field.span) for field in fields]
            yield from _twice("LD109", entries, "two fields of a record are called `{}`")
        case ChoiceTypeExpr(options, span):
            entries = [(option, span) for option in options]
            yield from _twice("LD109", entries, 'a choice has `"{}"` twice')
        case UnionTypeExpr(options):
            entries = [(option, option.span) for option in options]
            yield from _twice("LD109", entries, "a parameter may be `{}` twice")
        case WordTypeExpr("axis", arguments, span):
            entries = [(argument, span) for argument in arguments]
            yield from _twice("LD109", entries, "an axis has the name `{}` twice")
        case Program(statements=statements):
            yield from _definitions(
                [statement for statement in statements if isinstance(statement, Definition)]
            )
        case _:
            pass


def _definitions(definitions: Sequence[Definition]) -> Iterator[Diagnostic]:
    """Of two definitions for the same arguments the second would never be called."""
    entries: list[tuple[object, Span]] = []
    for definition in definitions:
        taken = tuple(
            (parameter.name, parameter.type) for parameter in definition.signature.parameters
        )
        entries.append(((definition.signature.name, taken), definition.signature.span))
    for (name, _), places in _places(entries):
        message = f"`{name}` is defined twice for the same arguments"
        help = "rename one; several definitions of one name differ in the types they take"
        yield _repeat("LD109", message, places, help)


def _twice(code: str, entries: Sequence[tuple[object, Span]], message: str) -> Iterator[Diagnostic]:
    for key, places in _places(entries):
        shown = key if isinstance(key, str) else places[0].text
        yield _repeat(code, message.format(shown), places, "keep one of the two")


def _places(entries: Sequence[tuple[object, Span]]) -> Iterator[tuple[Any, list[Span]]]:
    places: dict[object, list[Span]] = {}
    for key, span in entries:
        places.setdefault(key, []).append(span)
    return ((key, spans) for key, spans in places.items() if len(spans) > 1)


def _repeat(code: str, message: str, places: Sequence[Span], help: str) -> Diagnostic:
    first, second = places[:2]
    labels = (Label(second, "again" if second != first else "", primary=True),)
    if second != first:
        labels = (*labels, Label(first, "first"))
    return Diagnostic(code, message, labels, help=help)
