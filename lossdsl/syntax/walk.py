"""Going over a tree: every node is a dataclass whose children are fields or tuples of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from lossdsl.source import Span


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
