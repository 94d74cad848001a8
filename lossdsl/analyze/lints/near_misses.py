"""LD440: a formula of the field with one part of it exchanged."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Graph
from lossdsl.core.pattern import Match, Patterns, matches
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.types.types import ArrayType


@dataclass(frozen=True, slots=True)
class NearMiss:
    """What is written, what is meant, and what is wrong with it.

    `roles` are those that the letter `y` must have, where only these make it wrong.
    """

    written: str
    meant: str
    wrong: str
    roles: tuple[str, ...] = ()


_COUNTED = ("probs", "mask", "one_hot", "labels")
_CROSS_ENTROPY = "y*log(p) + (1 - y)*log(1 - p)"

NEAR_MISSES = (
    NearMiss("y*log(1 - p) + (1 - y)*log(p)", _CROSS_ENTROPY, "the two logarithms are exchanged"),
    NearMiss("y*log(p) + (1 - y)*log(p)", _CROSS_ENTROPY, "both parts have one logarithm"),
    NearMiss("y*log(p) + 1 - y*log(1 - p)", _CROSS_ENTROPY, "`1 - y` has no parentheses"),
    NearMiss("softplus(z) + y*z", "softplus(z) - y*z", "a sign is turned", _COUNTED),
    NearMiss("softplus(-z) + y*z", "softplus(-z) + (1 - y)*z", "`1 -` is missing", _COUNTED),
    NearMiss("maximum(q*d, (1 - q)*d)", "maximum(q*d, (q - 1)*d)", "it falls as `d` does"),
    NearMiss("maximum((1 - q)*d, q*d)", "maximum((q - 1)*d, q*d)", "it falls as `d` does"),
    NearMiss("1 - sum(x*y)/(sum(x) + sum(y))", "1 - 2*sum(x*y)/(sum(x) + sum(y))", "it has no 2"),
    NearMiss("relu(1 + y*s)", "relu(1 - y*s)", "it is small where the sign is wrong", ("signs",)),
    NearMiss("maximum(0, 1 + y*s)", "maximum(0, 1 - y*s)", "it is small where the sign is wrong",
             ("signs",)),
)  # fmt: skip
_NEAR_MISSES = Patterns(NEAR_MISSES, lambda row: row.written)


def near_miss(subject: Subject) -> Iterator[Diagnostic]:
    """Yield such formulas of the text, of which one letter stands for one value throughout."""
    graph = subject.core.graph
    for node in subject.tape:
        if not isinstance(node, Apply) or node.undecided or _adds_terms(graph, node):
            continue
        for row, expr in _NEAR_MISSES.of(node):
            if not any(_is_meant(graph, row, names) for names in matches(expr, node)):
                continue
            place = written(graph, node)
            if place is not None and not place.calls:
                message = f"`{row.written}` is `{row.meant}` but for a part: {row.wrong}"
                yield at("LD440", message, place.span, help=f"`{row.meant}`")


def _adds_terms(graph: Graph, node: Apply) -> bool:
    """Say whether a sum is one of numbers, as of terms: what rows add up are elements."""
    type = graph.types[node]
    return node.function.operator == "+" and isinstance(type, ArrayType) and type.rank == 0


def _is_meant(graph: Graph, row: NearMiss, names: Match) -> bool:
    if not row.roles:
        return True
    type = graph.types.get(names["y"])  # type: ignore[arg-type]
    return isinstance(type, ArrayType) and type.role in row.roles
