"""What is legal and most likely wrong: a lint a file, named for its code and headed by its page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from importlib import import_module
from os import listdir, path

from lossdsl.analyze.lints.lint import Lint
from lossdsl.analyze.lints.subject import Subject as Subject
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.source import Span


def _lints() -> Iterator[Lint]:
    """Yield the lints of this folder, each after those that may tell of its mistake."""
    by_code: dict[str, list[Lint]] = {}
    for name in sorted(listdir(path.dirname(__file__))):
        if name.startswith("ld") and name.endswith(".py"):
            module = import_module(f"{__name__}.{path.splitext(name)[0]}")
            own = [value for value in vars(module).values() if isinstance(value, Lint)]
            by_code[name[:5].upper()] = own
    before = {
        code: [other for lint in own for other in (*lint.around, *lint.within) if other != code]
        for code, own in by_code.items()
    }
    for code in TopologicalSorter(before).static_order():
        yield from by_code.get(code, ())


LINTS = tuple(_lints())


def lints(subject: Subject, known: Sequence[Diagnostic] = ()) -> Iterator[Diagnostic]:
    """Yield every lint of a program, one for each mistake, of which some may be known already."""
    told = list(known)
    for lint in LINTS:
        for diagnostic in lint.check(subject):
            if not any(_tells(before, lint, diagnostic) for before in told):
                told.append(diagnostic)
                yield diagnostic


def _tells(before: Diagnostic, lint: Lint, diagnostic: Diagnostic) -> bool:
    """Say whether what is told already tells of the mistake that a lint has found."""
    if before.code in lint.within:
        return _holds(_place(diagnostic), _place(before))
    return before.code in lint.around and _holds(_place(before), _place(diagnostic))


def _place(diagnostic: Diagnostic) -> Span:
    return next(label.span for label in diagnostic.labels if label.primary)


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
