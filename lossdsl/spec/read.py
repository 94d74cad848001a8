"""Files become the texts of specs and their declared inputs, each with its place in the file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, article, at
from lossdsl.frozen import dataclass
from lossdsl.inputs.mapping_form import Parts, is_spec
from lossdsl.limits import FILE_SIZE
from lossdsl.source import Source, Span
from lossdsl.spec import keys
from lossdsl.spec.document import Document, Reading
from lossdsl.spec.written import Written, written_at

ENDINGS = (".loss", ".yaml", ".yml", ".json", ".toml")

Diagnostics = tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Specs:
    """The specs of a file, what is wrong with it, and the findings of keys that it has not."""

    written: tuple[Written, ...] = ()
    diagnostics: Diagnostics = ()
    absent: Mapping[str, Diagnostic] = field(default_factory=dict[str, Diagnostic])


def read_spec(path: Any, key: Any = keys.DEFAULT) -> tuple[Written | None, Diagnostics]:
    """Read the spec of a `.loss` file, or the one under a dotted key of YAML, JSON or TOML."""
    if not isinstance(path, (str, PathLike)) or not isinstance(fspath(path), str):
        message = f"a path is a text or a `Path`, not {article(type(path).__name__)}"
        return None, (at("LD701", message, None, help='such as `load("conf/train.yaml")`'),)
    if not isinstance(key, str):
        message = f"a key is a text, not {article(type(key).__name__)}"
        return None, (at("LD704", message, None, help='such as `key="train.loss"`'),)
    data, diagnostics = read_bytes(str(Path(path)))
    if data is None:
        return None, diagnostics
    specs = read_specs(data, str(Path(path)), (key,))
    diagnostics = (*specs.diagnostics, *specs.absent.values())
    if not diagnostics and len(specs.written) > 1:
        second = specs.written[1].source
        message = f"`{key}` leads to {len(specs.written)} specs in `{path}`"
        help = "a spec is loaded by a key that leads to it alone"
        diagnostics = (at("LD704", message, Span(second, 0, len(second.text)), help=help),)
    return (None if diagnostics else next(iter(specs.written), None)), diagnostics


def read_bytes(name: str) -> tuple[bytes | None, Diagnostics]:
    """Return what a file holds that may be a spec or a config, or why it cannot be read."""
    if not name.lower().endswith(ENDINGS) and os.path.lexists(name):
        return None, (unread(name, f"`{name}` is none of {', '.join(ENDINGS)}"),)
    try:
        with open(name, "rb") as stream:
            data = stream.read(FILE_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return None, (unread(name, f"`{name}` cannot be read: {reason}"),)
    if len(data) > FILE_SIZE:
        return None, (unread(name, f"`{name}` is larger than {FILE_SIZE:,} bytes"),)
    return data, ()


def unread(name: str, message: str, help: str | None = None) -> Diagnostic:
    """Return a diagnostic of a file that has no text to show."""
    return at("LD701", message, Span(Source("", name), 0, 0), help=help)


def read_specs(data: bytes, name: str, wanted: Sequence[str]) -> Specs:
    """Read the specs of what a file holds: each of the keys, in all documents that have it."""
    try:
        file = Source(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        return Specs(diagnostics=(unread(name, f"`{name}` is not UTF-8: byte {error.start}"),))
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS[1:]:
        return _text_file(file, wanted)
    documents, diagnostics = _documents(file, ending)
    if diagnostics:
        return Specs(diagnostics=diagnostics)
    places = {
        (at, path): None
        for key in wanted
        for at, document in enumerate(documents)
        for path in keys.matches(document.value, keys.path_of(key))
    }
    absent: dict[str, Diagnostic] = {}
    for key in wanted:
        path = keys.path_of(key)
        if any(keys.is_there(document.value, path) for document in documents):
            continue
        whole = [
            (at, ())
            for at, each in enumerate(documents)
            if key == keys.DEFAULT and is_spec(each.value)
        ]
        places |= dict.fromkeys(whole)
        if not whole:
            first = documents[0] if documents else Document(file, None, lambda path, text: None)
            absent[key] = keys.absent(first, path)
    read = [written_at(documents[at], path) for at, path in sorted(places, key=lambda p: p[0])]
    return Specs(
        tuple(written for written, _ in read if written is not None),
        tuple(found for _, diagnostics in read for found in diagnostics),
        absent,
    )


def _text_file(file: Source, wanted: Sequence[str]) -> Specs:
    foreign = [key for key in wanted if key != keys.DEFAULT]
    message = f"`{file.name}` has no keys, and none is "
    help = "a `.loss` file is one spec; leave the key out"
    start = Span(file, 0, 0)
    absent = {key: at("LD704", f"{message}`{key}`", start, help=help) for key in foreign}
    return Specs((Written(Parts(file)),), absent=absent)


def _documents(file: Source, ending: str) -> Reading:
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
