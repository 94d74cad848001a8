"""A file becomes a spec's text and declared inputs, each with its place in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, article, at
from lossdsl.frozen import dataclass
from lossdsl.inputs.given import keys_problem
from lossdsl.limits import FILE_SIZE
from lossdsl.source import Origin, Source, Span
from lossdsl.spec.document import Document, Reading, kind, within
from lossdsl.syntax.ast import Name, walk
from lossdsl.syntax.parse import parse_program, parse_type

ENDINGS = (".loss", ".yaml", ".yml", ".json", ".toml")

Diagnostics = tuple[Diagnostic, ...]

_COMMENT = re.compile(r"""\"[^"\n]*\"|'[^'\n]*'|(?P<comment>#[^\n]*)""")


@dataclass(frozen=True)
class Written:
    """A spec as a file holds it."""

    source: Source
    inputs: Mapping[str, Source]


def read_spec(path: Any, key: Any = "loss") -> tuple[Written | None, Diagnostics]:
    """Read the spec of a `.loss` file, or the one under a dotted key of YAML, JSON or TOML."""
    if not isinstance(path, (str, PathLike)) or not isinstance(fspath(path), str):
        message = f"a path is a text or a `Path`, not {article(type(path).__name__)}"
        return None, (at("LD701", message, None, help='such as `load("conf/train.yaml")`'),)
    if not isinstance(key, str):
        message = f"a key is a text, not {article(type(key).__name__)}"
        return None, (at("LD704", message, None, help='such as `key="train.loss"`'),)
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        return None, (at("LD701", f"`{path}` is none of {', '.join(ENDINGS)}", None),)
    try:
        with path.open("rb") as stream:
            data = stream.read(FILE_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return None, (at("LD701", f"`{path}` cannot be read: {reason}", None),)
    if len(data) > FILE_SIZE:
        return None, (at("LD701", f"`{path}` is larger than {FILE_SIZE:,} bytes", None),)
    try:
        file = Source(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        return None, (at("LD701", f"`{path}` is not UTF-8: byte {error.start}", None),)
    if ending == ".loss":
        if key != "loss":
            help = "a `.loss` file is one spec; leave the key out"
            return None, (
                at("LD704", f"`{path}` has no keys, and none is `{key}`", None, help=help),
            )
        return Written(file, {}), ()
    document, diagnostics = _document(file, ending)
    return (None, diagnostics) if document is None else _written(document, tuple(key.split(".")))


def _document(file: Source, ending: str) -> Reading:
    """Parse a config; the parsers are imported only for files that need them."""
    match ending:
        case ".json":
            from lossdsl.spec.plain import read_json

            return read_json(file)
        case ".toml":
            from lossdsl.spec.plain import read_toml

            return read_toml(file)
        case _:
            from lossdsl.spec.yaml import read_yaml

            return read_yaml(file)


def _written(document: Document, path: tuple[str, ...]) -> tuple[Written | None, Diagnostics]:
    value, steps = within(document.value, path)
    name = document.file.name
    if steps < len(path):
        above = f" in `{'.'.join(path[:steps])}`" if steps else ""
        message = f"`{name}` has no key `{path[steps]}`{above}"
        return None, (at("LD704", message, None, help=_keys(value, path[steps])),)
    match value:
        case str():
            written, diagnostics = Written(_text(document, path, value), {}), ()
        case dict():
            written, diagnostics = _mapping(document, path, value)
        case _:
            message = f"`{'.'.join(path)}` in `{name}` is {kind(value)}, not a text or a mapping"
            written, diagnostics = None, (at("LD705", message, None),)
    if written is not None:
        diagnostics = diagnostics or _swallowed(written.source) or _beside(document, path, written)
    return (None if diagnostics else written), diagnostics


def _mapping(
    document: Document, path: tuple[str, ...], value: dict[Any, Any]
) -> tuple[Written | None, Diagnostics]:
    problem = shape_problem(value)
    if problem:
        predicate, help = problem
        message = f"`{'.'.join(path)}` in `{document.file.name}` {predicate}"
        return None, (at("LD705", message, None, help=help),)
    name = "text" if "text" in value else "loss"
    inputs = value.get("inputs", {})
    return Written(
        _text(document, (*path, name), value[name]),
        {key: _text(document, (*path, "inputs", key), inputs[key]) for key in inputs},
    ), ()


def shape_problem(value: Mapping[Any, Any]) -> tuple[str, str | None] | None:
    """Say what keeps a mapping from being a spec, in words that follow its name, with a help."""
    problem = keys_problem(value, kind)
    if problem is not None:
        return problem
    inputs = value.get("inputs", {})
    if not isinstance(inputs, Mapping):
        return f"has {kind(inputs)} for `inputs`, not a mapping of names to types", None
    for name, written in inputs.items():
        if not isinstance(name, str):
            return f"has {kind(name)} for the name of an input", None
        if not isinstance(written, str):
            return f"has {kind(written)} for the type of `{name}`, not a text", None
    return None


def _beside(document: Document, path: tuple[str, ...], written: Written) -> Diagnostics:
    """Find types of inputs that stand beside a spec, where nothing reads them.

    A config has keys of all sorts there. What is meant for the spec maps names to types, and some
    of its names to the names that the spec reads.
    """
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
        where = None if text.origin is None else Span(text, 0, len(text.text))
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


def _text(document: Document, path: tuple[str, ...], text: str) -> Source:
    """Return a text with its place, as far as the format tells."""
    text = str(text)
    offsets = document.offsets(path, text)
    if offsets is None:
        return Source(text, f"{document.file.name}[{'.'.join(path)}]")
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


def _keys(value: Any, missing: str) -> str | None:
    if not isinstance(value, dict):
        return f"there is {kind(value)}"
    names = sorted(name for name in value if isinstance(name, str))
    if close := get_close_matches(missing, names, n=1):
        return f"did you mean `{close[0]}`?"
    shown = ", ".join(f"`{name}`" for name in names[:8])
    return f"the keys there: {shown}{', …' if len(names) > 8 else ''}" if names else "it is empty"
