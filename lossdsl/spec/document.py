"""What every config format becomes: plain values, with the places of texts where they are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import date, time
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, article, at
from lossdsl.frozen import dataclass
from lossdsl.source import Source, Span

DEPTH = 32
ALIASES = 100

Path = tuple[str, ...]
Offsets = tuple[int, ...]


@dataclass(frozen=True)
class Opaque:
    """A YAML scalar or key that is no text, or what a tag is on: what it is, and how it is written.

    `tag` is one that nothing here reads.
    """

    kind: str
    text: str
    tag: str = ""
    at: tuple[int, int] = field(default=(0, 0), compare=False)


@dataclass(frozen=True)
class Document:
    """A config: dicts, lists, texts and scalars, and the places of texts in the file.

    `place` says where what a path leads to, or its key, stands, as far as the format tells.
    """

    file: Source
    value: Any
    offsets: Callable[[Path, str], Offsets | None]
    place: Callable[[Path], tuple[int, int]] = lambda path: (0, 0)

    def span(self, path: Path) -> Span:
        """Return the place that is to be shown for what a path leads to."""
        return Span(self.file, *self.place(path))


Reading = tuple[tuple[Document, ...], tuple[Diagnostic, ...]]


def refuse(code: str, message: str, file: Source, start: int, end: int, help: str = "") -> Reading:
    """Return no document, and one diagnostic at a place of the file."""
    return (), (at(code, message, Span(file, start, end), help=help or None),)


def kind(value: object) -> str:
    """Name a config's value in the words of a reader."""
    match value:
        case Opaque():
            return value.kind
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case date() | time():
            return "a date or time"
        case _:
            return article(type(value).__name__)


def too_deep(value: object) -> bool:
    """Say whether dicts and lists are nested beyond the limit, without recursion."""
    level: list[Any] = [value]
    for _ in range(DEPTH + 1):
        level = [node for node in level if isinstance(node, (dict, list))]
        if not level:
            return False
        level = [
            item for node in level for item in (node.values() if isinstance(node, dict) else node)
        ]
    return True


def within(value: Any, path: Path) -> tuple[Any, int]:
    """Follow a path of keys and list positions; return what is there and how far it led."""
    for steps, name in enumerate(path):
        match value:
            case dict() if name in value:
                value = value[name]
            case list() if name.isdigit() and len(name) < 9 and int(name) < len(value):
                value = value[int(name)]
            case _:
                return value, steps
    return value, len(path)
