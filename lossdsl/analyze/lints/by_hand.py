"""LD401: a function of the library written by hand, in a form that loses numbers it keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, operands, tape
from lossdsl.core.pattern import Match, head, head_of, match, pattern
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.syntax.options import AXIS


@dataclass(frozen=True, slots=True)
class Idiom:
    """What is written, what to write, and what is lost; `{x}` is the text that `x` stands for.

    The limits are those of f32.
    """

    written: str
    better: str
    loses: str
    # The name of what `exp` is taken of, which may be shifted by its maximum.
    exponent: str | None = None


_EMPTY = "is NaN where `{m}` keeps nothing"
_OVERFLOWS = "overflows where `{}` is above 88"

IDIOMS = (
    Idiom("log(softmax(x))", "log_softmax({x})", "is -inf where a probability rounds to 0"),
    Idiom("log(sigmoid(x))", "log_sigmoid({x})", "is -inf where `{x}` is below -87"),
    Idiom("log(1 - sigmoid(x))", "log_sigmoid(-({x}))", "is -inf where `{x}` is above 16"),
    Idiom("log(1 + exp(x))", "softplus({x})", _OVERFLOWS.format("{x}")),
    Idiom("log(sum(exp(x), axis=A))", "logsumexp({x})", _OVERFLOWS.format("{x}"), "x"),
    Idiom("log(mean(exp(x), axis=A))", "logmeanexp({x})", _OVERFLOWS.format("{x}"), "x"),
    Idiom(
        "exp(x)/sum(exp(x), axis=A, keepdims=true)",
        "softmax({x})",
        "overflows where `{x}` is above 88, and is NaN where all of it is below -87",
        "x",
    ),
    Idiom("x/norm(x, axis=A, keepdims=true)", "normalize({x})", "is NaN where `{x}` is all 0"),
    Idiom("p*log(p/q)", "kl({p}, {q})", "is NaN where `{p}` is 0"),
    Idiom("p*log(p)", "-entr({p})", "is NaN where `{p}` is 0"),
    Idiom("sum(where(m, x, 0))/sum(m)", "mean({x}, where={m})", "is NaN where `{m}` keeps nothing"),
    Idiom(
        "sum(where(m, x, 0))/count(m)", "mean({x}, where={m})", "is NaN where `{m}` keeps nothing"
    ),
    Idiom(
        "mean(square(x), axis=A) - square(mean(x, axis=A))",
        "var({x})",
        "cancels: with a mean of 1000 nothing is left of a variance of 0.01",
    ),
)


def by_hand(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what the text writes by hand; the bodies of lossdsl's own definitions are not its."""
    graph = subject.core.graph
    for node in tape(subject.roots):
        if not isinstance(node, Apply) or head_of(node) not in _by_head():
            continue
        place = written(graph, node)
        if place is None or place.calls:
            continue
        for idiom in _by_head().get(head_of(node), ()):
            names = match(pattern(idiom.written), node)
            if names is not None and not _is_shifted(idiom, names):
                texts = {
                    name: text_of(graph, value, place.span.text) for name, value in names.items()
                }
                message = f"`{_shown(idiom.written)}` {idiom.loses.format(**texts)}"
                help = f"`{_with_axis(idiom.better.format(**texts), place.span.text)}`"
                yield at("LD401", message, place.span, help=help)
                break


@cache
def _by_head() -> Mapping[str, Sequence[Idiom]]:
    """Return the idioms by the function or operator that stands outside."""
    table: dict[str, list[Idiom]] = {}
    for idiom in IDIOMS:
        table.setdefault(head(pattern(idiom.written)), []).append(idiom)
    return table


def _shown(text: str) -> str:
    """Return a pattern without the options that it compares."""
    return re.sub(r", (axis=A|keepdims=true)", "", text)


def text_of(graph: Graph, value: object, within: str) -> str:
    """Return what stands in the text for a name of a pattern."""
    if not isinstance(value, Apply | Const | Input | Leaves):
        return ""
    places = graph.places.get(value, ())
    texts = [place.span.text for place in places if place.span.text in within]
    return min(texts, key=len, default=getattr(value, "name", "…"))


def _with_axis(call: str, text: str) -> str:
    """Add the axis that the text gives to the call that is to be written."""
    axis = re.search(r"axis=(\([^()]*\)|-?\w+)", text)
    return call if axis is None else f"{call[:-1]}, {axis[0]})"


def _is_shifted(idiom: Idiom, names: Match) -> bool:
    """Say whether the largest exponent is taken away first, along the axes that are summed."""
    exponent = names.get(idiom.exponent or "")
    match exponent:
        case Apply(Builtin(operator="-"), (_, largest)) if largest is not None:
            return any(
                isinstance(below, Apply)
                and "convex" in below.function.laws
                and below.function.reduction
                and below.option(AXIS) == names.get("A")
                for below in (largest, *operands(largest))
            )
        case _:
            return False
