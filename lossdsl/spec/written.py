"""What a place of a config holds as a spec: its text and declared inputs, with their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.inputs.given import as_mapping, default_text, keys_problem
from lossdsl.source import Origin, Source, Span
from lossdsl.spec.document import Document, Opaque, Path, kind, within
from lossdsl.spec.interpolate import interpolated, lead
from lossdsl.syntax.ast import Name, walk
from lossdsl.syntax.parse import parse_program, parse_type

Diagnostics = tuple[Diagnostic, ...]

_COMMENT = re.compile(r"""\"[^"\n]*\"|'[^'\n]*'|(?P<comment>#[^\n]*)""")


@dataclass(frozen=True)
class Written:
    """A spec as a file holds it; `key` is where, and empty for a file that is a spec."""

    source: Source
    inputs: Mapping[str, Source]
    key: str = ""


def written_at(document: Document, path: Path) -> tuple[Written | None, Diagnostics]:
    """Return the spec that a path leads to, or what keeps it from being one."""
    named = ".".join(path)
    path = lead(document, path)
    value, _ = within(document.value, path)
    if tagged := _tagged(document, path, value):
        return None, (tagged,)
    match value:
        case str() if value.strip() == "???":
            message = f"{_shown(document, path)} is `???`, which is to be given"
            help = "OmegaConf has `???` for what the composed config holds: check that"
            written, diagnostics = None, (at("LD709", message, document.span(path), help=help),)
        case str():
            source, diagnostics = _spec_text(document, path, value)
            written = Written(source, {}, named)
        case dict():
            written, diagnostics = _mapping(document, path, value)
            written = written and replace(written, key=named)
        case _:
            message = f"{_shown(document, path)} is {kind(value)}, not a text or a mapping"
            written, diagnostics = None, (at("LD705", message, document.span(path)),)
    if written is not None:
        diagnostics = diagnostics or _swallowed(written.source) or _beside(document, path, written)
    return (None if diagnostics else written), diagnostics


def _spec_text(document: Document, path: Path, text: str) -> tuple[Source, Diagnostics]:
    """Return a text with its place, and with what its interpolations stand for."""
    return interpolated(document, path, _text(document, path, text))


def _shown(document: Document, path: Path) -> str:
    name = document.file.name
    return f"`{'.'.join(path)}` in `{name}`" if path else f"`{name}`"


def _tagged(document: Document, path: Path, value: Any) -> Diagnostic | None:
    """Find a tag in a spec, or in what leads to it."""
    inputs = value.get("inputs") if isinstance(value, dict) else None
    parts = list(value.values()) if isinstance(value, dict) else []
    parts += inputs.values() if isinstance(inputs, dict) else []
    for part in (value, *parts):
        if isinstance(part, Opaque) and part.tag:
            help = "a spec needs none: drop what starts with `!`"
            return at("LD703", "a tag", Span(document.file, *part.at), help=help)
    return None


def _mapping(
    document: Document, path: Path, value: dict[Any, Any]
) -> tuple[Written | None, Diagnostics]:
    problem = shape_problem(value)
    if problem:
        predicate, help = problem
        message = f"{_shown(document, path)} {predicate}"
        return None, (at("LD705", message, document.span(path), help=help),)
    name = "text" if "text" in value else "loss"
    source, diagnostics = _spec_text(document, (*path, name), value[name])
    inputs = value.get("inputs", {})
    types: dict[str, Source] = {}
    for key, written in inputs.items():
        types[key] = _type(document, (*path, "inputs", key), written)
        types[key], more = interpolated(document, (*path, "inputs", key), types[key])
        diagnostics += more
    return Written(source, types), diagnostics


def shape_problem(value: Mapping[Any, Any]) -> tuple[str, str | None] | None:
    """Say what keeps a mapping from being a spec, in words that follow its name, with a help."""
    problem = keys_problem(value, kind)
    if problem is not None:
        return problem
    inputs = as_mapping(given := value.get("inputs", {}))
    if inputs is None:
        return f"has {kind(given)} for `inputs`, not a mapping of names to types", None
    for name, written in inputs.items():
        if not isinstance(name, str):
            return f"has {kind(name)} for the name of an input", None
        if not isinstance(written, (str, bool, int, float)) and not _is_default(written):
            return f"has {kind(written)} for the type of `{name}`, not a text", None
    return None


def _beside(document: Document, path: tuple[str, ...], written: Written) -> Diagnostics:
    """Find types of inputs that stand beside a spec, where nothing reads them.

    A config has keys of all sorts there. What is meant for the spec maps names to types, and some
    of its names to the names that the spec reads.
    """
    if not path:
        return ()
    above, _ = within(document.value, path[:-1])
    names = [key for key in above if isinstance(key, str)] if isinstance(above, dict) else []
    near = get_close_matches("inputs", names, n=3)
    program = parse_program(written.source)[0] if near and not written.inputs else None
    if program is None:
        return ()
    read = {node.id for node in walk(program) if isinstance(node, Name)}
    for key in near:
        types = above[key]
        if not _maps_names_to_types(types, read):
            continue
        spec, name = path[-1], next(iter(types))
        text = _text(document, (*path[:-1], key, name), types[name])
        where = Span(text, 0, len(text.text))
        message = f"`{key}` stands beside `{spec}`, where nothing reads it"
        help = f"a spec with inputs is written `{spec}: {{text: …, inputs: {{{name}: …}}}}`"
        return (at("LD705", message, where, help=help),)
    return ()


def _maps_names_to_types(value: object, read: set[str]) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(part, str) for entry in value.items() for part in entry)
        and not read.isdisjoint(value)
        and all(parse_type(Source(type))[0] is not None for type in value.values())
    )


def _is_default(value: object) -> bool:
    return isinstance(value, Opaque) and not value.tag and value.kind in ("a number", "a boolean")


def _type(document: Document, path: Path, value: Any) -> Source:
    """Return the type of an input with its place; a number is the default of a float."""
    if isinstance(value, str):
        return _text(document, path, value)
    if not isinstance(value, Opaque):
        return _text(document, path, str(default_text(value)))
    head = "float = " if value.kind == "a number" else "bool = "
    start, end = value.at
    offsets = (*[start] * len(head), *range(start, start + len(value.text)), end)
    return Source(head + value.text.lower(), document.file.name, Origin(document.file, offsets))


def _text(document: Document, path: Path, text: str) -> Source:
    """Return a text with its place, or that of its key where the format tells no better."""
    text = str(text)
    offsets = document.offsets(path, text) or (document.place(path)[0],) * (len(text) + 1)
    return Source(text, document.file.name, Origin(document.file, offsets))


def _swallowed(source: Source) -> Diagnostics:
    """Find comments that run on over lines which the config folded into one."""
    if source.origin is None:
        return ()
    for match in _COMMENT.finditer(source.text):
        if match["comment"]:
            first, _ = source.position(match.start())
            last, _ = source.position(match.end() - 1)
            if first != last:
                span = Span(source, match.start(), match.end())
                help = "a text below `|` keeps its lines"
                return (at("LD706", "a comment runs on over folded lines", span, help=help),)
    return ()
