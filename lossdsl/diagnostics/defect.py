"""What is said when lossdsl itself is wrong, with the exception kept for whoever mends it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.source import Span


@contextmanager
def defects_reported() -> Generator[None]:
    """Raise any exception but `LossError` as a `LossError` of code LD999, caused by it."""
    try:
        yield
    except LossError:
        raise
    except Exception as problem:
        raise LossError([_defect(problem)]) from problem


def _defect(problem: Exception) -> Diagnostic:
    place = problem.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f", in `{place.tb_frame.f_code.co_name}`"
    notes = (str(problem),) if str(problem) else ()
    return replace(defect(f"{type(problem).__name__}{where}", None), notes=notes)


def defect(what: str, span: Span | None) -> Diagnostic:
    """Return the finding that lossdsl itself is wrong."""
    return at(
        "LD999",
        f"lossdsl has a defect, no fault of the spec: {what}",
        span,
        help="please report it with the text of the spec and the types of its inputs",
    )
