"""LD410, LD412: a form by hand takes numbers of another scale or coding than it is given."""

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


_TWO_CLASSES = ("labels", "one_hot", "mask", "spikes", "probs")

READINGS = (
    Reading("1 - p", "p", "probs", ("log_probs",)),
    Reading("log(p)", "p", "probs", ("log_probs", "logits")),
    Reading("relu(1 - y*s)", "y", "signs", _TWO_CLASSES),
    Reading("maximum(0, 1 - y*s)", "y", "signs", _TWO_CLASSES),
    Reading("maximum(1 - y*s, 0)", "y", "signs", _TWO_CLASSES),
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


def other_space(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the forms by hand that are given values of a role which they do not take."""
    graph = subject.core.graph
    for node in subject.tape:
        if not isinstance(node, Apply):
            continue
        for reading, expr in _READINGS.of(node):
            wrong = _wrong(graph, reading, matches(expr, node))
            span = None if wrong is None else meeting(graph, node, operands(node))
            if wrong is not None and span is not None:
                yield _read_as(reading, *wrong, span)


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


def _read_as(reading: Reading, role: str, beside: str | None, span: Span) -> Diagnostic:
    if beside == role:
        message = f"`{reading.written}` of {words(role)} is no ratio of probabilities"
        return at("LD410", message, span, help="`exp` of their difference is the ratio")
    if beside is not None:
        message = f"{words(role)} are on another scale than {words(beside)}"
        return at("LD410", message, span, help="take their `softmax` or `sigmoid` first")
    code = "LD410" if (reading.role, role) in SCALES else "LD412"
    taken = f"`{reading.name}` of `{reading.written}` is {words(reading.role)}"
    help = {**SCALES, **CODINGS}[reading.role, role].format(reading.name)
    return at(code, f"{taken}; here it is {words(role)}", span, help=help)


def _role(graph: Graph, value: object) -> str:
    type = graph.types.get(value)  # type: ignore[arg-type]
    return (type.role or "") if isinstance(type, ArrayType | UnknownType) else ""
