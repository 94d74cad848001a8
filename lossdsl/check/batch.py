"""Where the batch axis of an operand goes: the axis of the result that it becomes, if any."""

from __future__ import annotations

from lossdsl.core.graph import Apply, Graph, Node
from lossdsl.library.follow import Operand, followed, same
from lossdsl.library.rules import Dims
from lossdsl.types.types import ArrayType, TreeType


def moved(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    """Return the axis of a result that holds the examples of an operand's axis, one for one.

    None where the function mixes the examples, or where nothing is known about it.
    """
    if node.function.axes is same:
        return axis
    if isinstance(graph.types[node], TreeType):
        return axis if axis == 0 and node.function.elementwise else None
    operand = operand_of(graph, node, at)
    if operand is None:
        return axis if node.function.elementwise else None
    axes = followed(node.function, operand)
    return None if axes is None else axes[axis]


def operand_of(graph: Graph, node: Apply, at: int) -> Operand | None:
    """Return an operand as facts about axes see it; None where its dims are not known."""

    def dims(one: Node | None) -> Dims | None:
        type = None if one is None else graph.types[one]
        return type.dims if isinstance(type, ArrayType) else None

    operands, result = tuple(map(dims, node.arguments)), dims(node)
    if operands[at] is None or result is None:
        return None
    return Operand(at, operands, result, dict(node.options))
