"""The files of lossdsl's own vocabulary, of which one definition is read at a time.

A text that is part of lossdsl is known to be right: tests read each as they would a user's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from os import listdir, path
from typing import Any

from lossdsl.library.function import OWN, Builtin, written
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_definitions

Makers = Mapping[str, Callable[[], Builtin]]

# A definition behind its documentation; continued lines are indented.
_BEGINS = re.compile(r"^(?P<doc>(?:##.*\n)*)(?:loss|def)\s+(?P<name>\w+)", re.MULTILINE)


class Definitions(Sequence[ast.Definition]):
    """Definitions of one name, parsed when they are looked at."""

    def __init__(self, source: Source, ranges: Sequence[tuple[int, int]]):
        self._source, self._ranges = source, ranges

    def __len__(self) -> int:
        return len(self._ranges)

    def __getitem__(self, at: Any) -> Any:
        return self._parsed[at]

    @cached_property
    def _parsed(self) -> tuple[ast.Definition, ...]:
        parts = (parse_definitions(self._source, *part) for part in self._ranges)
        return tuple(definition for part in parts for definition in part)


def own_files(folder: str) -> Iterator[tuple[Source, Makers]]:
    """Yield the `.loss` files of a folder, with what makes each of their functions by name."""
    for name in sorted(listdir(folder)):
        family, ending = path.splitext(name)
        if ending == ".loss":
            with open(path.join(folder, name), encoding="utf-8") as file:
                source = Source(file.read(), f"{OWN}{name}")
            yield source, _makers(source, family)


def _makers(source: Source, family: str) -> Makers:
    begins = [*_BEGINS.finditer(source.text)]
    ends = [*(match.start() for match in begins[1:]), len(source.text)]
    ranges: dict[str, list[tuple[int, int]]] = {}
    docs: dict[str, str] = {}
    for match, end in zip(begins, ends, strict=True):
        ranges.setdefault(match["name"], []).append((match.start(), end))
        docs[match["name"]] = docs.get(match["name"]) or match["doc"]
    return {
        name: partial(_function, name, family, Definitions(source, parts), docs[name])
        for name, parts in ranges.items()
    }


def _function(
    name: str, family: str, definitions: Sequence[ast.Definition], comment: str
) -> Builtin:
    lines = (line.removeprefix("##").removeprefix(" ") for line in comment.splitlines())
    return written(name, family, definitions, "\n".join(line.rstrip() for line in lines))
