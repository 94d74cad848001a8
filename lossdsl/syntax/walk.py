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


def children(node: object) -> Iterator[Any]:
    """Yield the child nodes of any node, in source order."""
    for name in field_names(type(node)):
        value = getattr(node, name)
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
