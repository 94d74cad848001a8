"""LD419: a distribution is made along one axis and summed along another."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, tape
from lossdsl.core.pattern import match, pattern
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.types.types import ArrayType

CONTRACTIONS = (
    "sum(t*log_softmax(z, axis=N), axis=A)",
    "sum(t*log(softmax(z, axis=N)), axis=A)",
)


def other_axis(subject: Subject) -> Iterator[Diagnostic]:
    """Yield sums of a target times a distribution along another axis than it is one.

    A matrix of one dim twice, as of all pairs of examples, is a distribution both ways.
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
            target = graph.types.get(names["t"])  # type: ignore[arg-type]
            if not isinstance(target, ArrayType) or target.role not in ("one_hot", "probs"):
                continue
            dims, made, summed = target.dims or (), names["N"], names["A"]
            if not isinstance(made, tuple) or not isinstance(summed, tuple) or made == summed:
                continue
            if len(set(map(str, dims))) < len(dims) or any(axis >= len(dims) for axis in made):
                continue
            over = ", ".join(str(dims[axis]) for axis in made)
            classes = ", ".join(str(dims[axis]) for axis in summed)
            message = f"the softmax runs along `{over}`, and its sum along `{classes}`"
            yield at("LD419", message, place.span, help=f"`axis={classes}` in both")
