"""Diagnostics for programs: JSON, GitHub's annotations, SARIF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lossdsl.diagnostics.codes import CODES
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.diagnostics.snippet import located
from lossdsl.source import Span

Format = Callable[[Sequence[Diagnostic]], str]


def place(span: Span | None) -> dict[str, Any]:
    """Return file, line and column of a span's start and end, 1-based, the end exclusive."""
    if span is None:
        return {"file": None, "line": None, "column": None, "end_line": None, "end_column": None}
    here = located(span)
    line, column = here.source.position(here.start)
    end_line, end_column = here.source.position(here.end)
    return {
        "file": here.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def as_object(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as what JSON can hold."""
    fix = diagnostic.fix and {**place(diagnostic.fix.span), "text": diagnostic.fix.text}
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **place(diagnostic.span),
        "help": diagnostic.help,
        "fix": fix,
        "notes": list(diagnostic.notes),
        "labels": [
            {**place(label.span), "text": label.text, "primary": label.primary}
            for label in diagnostic.labels
        ],
    }


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Return a JSON list with one object a diagnostic."""
    import json

    return json.dumps([as_object(diagnostic) for diagnostic in diagnostics], indent=2)


def as_github(diagnostic: Diagnostic) -> str:
    """Return a workflow command that GitHub shows beside the line."""
    at = place(diagnostic.span)
    fields = {
        "file": at["file"],
        "line": at["line"],
        "endLine": at["end_line"],
        "col": at["column"],
        "endColumn": at["end_column"],
        "title": diagnostic.code,
    }
    properties = ",".join(
        f"{name}={_escaped(str(value), ':,')}"
        for name, value in fields.items()
        if value is not None
    )
    text = diagnostic.message + (f"\nhelp: {diagnostic.help}" if diagnostic.help else "")
    return f"::{diagnostic.severity} {properties}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """Return a SARIF 2.1.0 log."""
    import json

    from lossdsl import __version__

    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    rules = [
        {
            "id": code,
            "shortDescription": {"text": CODES[code].title},
            "fullDescription": {"text": CODES[code].why},
        }
        for code in codes
    ]
    driver = {"name": "lossdsl", "version": __version__, "rules": rules}
    results = [_result(diagnostic) for diagnostic in diagnostics]
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=2)


def _result(diagnostic: Diagnostic) -> dict[str, Any]:
    text = diagnostic.message + (f"\nhelp: {diagnostic.help}" if diagnostic.help else "")
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity,
        "message": {"text": text},
    }
    at = place(diagnostic.span)
    if at["file"] is not None:
        region = {
            "startLine": at["line"],
            "startColumn": at["column"],
            "endLine": at["end_line"],
            "endColumn": at["end_column"],
        }
        from urllib.parse import quote

        file = {"uri": quote(at["file"].replace("\\", "/"))}
        result["locations"] = [{"physicalLocation": {"artifactLocation": file, "region": region}}]
    return result
