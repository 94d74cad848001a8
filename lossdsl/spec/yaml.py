"""YAML 1.2, read from ruamel's events: counted before anything is built, nothing is constructed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from lossdsl.source import Source
from lossdsl.spec.align import align
from lossdsl.spec.document import (
    ALIASES,
    DEPTH,
    Document,
    Offsets,
    Opaque,
    Path,
    Reading,
    kind,
    refuse,
    within,
)

_KINDS = {
    "int": "a number",
    "float": "a number",
    "bool": "a boolean",
    "null": "nothing",
    "merge": "a merge key",
}
_PROPERTIES = re.compile(r"(?:(?:&\S+|!\S*)\s+)+")
_DIRECTIVE = re.compile(r"^%.*", re.MULTILINE)
_BLOCK_HEADER = re.compile(r"[|>][^\n]*\n?")
_BEYOND = re.compile(r"\\U(?!000|0010)[0-9a-fA-F]{8}")
_QUOTING = "write the spec below `|`, or in quotes"


_TAB = re.compile(r"[ \t]*\t")
_SPACES = "YAML indents by spaces: write spaces for the tab"
_READ = ("!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Scalar(str):
    """A text that remembers where and how it was written."""

    start: int
    end: int
    style: str


_MERGE = Opaque("a merge key", "<<")


class _Refused(Exception):
    """Carries a finding out of the loop over events."""

    def __init__(self, message: str, event: Any, help: str = ""):
        self.message, self.event, self.help = message, event, help
        super().__init__(message)


def read_yaml(file: Source) -> Reading:
    """Return the documents of a YAML file; a value under a foreign tag is opaque."""
    if directive := _DIRECTIVE.search(file.text):
        return refuse("LD703", "a directive", file, *directive.span(), help="delete the line")
    reader = YAML(typ="safe", pure=True)
    try:
        values = _build(_safe(reader.parse(file.text)), reader)
    except _Refused as refused:
        start = refused.event.start_mark.index
        return refuse(
            "LD703", refused.message, file, start, refused.event.end_mark.index, refused.help
        )
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        start = min(mark.index, len(file.text)) if mark else 0
        message = (error.problem or error.context or "it is not well-formed").splitlines()[0]
        line = file.line_start(file.line_of(start))
        help = _SPACES if _TAB.match(file.text, line) else _QUOTING
        return refuse("LD702", f"YAML stops here: {message}", file, start, start, help)
    except ReaderError as error:
        start = min(error.position, len(file.text))
        return refuse("LD702", "YAML has no place for this character", file, start, start + 1)
    except YAMLError:
        return refuse("LD702", "this is not YAML", file, 0, 0)
    except (ValueError, OverflowError):  # an escape of a number that no character has
        match = _BEYOND.search(file.text)
        span = match.span() if match else (0, 0)
        help = "the last character is `\\U0010FFFF`"
        return refuse("LD702", "an escape past the last character of Unicode", file, *span, help)
    return tuple(_document(file, value) for value in values), ()


def _document(file: Source, value: Any) -> Document:
    return Document(
        file,
        value,
        lambda path, text: _offsets(file, value, path, text),
        lambda path: _place(value, path),
    )


def _safe(parsed: Iterator[Any]) -> Iterator[Any]:
    """Pass events on, counting what a small text can blow up with."""
    depth = aliases = 0
    for event in parsed:
        match event:
            case events.CollectionStartEvent():
                depth += 1
            case events.CollectionEndEvent():
                depth -= 1
            case events.AliasEvent():
                aliases += 1
            case _:
                pass
        if depth > DEPTH:
            raise _Refused(f"nested deeper than {DEPTH} levels", event)
        if aliases > ALIASES:
            raise _Refused(f"more than {ALIASES} aliases", event)
        yield event


def _build(stream: Iterator[Any], reader: YAML) -> list[Any]:
    """Build dicts, lists and scalars from events, without recursion; an alias is its target."""
    anchors: dict[str, Any] = {}
    root: list[Any] = []
    stack: list[Any] = [root]
    keys: list[Any] = [None]
    for event in stream:
        match event:
            case events.DocumentStartEvent():
                anchors = {}
                continue
            case events.ScalarEvent():
                value = _scalar(event, reader)
            case events.MappingStartEvent():
                value = {}
            case events.SequenceStartEvent():
                value = []
            case events.AliasEvent():
                if event.anchor not in anchors:
                    raise _Refused("an alias to nothing", event)
                value = anchors[event.anchor]
            case events.CollectionEndEvent():
                _merge(stack.pop(), event)
                keys.pop()
                continue
            case _:
                continue
        inside, value = value, _tagged(value, event)
        if getattr(event, "anchor", None) and not isinstance(event, events.AliasEvent):
            anchors[event.anchor] = value
        target = stack[-1]
        if isinstance(target, list):
            target.append(value)
        elif keys[-1] is None:
            key = (
                value if isinstance(value, (str, Opaque)) else Opaque(kind(value), _written(event))
            )
            if key in target:
                raise _Refused(f"`{_written(event)}` is given twice", event)
            keys[-1] = key
        else:
            target[keys[-1]] = value
            keys[-1] = None
        if isinstance(event, events.CollectionStartEvent):
            stack.append(inside)
            keys.append(None)
    return root


def _tagged(value: Any, event: Any) -> Any:
    """Return what is under a foreign tag as a whole: only the program of its owner reads it."""
    tag = getattr(event, "tag", None)
    if not tag or str(tag) in _READ or isinstance(event, events.AliasEvent):
        return value
    place = event.start_mark.index, event.end_mark.index
    return Opaque("a value with a tag", _written(event), str(tag), place)


def _merge(value: Any, event: Any) -> None:
    """Put in what a mapping merges by `<<`: its own keys win, then those of the first."""
    if not isinstance(value, dict) or _MERGE not in value:
        return
    merged = value.pop(_MERGE)
    for other in merged if isinstance(merged, list) else [merged]:
        if not isinstance(other, dict):
            raise _Refused(f"`<<` merges mappings, not {kind(other)}", event)
        for key in other:
            value.setdefault(key, other[key])


def _written(event: Any) -> str:
    """Return the text of a key, or its place if it has none: lists are keys too, and all differ."""
    return getattr(event, "value", None) or f"line {event.start_mark.line + 1}"


def _scalar(event: Any, reader: YAML) -> Any:
    if event.style is None and not event.tag:
        tag = reader.resolver.resolve(ScalarNode, event.value, (True, False))
        name = str(tag).rpartition(":")[2]
        if name != "str":
            place = event.start_mark.index, event.end_mark.index
            return Opaque(_KINDS.get(name, "a date or time"), event.value, at=place)
    value = _Scalar(event.value)
    value.start, value.end = event.start_mark.index, event.end_mark.index
    value.style = event.style or ""
    return value


def _place(value: Any, path: Path) -> tuple[int, int]:
    """Return where the value or the key that a path leads to is written; else the file's start."""
    place = (0, 0)
    for step in path:
        inside, steps = within(value, (step,))
        if not steps:
            break
        part = next(key for key in value if key == step) if isinstance(value, dict) else inside
        match part:
            case _Scalar():
                place = part.start, part.end
            case Opaque():
                place = part.at
            case _:
                pass
        value = inside
    return place


def _offsets(file: Source, value: Any, path: Path, text: str) -> Offsets | None:
    scalar, steps = within(value, path)
    if steps < len(path) or not isinstance(scalar, _Scalar):
        return None
    start, end = scalar.start, scalar.end
    if properties := _PROPERTIES.match(file.text, start, end):
        start = properties.end()
    if scalar.style in ("|", ">"):
        header = _BLOCK_HEADER.match(file.text, start, end)
        start = header.end() if header else start
    elif scalar.style:
        start, end = start + 1, end - 1
    return align(text, file.text, start, end, scalar.style)
