"""`lossdsl diff`: two specs side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lossdsl.checking import check, read_program
from lossdsl.cli.difference import changes
from lossdsl.cli.files import read_file
from lossdsl.cli.output import CLEAN, ERRORS, LIMIT, USAGE, DiffFormat, exit_code, say, show
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.inputs.composed import stands_for
from lossdsl.inputs.given import spec_parts
from lossdsl.inputs.mapping_form import Parts
from lossdsl.library.declare import Library
from lossdsl.limits import DEFAULT_LIMITS
from lossdsl.source import Source, Span
from lossdsl.spec.written import Written

_STYLES = {"added": "green", "removed": "red", "unchanged": ""}


@dataclass(frozen=True)
class Side:
    """One of two specs: a text, or a file with the key under which it stands there."""

    name: str
    key: str | None = None
    text: str | None = None


def compare(
    sides: Sequence[Side],
    inputs: Mapping[str, str | Source],
    library: Library,
    stdin: str,
    format: DiffFormat,
) -> int:
    """Print what differs; return 0 for equal specs, 1 for different ones, 2 for wrong ones."""
    results = []
    for side in sides:
        written, found = _read(side, stdin)
        if written is not None:
            result = check(_text_of(written, inputs, library), inputs, library)
            found = tuple(each for each in result.diagnostics if each.severity == "error")
            results.append(result)
        if found:
            show(found, error=True)
            return LIMIT if exit_code(found) == LIMIT else USAGE
    listed = changes(*results)
    equal = all(change.same for change in listed)
    if format is DiffFormat.json:
        objects = [change.as_object() for change in listed if not change.same]
        say([(json.dumps({"equal": equal, "changes": objects}, indent=2, ensure_ascii=False), "")])
    else:
        shown = [change for change in listed if change.part == "term" or not change.same]
        lines = [str(change) for change in shown]
        say(*([(line, _style(line))] for line in lines))
        say([("no difference" if equal else "the specs differ", "bold")], error=True)
    return CLEAN if equal else ERRORS


def _text_of(written: Written, inputs: Mapping[str, str | Source], library: Library) -> Written:
    """Return a spec with terms as the text that it stands for, in which they have their weights."""
    parts = written.parts
    if not (parts.terms or parts.weights):
        return written
    program, _, _ = read_program(spec_parts(written, inputs), library, DEFAULT_LIMITS)
    if program is None:
        return written
    text = Source(stands_for(parts, program), parts.source.name)
    return replace(written, parts=Parts(text, parts.inputs))


def _style(line: str) -> str:
    return next((style for word, style in _STYLES.items() if f" {word}" in line), "yellow")


def _read(side: Side, stdin: str) -> tuple[Written | None, tuple[Diagnostic, ...]]:
    """Return the one spec of a side."""
    if side.text is not None:
        return Written(Parts(Source(side.text, "<expression>"))), ()
    specs = read_file(side.name, (side.key or "loss",), stdin)
    found = (*specs.diagnostics, *specs.absent.values())
    if found or len(specs.written) == 1:
        return (None if found else specs.written[0]), found
    second = specs.written[1].source
    message = f"`{side.key}` leads to {len(specs.written)} specs in `{side.name}`"
    help = "specs are compared two by two: give the key of one"
    return None, (at("LD704", message, Span(second, 0, len(second.text)), help=help),)
