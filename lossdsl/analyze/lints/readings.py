"""What a form by hand takes a value for, by its role: of a scale (LD410) or a coding (LD412)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lossdsl.analyze.lints.subject import Subject, meeting
from lossdsl.core.graph import Apply, Const, Graph, operands
from lossdsl.core.pattern import Match, Patterns, matches
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.roles import CODINGS, SCALES, words
from lossdsl.source import Span
from lossdsl.types.types import ArrayType, UnknownType


@dataclass(frozen=True, slots=True)
class Reading:
    """What a form takes the values of a name for, and the roles that are surely none of it.

    Where another name is `beside` it, that one is `among` such roles.
    """

    written: str
    name: str
    role: str
    wrong: tuple[str, ...]
    beside: str | None = None
    among: tuple[str, ...] = ("probs", "one_hot", "labels")


def misread(subject: Subject, code: str, readings: Patterns[Reading]) -> Iterator[Diagnostic]:
    """Yield the forms by hand that are given values of a role which they do not take."""
    graph = subject.core.graph
    for node in subject.tape:
        if not isinstance(node, Apply):
            continue
        for reading, expr in readings.of(node):
            wrong = _wrong(graph, reading, matches(expr, node))
            span = None if wrong is None else meeting(graph, node, operands(node))
            if wrong is not None and span is not None:
                yield _read_as(code, reading, *wrong, span)


def _wrong(
    graph: Graph, reading: Reading, matched: Iterable[Match]
) -> tuple[str, str | None] | None:
    """Return the role that is none of a reading, and that of what is beside it."""
    for names in matched:
        role = _role(graph, names[reading.name])
        beside = None if reading.beside is None else _role(graph, names[reading.beside])
        if role in reading.wrong and beside in (None, *reading.among) and _is_above_0(names):
            return role, beside
    return None


def _is_above_0(names: Match) -> bool:
    """Say whether a lower bound, if there is one, is above 0, as that of a ratio is."""
    match names.get("h") and names.get("l"):
        case Const(int() | float() as low):
            return low > 0
        case None:
            return True
        case _:
            return False


def _read_as(code: str, reading: Reading, role: str, beside: str | None, span: Span) -> Diagnostic:
    if beside == role:
        message = f"`{reading.written}` of {words(role)} is no ratio of probabilities"
        return at(code, message, span, help="`exp` of their difference is the ratio")
    if beside is not None:
        message = f"{words(role)} are on another scale than {words(beside)}"
        return at(code, message, span, help="take their `softmax` or `sigmoid` first")
    taken = f"`{reading.name}` of `{reading.written}` is {words(reading.role)}"
    help = {**SCALES, **CODINGS}[reading.role, role].format(reading.name)
    return at(code, f"{taken}; here it is {words(role)}", span, help=help)


def _role(graph: Graph, value: object) -> str:
    type = graph.types.get(value)  # type: ignore[arg-type]
    return (type.role or "") if isinstance(type, ArrayType | UnknownType) else ""
