"""LD429: unit vectors along different axes.

The product of unit vectors is a cosine where both lie along the axis that is summed. Normalized
along the examples, the features of one of them have any length.

Inputs
  a: f32[B, D]
  b: f32[B, D]

Wrong
  s = normalize(a, axis=0) @ transpose(normalize(b))
  loss = mean(square(s))

Right
  s = normalize(a) @ transpose(normalize(b))
  loss = mean(square(s))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, meeting
from lossdsl.analyze.unit_axes import UnitAxes, any_units
from lossdsl.core.graph import Apply, Graph, Node
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.types.types import ArrayType


@lint()
def other_unit_axis(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the sums and products of unit vectors that lie along different axes."""
    graph = subject.core.graph
    applied = [node for node in subject.tape if isinstance(node, Apply)]
    if not any_units(subject.tape):
        return
    units = forward(subject.roots, UnitAxes(graph))
    for node in applied:
        match node:
            case Apply(Builtin(operator="+" | "-" | "*" | "@" as symbol), (a, b)) if a and b:
                sides = [_side(graph, operand, units[operand]) for operand in (a, b)]
                span = meeting(graph, node, (a, b))
                if span is None or None in sides:
                    continue
                left, right = (side for side in sides if side is not None)
                if symbol == "@":
                    # The last axis of the first is summed with the last but one of the second.
                    agree = left.back == 1 and right.back == min(right.rank, 2)
                else:
                    agree = left.back == right.back
                if not agree:
                    message = f"unit vectors along {left} meet unit vectors along {right}"
                    help = "`normalize` both along the axis of the features"
                    yield at("LD429", message, span, help=help)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class _Side:
    """An operand whose unit vectors lie along an axis, counted from the last, which is 1."""

    back: int
    rank: int
    name: str

    def __str__(self) -> str:
        return self.name


def _side(graph: Graph, node: Node, axis: int | None) -> _Side | None:
    type = graph.types[node]
    if axis is None or not isinstance(type, ArrayType) or type.dims is None:
        return None
    # The call that made it first may stand in a library, whose name for the axis is its own.
    named = graph.outward(type.dims[axis]).name
    return _Side(len(type.dims) - axis, len(type.dims), f"`{named}`" if named else f"axis {axis}")
