"""Where a diagnostic about core points: through the calls that led to a node."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.diagnostics.diagnostic import Diagnostic, Label
from lossdsl.library.function import is_own
from lossdsl.source import Span


def in_calls(diagnostic: Diagnostic, calls: tuple[tuple[str, Span], ...]) -> Diagnostic:
    """Return a finding in a definition with the calls that led there.

    It points to where a reader can mend it: into the definition, whether of the spec or of a
    library that was given; in a definition of lossdsl, at the last call outside of it, if any.
    """
    note = f"in the definition of {' -> '.join(f'`{name}`' for name, _ in calls)}"
    if not calls or not diagnostic.labels or note in diagnostic.notes:
        return diagnostic
    (name, span), labels = calls[0], diagnostic.labels
    if diagnostic.span is not None and is_own(diagnostic.span.source):
        name_there, there = next(
            (call for call in calls[::-1] if not is_own(call[1].source)), calls[0]
        )
        inside = tuple(replace(label, primary=False) for label in labels)
        labels = (Label(there, f"in this call of `{name_there}`", primary=True), *inside)
    if all(label.span != span for label in labels):
        labels = (*labels, Label(span, f"in this call of `{name}`"))
    return replace(diagnostic, labels=labels, notes=(*diagnostic.notes, note))
