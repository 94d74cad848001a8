"""Diagnostics for a reader, and the choice between all output formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from lossdsl.diagnostics import machine
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.diagnostics.snippet import FRAME, Line, excerpt, located, printable

_STYLES = {"error": "bold red", "warning": "bold yellow"}


def layout(diagnostic: Diagnostic, severity: str | None = None) -> list[Line]:
    """Return a diagnostic as lines of styled pieces: what is wrong, where, and the remedy."""
    severity = severity or diagnostic.severity
    style = _STYLES[severity]
    head = f"{severity}[{diagnostic.code}]"
    lines: list[Line] = [[(head, style), (f": {printable(diagnostic.message)}", "bold")]]
    if diagnostic.labels:
        lines += excerpt(diagnostic.labels, style)
    remarks = [("note", note) for note in diagnostic.notes]
    if diagnostic.help:
        remarks.append(("help", diagnostic.help))
    for kind, text in remarks:
        first, *more = text.split("\n")
        lines.append([("   = ", FRAME), (f"{kind}:", "bold"), (f" {printable(first)}", "")])
        lines += [[(" " * 11 + printable(line), "")] for line in more]
    return lines


def render(diagnostic: Diagnostic, severity: str | None = None) -> str:
    """Return a diagnostic in full, without color; a severity in place of its code's own."""
    lines = layout(diagnostic, severity)
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def concise(diagnostic: Diagnostic) -> str:
    """Return a diagnostic on one line."""
    where = ""
    if diagnostic.span is not None:
        place = located(diagnostic.span)
        line, column = place.source.position(place.start)
        where = f"{printable(place.source.name)}:{line}:{column}: "
    message = printable(diagnostic.message)
    return f"{where}{diagnostic.severity}[{diagnostic.code}]: {message}"


def _lines(convert: Callable[[Diagnostic], str], between: str = "\n") -> machine.Format:
    return lambda diagnostics: between.join(map(convert, diagnostics))


FORMATS: Mapping[str, machine.Format] = MappingProxyType(
    {
        "full": _lines(render, between="\n\n"),
        "concise": _lines(concise),
        "json": machine.as_json,
        "github": _lines(machine.as_github),
        "sarif": machine.as_sarif,
    }
)


def render_all(diagnostics: Iterable[Diagnostic], format: str = "full") -> str:
    """Return all diagnostics in one of `FORMATS`."""
    return FORMATS[format](tuple(diagnostics))


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Count errors and warnings in words.

    >>> summary([])
    'no errors'
    """
    counts = {
        kind: sum(diagnostic.severity == kind for diagnostic in diagnostics) for kind in _STYLES
    }
    words = [f"{n} {kind}{'s' * (n > 1)}" for kind, n in counts.items() if n]
    return ", ".join(words) or "no errors"
