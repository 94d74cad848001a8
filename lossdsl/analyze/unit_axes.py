"""Along which axis the entries of a value are unit vectors, and which values are cosines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lossdsl.analyze.dataflow import Analysis, forward
from lossdsl.analyze.outputs import Read, operand_of
from lossdsl.core.graph import Apply, Graph, Node
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.follow import followed
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType


@dataclass(frozen=True)
class UnitAxes(Analysis["int | None"]):
    """The axis along which the entries of a value have length 1."""

    graph: Graph

    def transfer(self, node: Apply, facts: Sequence[int | None]) -> int | None:
        """Return the axis that a function makes, or that its operand's becomes."""
        if node.undecided or not isinstance(self.graph.types[node], ArrayType):
            return None
        if "normalized" in node.function.laws:
            axes = node.option(AXIS)
            return axes[0] if isinstance(axes, tuple) and len(axes) == 1 else None
        same = len(node.function.keeps) == 1 or node.function.form is Form.CAST
        operand = node.arguments[0] if node.arguments else None
        axis = facts[0] if facts else None
        if not same or operand is None or axis is None:
            return None
        whole = operand_of(self.graph, node, Read(operand, 0))
        axes = None if whole is None else followed(node.function, whole)
        return None if axes is None else axes[axis]


def any_units(order: Iterable[Node]) -> bool:
    """Say whether any of some values is made of unit vectors."""
    return any(isinstance(node, Apply) and "normalized" in node.function.laws for node in order)


def cosines(graph: Graph, order: Sequence[Node]) -> frozenset[Node]:
    """Return the values that are products of unit vectors with unit vectors: in [-1, 1]."""
    if not any_units(order):
        return frozenset()
    units = forward(order, UnitAxes(graph))

    def back(node: Node) -> int | None:
        type, axis = graph.types[node], units[node]
        known = axis is not None and isinstance(type, ArrayType) and type.dims is not None
        return len(type.dims) - axis if known else None  # type: ignore[union-attr,arg-type]

    made: set[Node] = set()
    for node in order:
        match node:
            case Apply(Builtin(operator="@"), (a, b)) if a and b:
                if back(a) == 1 and back(b) == min(len(graph.dims(b)), 2):
                    made.add(node)
            case Apply(Builtin(across="add"), (Apply(Builtin(operator="*"), (a, b)) as inner, *_)):
                along = node.option(AXIS)
                if a and b and isinstance(along, tuple) and len(along) == 1:
                    axis = len(graph.dims(inner)) - along[0]
                    if back(a) == back(b) == axis:
                        made.add(node)
            case _:
                pass
    return frozenset(made)
