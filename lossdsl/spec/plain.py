"""JSON and TOML through the standard library, which tells no positions of values."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from lossdsl.source import Source
from lossdsl.spec.align import align
from lossdsl.spec.document import (
    DEPTH,
    Document,
    Offsets,
    Path,
    Reading,
    refuse,
    too_deep,
    within,
)

TOML_LENGTH = 2**16

Loads = Callable[[str], Any]

_TRIALS = 64
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{DEPTH}}}")
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_NUMBER = re.compile(r"(?<![\w.+-])[-+]?(?:\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?|inf|nan)(?![\w.])")
_QUOTE = re.compile(r"\"\"\"|'''|\"|'")


def read_json(file: Source) -> Reading:
    """Return the value of a JSON file."""
    return _read(file, _json)


def read_toml(file: Source) -> Reading:
    """Return the tables of a TOML file."""
    # The time that its parser takes grows with the square of what a key has of parts.
    if len(file.text) > TOML_LENGTH:
        message = f"{len(file.text):,} characters of TOML; at most {TOML_LENGTH:,}"
        return refuse("LD616", message, file, 0, 0, "keep the spec in a file of its own")
    if long := _LONG_KEY.search(file.text):
        message = f"a key of more than {DEPTH} parts"
        return refuse("LD616", message, file, *long.span(), "nest tables less deeply")
    return _read(file, tomllib.loads)


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_single)


class _Twice(ValueError):
    """A key that an object holds twice."""


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _Twice(name)
        members[name] = value
    return members


def _read(file: Source, loads: Loads) -> Reading:
    try:
        value = loads(file.text)
    except _Twice as twice:
        name = json.dumps(twice.args[0], ensure_ascii=False)
        start = max(file.text.rfind(name), 0)
        return refuse("LD703", f"{name} is given twice", file, start, start + len(name))
    except json.JSONDecodeError as error:
        return refuse("LD702", f"JSON stops here: {error.msg.lower()}", file, error.pos, error.pos)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _TOML_PLACE.search(message)
        start = len(file.text)
        if place and place[1]:
            start = file.line_start(int(place[1]) - 1) + int(place[2]) - 1
        message = _TOML_PLACE.sub("", message)
        return refuse(
            "LD702", f"TOML stops here: {message[:1].lower()}{message[1:]}", file, start, start
        )
    except RecursionError:
        return refuse("LD703", f"nested deeper than {DEPTH} levels", file, 0, 0)
    except ValueError:
        return refuse("LD702", "a number is too long", file, 0, 0)
    if too_deep(value):
        return refuse("LD703", f"nested deeper than {DEPTH} levels", file, 0, 0)
    return (
        Document(
            file,
            value,
            lambda path, text: _offsets(file, loads, path, text),
            lambda path: _place(file, loads, path),
        ),
    ), ()


def _offsets(file: Source, loads: Loads, path: Path, text: str) -> Offsets | None:
    """Find a text or a number by trial: a change shows at the right one of all possible places."""
    value, _ = within(loads(file.text), path)
    if isinstance(value, str):
        return _text_offsets(file, loads, path, text)
    numbers = _numbers(file.text, value) if type(value) in (int, float) else ()
    for start, end in islice(numbers, _TRIALS):
        if _led(file, loads, path, start, end, "true") == (True, len(path)):
            width = min(end - start, len(text))
            return (*[start] * (len(text) - width), *range(start, start + width), end)
    return None


def _numbers(text: str, value: float) -> Iterator[tuple[int, int]]:
    for match in _NUMBER.finditer(text):
        if float(match[0]) == value:
            yield match.span()


def _place(file: Source, loads: Loads, path: Path) -> tuple[int, int]:
    """Find a key, or that of what it is in, by trial: the path leads on under another name."""
    while path:
        name = path[-1]
        keys = re.compile(re.escape(json.dumps(name, ensure_ascii=False)[1:-1]))
        for match in islice(keys.finditer(file.text), _TRIALS):
            other = (*path[:-1], f"x{name}")
            if _led(file, loads, other, match.start(), match.start(), "x")[1] == len(path):
                return match.span()
        path = path[:-1]
    return 0, 0


def _led(
    file: Source, loads: Loads, path: Path, start: int, end: int, text: str
) -> tuple[Any, int]:
    """Return what a path leads to in the file with a part replaced, and how far it leads."""
    try:
        return within(loads(file.text[:start] + text + file.text[end:]), path)
    except ValueError:
        return None, 0


def _text_offsets(file: Source, loads: Loads, path: Path, text: str) -> Offsets | None:
    trials = 0
    for match in _QUOTE.finditer(file.text):
        start, quote = match.end(), match[0]
        end = _closing(file.text, quote, start)
        offsets = align(text, file.text, start, end, quote[0])
        if offsets is None or file.text[offsets[-1] : end].strip():
            continue
        changed, steps = _led(file, loads, path, start, start, "x")
        if steps == len(path) and changed != text:
            return offsets
        trials += 1
        if trials == _TRIALS:
            return None
    return None


def _closing(text: str, opening: str, start: int) -> int:
    at = start
    while at < len(text) and not text.startswith(opening, at):
        at += 2 if opening[0] == '"' and text[at] == "\\" else 1
    return min(at, len(text))
