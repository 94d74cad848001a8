"""LD412: classes counted from 0 where signs are wanted, or the other way.

A hinge reads -1 and 1. For a label of 0 its margin is constant, so half of the examples train
nothing.

Inputs
  out: f32[B]
  y: labels int[B]

Wrong
  hinge(out, y)

Right
  hinge(out, 2*y - 1)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.readings import Reading, misread
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.pattern import Patterns
from lossdsl.diagnostics.diagnostic import Diagnostic

_TWO_CLASSES = ("labels", "one_hot", "mask", "spikes", "probs")

READINGS = (
    Reading("relu(1 - y*s)", "y", "signs", _TWO_CLASSES),
    Reading("maximum(0, 1 - y*s)", "y", "signs", _TWO_CLASSES),
    Reading("maximum(1 - y*s, 0)", "y", "signs", _TWO_CLASSES),
)
_READINGS = Patterns(READINGS, lambda reading: reading.written)


@lint(within=("LD412",))
def other_coding(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the hinges by hand that are given classes counted from 0."""
    yield from misread(subject, "LD412", _READINGS)
