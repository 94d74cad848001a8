"""A tree with all that it holds, for comparing where equality passes over spans."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from lossdsl.source import Source


def spelled(value: Any) -> object:
    """Return a node as its class and all of its fields, spans too."""
    match value:
        case tuple():
            return tuple(map(spelled, value))
        case Source():
            return value
        case _ if is_dataclass(value):
            parts = [spelled(getattr(value, each.name)) for each in fields(value)]
            return type(value), *parts
        case _:
            return type(value), repr(value)
