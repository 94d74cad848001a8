"""`${…}` in the texts of a config: what OmegaConf resolves them to, where it is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.source import Origin, Source, Span
from lossdsl.spec.document import DEPTH, Document, Opaque, Path, within

PARTS = 20_000
LEVELS = 3  # a spec, its terms, one of these
_OPENING = re.compile(r"\$\{")
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_COMPOSED = (
    "a composed config has none: "
    "`python train.py --cfg job --resolve | lossdsl check - --stdin-filename job.yaml`"
)


def target(text: str) -> Path | None:
    """Return the path that a text leads to which is one reference and nothing else, or None.

    >>> target("${losses.focal}")
    ('losses', 'focal')
    """
    match = _REFERENCE.fullmatch(text.strip())
    return None if match is None or match[1].startswith(".") else tuple(match[1].split("."))


def interpolated(
    document: Document, path: Path, source: Source
) -> tuple[Source, tuple[Diagnostic, ...]]:
    """Return a text with what its interpolations stand for, each of which keeps its place."""
    spans = [Span(source, *place) for place in _places(source.text)]
    if not spans:
        return source, ()
    try:
        if not path:
            raise ValueError
        config = import_module("omegaconf").OmegaConf.create(
            _plain(document.value, iter(range(PARTS)))
        )
    except ImportError:
        message = f"`{spans[0].text}` is an interpolation, which OmegaConf resolves"
        help = f"install `omegaconf` beside lossdsl, or check what it gives; {_COMPOSED}"
        return source, (at("LD709", message, spans[0], help=help),)
    except Exception:  # more than there is room for, or what OmegaConf has no place for
        message = f"`{spans[0].text}` is an interpolation, and OmegaConf cannot read this config"
        return source, (at("LD709", message, spans[0], help=_COMPOSED),)
    pieces: list[str] = []
    offsets: list[int] = []
    own = source.origin.offsets if source.origin else tuple(range(len(source.text) + 1))
    last = 0
    for span in spans:
        value, problem = _resolved(config, path, span)
        if problem is not None:
            return source, (problem,)
        pieces += (source.text[last : span.start], value)
        offsets += (*own[last : span.start], *[own[span.start]] * len(value))
        last = span.end
    text = "".join((*pieces, source.text[last:]))
    file = source.origin.file if source.origin else source
    return Source(text, source.name, Origin(file, (*offsets, *own[last:]))), ()


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the outermost interpolations begin and end; one may stand in another."""
    end = 0
    for opening in _OPENING.finditer(text):
        start = opening.start()
        if start < end:
            continue
        depth, end = 0, start
        while end < len(text):
            depth += (text[end] == "{") - (text[end] == "}")
            end += 1
            if text[end - 1] == "}" and not depth:
                break
        yield start, end


def _resolved(config: Any, path: Path, span: Span) -> tuple[str, Diagnostic | None]:
    """Return what an interpolation stands for where the text is."""
    node: Any = config
    for step in path[:-1]:
        node = node[int(step)] if step.isdigit() and not hasattr(node, "keys") else node[step]
    step: Any = path[-1] if hasattr(node, "keys") else int(path[-1])
    try:
        node[step] = span.text
        value = node[step]
    except Exception as error:  # of OmegaConf, of its parser, or of a resolver
        return "", _unresolved(span, type(error).__name__)
    if hasattr(value, "keys") or isinstance(value, (list, tuple)) or hasattr(value, "_content"):
        message = f"`{span.text}` leads to a mapping or a list, which no text can hold"
        return "", at("LD709", message, span, help=_COMPOSED)
    return ("true" if value is True else "false" if value is False else str(value)), None


def _unresolved(span: Span, kind: str) -> Diagnostic:
    known = {
        "InterpolationKeyError": "leads to no key of this file",
        "UnsupportedInterpolationType": "asks for a resolver that is not known here",
        "GrammarParseError": "cannot be read by OmegaConf",
    }
    message = f"`{span.text}` is an interpolation that {known.get(kind, 'cannot be resolved here')}"
    return at("LD709", message, span, help=_COMPOSED)


def _plain(value: Any, room: Iterator[int]) -> Any:
    """Return a config as OmegaConf takes it: scalars as they are written.

    It holds what aliases stand for each time, so that there is room for so many parts only.
    """
    if next(room, None) is None:
        raise OverflowError
    match value:
        case Opaque():
            return value.text
        case dict():
            return {_plain(key, room): _plain(part, room) for key, part in value.items()}
        case list():
            return [_plain(part, room) for part in value]
        case str():
            return str(value)
        case _:
            return value


def lead(document: Document, path: Path) -> Path:
    """Follow references of whole values, such as `loss: ${losses.focal}`, within the file."""
    for _ in range(DEPTH):
        value, _ = within(document.value, path)
        there = target(value) if isinstance(value, str) else None
        if there is None or within(document.value, there)[1] < len(there):
            return path
        path = there
    return path


def led(document: Document, path: Path) -> Path:
    """Follow the references that stand on the way of a path, too."""
    real: Path = ()
    for step in path:
        real = lead(document, (*real, step))
    return real


def expanded(document: Document, value: Any) -> Any:
    """Return a spec in which references of whole values are what they lead to in the file."""
    return _expanded(document, value, LEVELS, iter(range(PARTS)))


def _expanded(document: Document, value: Any, levels: int, room: Iterator[int]) -> Any:
    """Return a part of a spec: of so many levels and parts only, as a reference may lead back."""
    for _ in range(DEPTH):
        path = target(value) if isinstance(value, str) else None
        there, steps = within(document.value, path or ())
        if path is None or steps < len(path):
            break
        value = there
    if not (isinstance(value, dict) and levels):
        return value
    return {
        name: part if next(room, None) is None else _expanded(document, part, levels - 1, room)
        for name, part in value.items()
    }
