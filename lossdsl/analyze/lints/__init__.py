"""What is legal and most likely wrong: a lint a file, each over a right program."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lossdsl.analyze.lints.axes import other_axis
from lossdsl.analyze.lints.by_hand import by_hand
from lossdsl.analyze.lints.factors import counted_twice, zero_factor
from lossdsl.analyze.lints.gradients import trains_nothing
from lossdsl.analyze.lints.integers import integers_wrap
from lossdsl.analyze.lints.masks import mask_stops
from lossdsl.analyze.lints.spaces import other_space
from lossdsl.analyze.lints.subject import Subject as Subject
from lossdsl.analyze.lints.unread import unread
from lossdsl.diagnostics.diagnostic import Diagnostic

LINTS: tuple[Callable[[Subject], Iterator[Diagnostic]], ...] = (
    mask_stops,
    integers_wrap,
    by_hand,
    other_space,
    other_axis,
    zero_factor,
    counted_twice,
    trains_nothing,
    unread,
)


def lints(subject: Subject) -> Iterator[Diagnostic]:
    """Yield every lint of a program."""
    for lint in LINTS:
        yield from lint(subject)
