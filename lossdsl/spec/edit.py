"""A part of a spec replaced in the file that holds it, with all else of the file as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lossdsl.frozen import dataclass
from lossdsl.source import Source, Span
from lossdsl.spec.read import Specs, read_specs

BOM = "\ufeff"


@dataclass(frozen=True)
class Held:
    """A file's text, and the keys under which its specs are read."""

    text: str
    name: str
    keys: Sequence[str]

    @property
    def specs(self) -> Specs:
        """The specs that the file holds."""
        return read_specs(self.text.encode("utf-8", "surrogateescape"), self.name, self.keys)

    def sources(self) -> list[Source]:
        """Return the texts of all specs, each with those of its types."""
        return [source for written in self.specs.written for source in written.parts.sources]


def replaced(file: Held, span: Span, text: str) -> Held | None:
    """Return a file with a part of one of its specs replaced.

    How a text is written depends on where it stands: below `|`, in quotes of one sort or another.
    The file is read anew, and what does not give exactly the new text is no replacement: None.
    """
    before = file.sources()
    at = next((at for at, source in enumerate(before) if source == span.source), None)
    if at is None:
        return None
    source = before[at]
    if not _is_written(source, span):
        return None
    expected = source.text[: span.start] + text + source.text[span.end :]
    for candidate in _candidates(file, Span(source, span.start, span.end), text):
        after = candidate.sources()
        if len(after) != len(before) or after[at].text != expected:
            continue
        pairs = zip(before, after, strict=True)
        if all(_is_same(old, source) or old.text == new.text for old, new in pairs):
            return candidate
    return None


def _is_written(source: Source, span: Span) -> bool:
    """Say whether a part is written in the file, and is not what an interpolation stands for."""
    if source.origin is None:
        return True
    offsets = source.origin.offsets[span.start : span.end + 1]
    written = source.origin.file.text[offsets[0] : offsets[-1]]
    return len(set(offsets)) == len(offsets) and "${" not in written


def _is_same(one: Source, other: Source) -> bool:
    """Say whether two texts stand in one place, as an anchor and its aliases do."""
    return one is other or (one.origin is not None and one.origin == other.origin)


def _candidates(file: Held, span: Span, text: str) -> Iterator[Held]:
    origin = span.source.origin
    bom = len(BOM) if file.text.startswith(BOM) else 0
    if origin is None:
        written = [text]
        start, end = span.start, span.end
    else:
        start, end = origin.offsets[span.start], origin.offsets[span.end]
        line = origin.file.text[:start].rpartition("\n")[2]
        written = [
            _indented(text, line if line.isspace() else ""),
            json.dumps(text, ensure_ascii=False)[1:-1],
            text.replace("'", "''"),
        ]
    start, end = start + bom, end + bom
    newline = "\r\n" if "\r\n" in file.text else "\n"
    for each in dict.fromkeys(written):
        shown = each.replace("\n", newline)
        yield replace(file, text=file.text[:start] + shown + file.text[end:])


def _indented(text: str, indent: str) -> str:
    first, *lines = text.split("\n")
    return "\n".join([first, *(f"{indent}{line}" if line else line for line in lines)])
