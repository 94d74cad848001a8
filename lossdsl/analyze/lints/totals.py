"""LD425: a mean of what was summed whole already, which divides by nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType


def mean_of_total(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the means of a sum over all axes: of a mean, one more changes nothing."""
    graph = subject.core.graph
    for node in tape(subject.roots):
        match node:
            case Apply(
                Builtin(combine="mean") as outer,
                (Apply(Builtin(combine="sum", reduction=True) as inner) as total, *_),
            ) if not node.undecided:
                place, type = written(graph, node), graph.types[total]
                one_number = isinstance(type, ArrayType) and type.rank == 0
                whole = one_number and total.option(AXIS) is None and not total.undecided
                if whole and place is not None and not place.calls and written(graph, total):
                    message = f"`{inner.name}` adds up all axes: `{outer.name}` of it divides by 1"
                    help = f"give `{inner.name}` the axis that it sums along, as `axis=-1`"
                    yield at("LD425", message, place.span, help=help)
            case _:
                pass
