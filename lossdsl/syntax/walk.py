"""Going over a tree: every node is a dataclass whose children are fields or tuples of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from lossdsl.source import Span


@cache
def field_names(kind: type) -> tuple[str, ...]:
    """Return the fields of a kind of node; `fields` looks each of them over at every call."""
    return tuple(entry.name for entry in fields(kind))


# What no node is in: most fields, which need not be looked at.
_PLAIN = {"Span", "tuple[Span, ...]", "str", "str | None", "int", "int | None", "bool", "float"}


@cache
def _inner(kind: type) -> tuple[str, ...]:
    """Return the fields of a kind of node that may hold nodes."""
    return tuple(entry.name for entry in fields(kind) if entry.type not in _PLAIN)


def children(node: object) -> list[Any]:
    """Return the child nodes of any node, in source order."""
    nodes: list[Any] = []
    for name in _inner(type(node)):
        value = getattr(node, name)
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "__dataclass_fields__") and not isinstance(item, Span):
                nodes.append(item)
    return nodes


def walk(node: object) -> Iterator[Any]:
    """Yield a node and everything below it, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack += reversed(children(current))
