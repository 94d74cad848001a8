"""What a place of a config holds as a spec: its text and declared inputs, with their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.inputs.given import default_text
from lossdsl.inputs.mapping_form import (
    Kind,
    Parts,
    Problem,
    as_mapping,
    is_number,
    kind_of,
    number_text,
    parts_of,
    shape_problem,
    truth,
)
from lossdsl.source import Origin, Source, Span
from lossdsl.spec.document import Document, Opaque, Path, kind, within
from lossdsl.spec.interpolate import expanded, interpolated, lead, led
from lossdsl.syntax.ast import Addend, Call, Name, walk
from lossdsl.syntax.parse import parse_program, parse_type

Diagnostics = tuple[Diagnostic, ...]

TAG_DEPTH = 4  # a spec, its terms, one of these, its text
_COMMENT = re.compile(r"""\"[^"\n]*\"|'[^'\n]*'|(?P<comment>#[^\n]*)""")


@dataclass(frozen=True)
class Written:
    """A spec as a file holds it; `key` is where, and empty for a file that is a spec."""

    parts: Parts
    key: str = ""

    @property
    def source(self) -> Source:
        """The text; that of a spec of terms alone is empty."""
        return self.parts.source


def written_at(document: Document, path: Path) -> tuple[Written | None, Diagnostics]:
    """Return the spec that a path leads to, or what keeps it from being one."""
    named = ".".join(path)
    path = lead(document, path)
    value, _ = within(document.value, path)
    if tagged := _tagged(document, value):
        return None, (tagged,)
    match value:
        case str() if value.strip() == "???":
            message = f"{_shown(document, path)} is `???`, which is to be given"
            help = "OmegaConf has `???` for what the composed config holds: check that"
            written, diagnostics = None, (at("LD709", message, document.span(path), help=help),)
        case str():
            source, diagnostics = interpolated(document, path, _text(document, path, value))
            written = Written(Parts(source), named)
        case dict():
            written, diagnostics = _mapping(document, path, value)
            written = written and replace(written, key=named)
        case _:
            message = f"{_shown(document, path)} is {kind(value)}, not a text or a mapping"
            written, diagnostics = None, (at("LD705", message, document.span(path)),)
    if written is not None:
        diagnostics = diagnostics or _swallowed(written) or _beside(document, path, written)
    return (None if diagnostics else written), diagnostics


def _shown(document: Document, path: Path) -> str:
    name = document.file.name
    return f"`{'.'.join(path)}` in `{name}`" if path else f"`{name}`"


def _tagged(document: Document, value: Any) -> Diagnostic | None:
    """Find a tag in a spec, or in what leads to it."""
    level = [value]
    for _ in range(TAG_DEPTH):
        for part in level:
            if isinstance(part, Opaque) and part.tag:
                help = "a spec needs none: drop what starts with `!`"
                return at("LD703", "a tag", Span(document.file, *part.at), help=help)
        level = [each for part in level if isinstance(part, dict) for each in part.values()]
    return None


def _mapping(
    document: Document, path: Path, value: dict[Any, Any]
) -> tuple[Written | None, Diagnostics]:
    value = expanded(document, value)
    if tagged := _tagged(document, value):
        return None, (tagged,)
    problem = shape_problem(value, kind) or inputs_problem(value, kind)
    if problem:
        inner = (*path, *problem.path)
        message = f"{_shown(document, inner)} {problem.predicate}"
        at_key = (*led(document, inner), problem.key) if problem.key else led(document, inner)
        place = document.span(at_key)
        return None, (at("LD705", message, place, help=problem.help),)
    diagnostics: Diagnostics = ()

    def text_at(inner: Path, part: Any) -> Source:
        nonlocal diagnostics
        if inner and not inner[-1]:
            above = led(document, (*path, *inner[:-2]))
            return _key(document, (*above, inner[-2]))
        whole = led(document, (*path, *inner))
        make = _type if inner[:1] == ("inputs",) else _expression
        source, problems = interpolated(document, whole, make(document, whole, part))
        diagnostics += problems
        return source

    types = {
        name: text_at(("inputs", name), type) for name, type in value.get("inputs", {}).items()
    }
    return Written(parts_of(value, types, text_at)), diagnostics


def inputs_problem(value: Mapping[Any, Any], kind: Kind = kind_of) -> Problem | None:
    """Return what keeps the inputs of a config from being types by name."""
    inputs = as_mapping(given := value.get("inputs", {}))
    if inputs is None:
        said = f"has {kind(given)} for `inputs`, not a mapping of names to types"
        return Problem(said, key="inputs")
    for name, written in inputs.items():
        if not isinstance(name, str):
            return Problem(f"has {kind(name)} for the name of an input", path=("inputs",))
        if not (isinstance(written, str) or is_number(written) or truth(written) is not None):
            said = f"has {kind(written)} for the type of `{name}`, not a text"
            return Problem(said, path=("inputs",), key=name)
    return None


