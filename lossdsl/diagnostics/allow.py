"""Warnings that a text allows by `# lossdsl: allow LD410`.

The comment ends their line, or is all that the line before holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.source import Source

_COMMENT = re.compile(r"#\s*lossdsl:\s*allow\s+(LD\d{3}(?:[\s,]+LD\d{3})*)")


def not_allowed(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics without the warnings that comments in their texts allow.

    Errors stay whatever a comment says.

    >>> from lossdsl.checking import check
    >>> check("cross_entropy(softmax(z), y)  # lossdsl: allow LD410").diagnostics
    ()
    """
    return [
        diagnostic
        for diagnostic in diagnostics
        if diagnostic.severity == "error" or not _is_allowed(diagnostic)
    ]


def _is_allowed(diagnostic: Diagnostic) -> bool:
    span = diagnostic.span
    if span is None:
        return False
    first, last = span.source.line_of(span.start), span.source.line_of(span.end)
    allowed = [code for line in range(first, last + 1) for code in _codes(span.source, line)]
    if first > 0 and span.source.line_text(first - 1).lstrip().startswith("#"):
        allowed += _codes(span.source, first - 1)
    return diagnostic.code in allowed


def _codes(source: Source, line: int) -> list[str]:
    """Return the codes that a line allows."""
    match = _COMMENT.search(source.line_text(line))
    return [] if match is None else re.findall(r"LD\d{3}", match[1])
