"""LD419: a distribution is made along one axis and summed along another."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Graph, Input, Leaves, tape
from lossdsl.core.pattern import match, pattern
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.roles import SUMMING
from lossdsl.types.types import ArrayType

CONTRACTIONS = (
    "sum(t*log_softmax(z, axis=N), axis=A)",
    "sum(t*log(softmax(z, axis=N)), axis=A)",
)


def other_axis(subject: Subject) -> Iterator[Diagnostic]:
    """Yield sums of a target times a distribution along another axis than it is one.

    The two have the same dims. A matrix of all pairs, of one dim twice, is right both ways.
    """
    graph = subject.core.graph
    for node in tape(subject.roots):
        place = (
            written(graph, node) if isinstance(node, Apply) and node.function.reduction else None
        )
        if place is None:
            continue
        for text in CONTRACTIONS:
            names = match(pattern(text), node)
            if names is None:
                continue
            target, scores = _type(graph, names["t"]), _type(graph, names["z"])
            made, summed = names["N"], names["A"]
            if target is None or scores is None or target.role not in SUMMING:
                continue
            dims = target.dims or ()
            # One of size 1 along the softmax picks one of several distributions.
            if dims != scores.dims or len(set(map(str, dims))) < len(dims):
                continue
            if not isinstance(made, tuple) or not isinstance(summed, tuple) or made == summed:
                continue
            over = ", ".join(str(dims[axis]) for axis in made)
            classes = ", ".join(str(dims[axis]) for axis in summed)
            message = f"the softmax runs along `{over}`, and its sum along `{classes}`"
            yield at("LD419", message, place.span, help=f"`axis={classes}` in both")


def _type(graph: Graph, value: object) -> ArrayType | None:
    type = graph.types[value] if isinstance(value, Apply | Input | Leaves) else None
    return type if isinstance(type, ArrayType) else None