def _beside(document: Document, path: tuple[str, ...], written: Written) -> Diagnostics:
    """Find inputs, terms or weights that stand beside a spec, where nothing reads them.

    A config has keys of all sorts there. What is meant for the spec maps names to types, some of
    these the names that the spec reads, to terms, or names that the spec has to weights.
    """
    found, _ = within(document.value, path[:-1])
    above: dict[Any, Any] = found if path and isinstance(found, dict) else {}
    names = [key for key in above if isinstance(key, str)]
    given: dict[str, Any] = {"inputs": written.parts.inputs, "terms": written.parts.terms}
    given["weights"] = written.parts.weights
    near = {
        key: part
        for part in given
        for key in get_close_matches(part, names, n=3)
        if key != path[-1] and not given[part] and isinstance(above[key], dict) and above[key]
    }
    read = _names_in(written) if near else set[str]()
    for key, part in near.items():
        if not _MEANT[part](above[key], read):
            continue
        spec, name = path[-1], next(iter(above[key]))
        text = _text(document, (*path[:-1], key, name), str(above[key][name]))
        if part != "inputs":
            text = _key(document, (*path[:-1], key, name))
        message = f"`{key}` stands beside `{spec}`, where nothing reads it"
        help = f"a spec with {part} is written `{spec}: {{text: …, {part}: {{{name}: …}}}}`"
        return (at("LD705", message, Span(text, 0, len(text.text)), help=help),)
    return ()


def _names_in(written: Written) -> set[str]:
    """Return the names, functions and labels of a spec."""
    names: set[str] = set()
    for text in written.parts.sources:
        program = parse_program(text, part=True)[0]
        for node in () if program is None else walk(program):
            match node:
                case Name(name) | Call(name) | Addend(label=str() as name):
                    names.add(name)
                case _:
                    pass
    return names


def _are_terms(terms: Mapping[Any, Any], read: set[str]) -> bool:
    return shape_problem({"terms": terms}, kind) is None and all(
        not isinstance(term, str) or parse_program(Source(term))[0] is not None
        for term in terms.values()
    )


def _are_weights(weights: Mapping[Any, Any], read: set[str]) -> bool:
    return not read.isdisjoint(weights) and all(map(is_number, weights.values()))


def _are_types(value: Mapping[Any, Any], read: set[str]) -> bool:
    return (
        all(isinstance(part, str) for entry in value.items() for part in entry)
        and not read.isdisjoint(value)
        and all(parse_type(Source(type))[0] is not None for type in value.values())
    )


_MEANT = {"inputs": _are_types, "terms": _are_terms, "weights": _are_weights}


def _type(document: Document, path: Path, value: Any) -> Source:
    """Return the type of an input with its place; a number is the default of a float."""
    if isinstance(value, str):
        return _text(document, path, value)
    if not isinstance(value, Opaque):
        return _text(document, path, str(default_text(value)))
    head = "float = " if value.kind == "a number" else "bool = "
    return _scalar(document, value, head, value.text.lower())


def _expression(document: Document, path: Path, value: Any) -> Source:
    """Return a text with its place, or that of a number."""
    match value:
        case str():
            return _text(document, path, value)
        case Opaque():
            return _scalar(document, value, "", value.text.lower())
        case _:
            return _text(document, path, number_text(value))


def _scalar(document: Document, value: Opaque, head: str, text: str) -> Source:
    start, end = value.at
    offsets = (*[start] * len(head), *range(start, start + len(text)), end)
    return Source(head + text, document.file.name, Origin(document.file, offsets))


def _key(document: Document, path: Path) -> Source:
    """Return the name of a key with its place."""
    name = path[-1]
    start, end = document.place(path)
    written = document.file.text[start:end]
    shift = len(written) - len(name) >> 1 if written[:1] in ("'", '"') else 0
    offsets = tuple(range(start + shift, start + shift + len(name) + 1))
    if written[shift : shift + len(name)] != name:
        offsets = (start,) * (len(name) + 1)
    return Source(name, document.file.name, Origin(document.file, offsets))


def _text(document: Document, path: Path, text: str) -> Source:
    """Return a text with its place, or that of its key where the format tells no better."""
    text = str(text)
    offsets = document.offsets(path, text) or (document.place(path)[0],) * (len(text) + 1)
    return Source(text, document.file.name, Origin(document.file, offsets))


def _swallowed(written: Written) -> Diagnostics:
    """Find comments that run on over lines which the config folded into one."""
    for source in written.parts.sources:
        for match in _COMMENT.finditer(source.text) if source.origin else ():
            if match["comment"]:
                first, _ = source.position(match.start())
                last, _ = source.position(match.end() - 1)
                if first != last:
                    span = Span(source, match.start(), match.end())
                    help = "a text below `|` keeps its lines"
                    return (at("LD706", "a comment runs on over folded lines", span, help=help),)
    return ()
