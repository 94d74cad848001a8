"""LD410: value is on another scale than the function reads.

Logits, probabilities and logarithms of probabilities are all floats, and so are a variance, its
logarithm and a standard deviation. A loss of logits takes the softmax itself: taken twice it is
nearly flat, and the model hardly learns.

Inputs
  z: f32[B, C]
  y: int[B]

Wrong
  cross_entropy(softmax(z), y)

Right
  cross_entropy(z, y)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.readings import Reading, misread
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.pattern import Patterns
from lossdsl.diagnostics.diagnostic import Diagnostic

READINGS = (
    Reading("1 - p", "p", "probs", ("log_probs",)),
    Reading("log(p)", "p", "probs", ("log_probs", "logits")),
    Reading("log(v)", "v", "var", ("logvar",)),
    Reading("square(d)/v", "v", "var", ("logvar", "std")),
    Reading("square(d)/square(s)", "s", "std", ("logvar", "var")),
    Reading("square(d/s)", "s", "std", ("logvar", "var")),
    Reading("square(d)/exp(l)", "l", "logvar", ("var", "std")),
    Reading("square(d)*exp(-l)", "l", "logvar", ("var", "std")),
    Reading("a*square(d)/v", "v", "var", ("logvar", "std")),
    Reading("1 + l - square(m) - exp(l)", "l", "logvar", ("var", "std")),
    Reading("clip(p - q, l, h)", "p", "probs", ("log_probs",), beside="q", among=("log_probs",)),
    Reading("p/q", "p", "probs", ("log_probs",), beside="q", among=("log_probs",)),
    Reading("t*(log(t) - q)", "q", "log_probs", ("probs",)),
    Reading("t*(log(t + e) - q)", "q", "log_probs", ("probs",)),
    Reading("t*(log(maximum(t, e)) - q)", "q", "log_probs", ("probs",)),
    Reading("t*(log(clip(t, e, h)) - q)", "q", "log_probs", ("probs",)),
    Reading("t*(log_softmax(z) - q)", "q", "log_probs", ("probs",)),
    Reading("t*(q - log(t))", "q", "log_probs", ("probs",)),
    Reading("t*(q - log_softmax(z))", "q", "log_probs", ("probs",)),
    Reading("xlogy(t, t) - t*q", "q", "log_probs", ("probs",)),
    Reading("t*log(t) - t*q", "q", "log_probs", ("probs",)),
    Reading("t*q - xlogy(t, t)", "q", "log_probs", ("probs",)),
    Reading("z - p", "z", "probs", ("logits",), beside="p"),
    Reading("p - z", "z", "probs", ("logits",), beside="p"),
)
_READINGS = Patterns(READINGS, lambda reading: reading.written)


@lint(within=("LD410",))
def other_scale(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the forms by hand that take numbers of another scale than they are given."""
    yield from misread(subject, "LD410", _READINGS)
