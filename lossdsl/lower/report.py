"""What an observation of a debug build says: problems with their places, and what masks keep."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from lossdsl.core.graph import Input
from lossdsl.core.places import in_calls
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.diagnostics.warn import Warner
from lossdsl.elaborate.watch import Wrong
from lossdsl.lower.debug import Observation, Step
from lossdsl.source import Span

# How many times larger a term may be than another of the same loss.
APART = 1e4


@dataclass(frozen=True, slots=True)
class MaskUse:
    """How many elements of how many a mask keeps, and between which values they lie."""

    text: str
    line: int
    kept: int
    size: int
    low: float
    high: float

    def __str__(self) -> str:
        share = f"{self.kept / self.size:.1%}" if self.size else "nothing to keep"
        values = "" if np.isnan(self.low) or not self.kept else f", {self.low:g} to {self.high:g}"
        return f"line {self.line}: `{self.text}` keeps {self.kept} of {self.size} ({share}){values}"


@dataclass(frozen=True, slots=True)
class Report:
    """What one evaluation showed: what is wrong with the numbers, and what each mask keeps."""

    problems: tuple[Diagnostic, ...]
    masks: tuple[MaskUse, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.problems, *self.masks))) or "nothing to report"


def _is_traced(seen: Observation) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(seen))


def report(seen: Observation) -> Report:
    """Return what an observation says; raise `LossError` while there are no numbers."""
    if _is_traced(seen):
        message = "a report reads numbers; inside of `jit` or `vmap` there are none yet"
        help = (
            "call `report` outside of the transformation, or the loss compiled with `debug=True` "
            "inside of it"
        )
        raise LossError([at("LD506", message, None, help=help)])
    uses: list[MaskUse] = []
    for (place, size), (count, low, high) in zip(seen.plan.masks, seen.masks, strict=True):
        text = " ".join(place.span.text.split())
        line = place.span.source.position(place.span.start)[0]
        uses.append(MaskUse(text, line, int(count), size, float(low), float(high)))
    return Report((*problems(seen), *unbalanced(seen)), tuple(uses))


def problems(seen: Observation) -> tuple[Diagnostic, ...]:
    """Return arguments that are not what they must be; if all are, what is not finite."""
    diagnostics: list[Diagnostic] = []
    for look, (count, first, value) in zip(seen.plan.looks, seen.looks, strict=True):
        if int(count):
            index = tuple(map(int, np.unravel_index(int(first), look.shape)))
            say = look.watched.unequal if look.sums else look.watched.outside
            diagnostic = say(Wrong(float(value), index, int(count), int(np.prod(look.shape))))
            diagnostics += [diagnostic] if diagnostic not in diagnostics else []
    return tuple(diagnostics or _unfinite(seen))


def _unfinite(seen: Observation) -> list[Diagnostic]:
    """Return, for each term that is not finite, the step that first was not."""
    diagnostics: list[Diagnostic] = []
    origins: set[int] = set()
    for name, step in seen.plan.terms.items():
        if not int(seen.steps[step][0]):
            continue
        origin = _origin(seen, step)
        if origin not in origins:
            origins.add(origin)
            diagnostics.append(_not_finite(seen, name, step, origin))
    return diagnostics


def _origin(seen: Observation, step: int) -> int:
    """Return the step below that is not finite, though all that it reads is."""
    while True:
        bad = [read for read in seen.plan.steps[step].reads if int(seen.steps[read][0])]
        if not bad:
            return step
        step = bad[0]


def _not_finite(seen: Observation, name: str, term: int, origin: int) -> Diagnostic:
    step, (count, first, value) = seen.plan.steps[origin], seen.steps[origin]
    index = list(map(int, np.unravel_index(int(first), step.shape)))
    place = f" at {index}" if index else ""
    message = f"`{name}` is {float(seen.steps[term][2]):g}"
    if isinstance(step.node, Input):
        help = "the input itself is not finite; `where=isfinite(…)` leaves such elements out"
        label = f"{float(value):g}{place}, as it was passed"
    else:
        help, label = None, f"the first {float(value):g} is made here{place}"
    size = int(np.prod(step.shape))
    notes = (f"not finite in {int(count)} of {size} elements",) if size > 1 else ()
    diagnostic = replace(at("LD504", message, _span(step), label, help=help), notes=notes)
    return in_calls(diagnostic, step.place.calls if step.place else ())


def _span(step: Step) -> Span | None:
    return None if step.place is None else step.place.span


def unbalanced(seen: Observation) -> list[Diagnostic]:
    """Return the smallest and the largest term of a result that are too far apart to meet."""
    diagnostics: list[Diagnostic] = []
    for names in seen.plan.results:
        sizes = {name: abs(float(seen.steps[seen.plan.terms[name]][2])) for name in names}
        sizes = {name: size for name, size in sizes.items() if 0 < size < math.inf}
        if not sizes:
            continue
        low, high = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
        if sizes[high] > APART * sizes[low]:
            message = f"`{high}` is {sizes[high]:.3g} and `{low}` is {sizes[low]:.3g}"
            span = _span(seen.plan.steps[seen.plan.terms[low]])
            label = f"{sizes[high] / sizes[low]:.0e} times smaller"
            help = "it hardly counts; if it should, its weight is too small"
            diagnostics.append(at("LD507", message, span, label, help=help))
    return diagnostics


class Watcher:
    """What the evaluations of one debug build say, each place once."""

    def __init__(self) -> None:
        self._warner = Warner()
        self._begun = False

    def called(self, seen: Observation) -> None:
        """Raise for what is wrong with the numbers of a call."""
        diagnostics = problems(seen)
        if diagnostics:
            raise LossError(diagnostics)
        self._begin(seen)

    def run(self, seen: Observation) -> None:
        """Warn of it, in a program that already runs."""
        self._warner(problems(seen))
        self._begin(seen)

    def _begin(self, seen: Observation) -> None:
        # Terms that training has brought far apart are no mistake of the spec.
        if not self._begun:
            self._begun = True
            self._warner(unbalanced(seen))


def settled(run: Callable[..., tuple[Any, Observation]], watcher: Watcher) -> Callable[..., Any]:
    """Return a function without its observation, of which a call raises what is wrong.

    Inside a transformation of the caller's there are no numbers yet, and nothing can be raised
    later: the program warns when it runs.
    """

    def call(*arguments: Any) -> Any:
        value, seen = run(*arguments)
        if _is_traced(seen):
            jax.debug.callback(watcher.run, seen)
        else:
            watcher.called(seen)
        return value

    return call
