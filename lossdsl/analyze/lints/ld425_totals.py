"""LD425: mean of a total.

A sum without an axis adds up all examples too, and the mean of one number is that number: the loss
grows with the batch.

Inputs
  out: f32[B, D]
  tgt: f32[B, D]

Wrong
  mean(sum(square(out - tgt)))

Right
  mean(sum(square(out - tgt), axis=-1))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Graph, Node
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType


@lint()
def mean_of_total(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the means of what is reduced over all axes: of a mean, one more changes nothing."""
    graph = subject.core.graph
    for node in subject.tape:
        match node:
            case Apply(
                Builtin(combine="mean") as outer,
                (Apply(Builtin(reduction=True) as inner, (value, *_)) as total, *_),
            ) if not node.undecided and inner.combine != "mean" and value is not None:
                place, rank = written(graph, node), _rank(graph, value)
                several = rank is not None and rank > (inner.combine != "sum")
                is_scalar = _rank(graph, total) == 0 and total.option(AXIS) is None
                whole = is_scalar and several and not total.undecided
                if whole and place is not None and not place.calls and written(graph, total):
                    message = f"`{inner.name}` ends all axes: `{outer.name}` of it divides by 1"
                    help = f"give `{inner.name}` the axis that it runs along, as `axis=-1`"
                    yield at("LD425", message, place.span, help=help)
            case _:
                pass


def _rank(graph: Graph, node: Node) -> int | None:
    type = graph.types[node]
    return type.rank if isinstance(type, ArrayType) else None
