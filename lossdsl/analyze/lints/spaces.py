"""LD410, LD412: a form by hand takes numbers of another scale or coding than it is given."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Graph
from lossdsl.core.pattern import head, head_of, matches, pattern
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.roles import CODINGS, SCALES, words
from lossdsl.types.types import ArrayType, UnknownType


@dataclass(frozen=True, slots=True)
class Reading:
    """What a form takes the values of a name for, and the roles that are surely none of it."""

    written: str
    name: str
    role: str
    wrong: tuple[str, ...]


_TWO_CLASSES = ("labels", "one_hot", "mask", "spikes", "probs")

READINGS = (
    Reading("1 - p", "p", "probs", ("log_probs",)),
    Reading("log(p)", "p", "probs", ("log_probs", "logits")),
    Reading("relu(1 - y*s)", "y", "signs", _TWO_CLASSES),
    Reading("maximum(0, 1 - y*s)", "y", "signs", _TWO_CLASSES),
    Reading("maximum(1 - y*s, 0)", "y", "signs", _TWO_CLASSES),
)


def other_space(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the forms by hand that are given values of a role which they do not take."""
    graph = subject.core.graph
    for node in subject.tape:
        place = written(graph, node) if isinstance(node, Apply) else None
        if not isinstance(node, Apply) or place is None or place.calls:
            continue
        for reading in READINGS:
            expr = pattern(reading.written)
            if head(expr) != head_of(node):
                continue
            for names in matches(expr, node):
                value = names[reading.name]
                role = _role(graph, value)
                if role in reading.wrong:
                    code = "LD410" if (reading.role, role) in SCALES else "LD412"
                    taken = f"`{reading.name}` of `{reading.written}` is {words(reading.role)}"
                    help = {**SCALES, **CODINGS}[reading.role, role].format(reading.name)
                    yield at(code, f"{taken}; here it is {words(role)}", place.span, help=help)
                    break


def _role(graph: Graph, value: object) -> str:
    type = graph.types.get(value)  # type: ignore[arg-type]
    return (type.role or "") if isinstance(type, ArrayType | UnknownType) else ""
