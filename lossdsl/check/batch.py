"""Where the batch axis of an operand goes: the axis of the result that it becomes, if any."""

from __future__ import annotations

from lossdsl.check.outputs import Read, operand_of
from lossdsl.core.graph import Apply, Graph, Node
from lossdsl.library.follow import followed, same
from lossdsl.types.types import TreeType


def moved(graph: Graph, node: Apply, at: int, axis: int, output: Node | None = None) -> int | None:
    """Return the axis of a result that holds the examples of an operand's axis, one for one.

    None where the function mixes the examples, or where nothing is known about it. Of a function
    with several outputs, the result is one `output`.
    """
    if output is None and node.function.axes is same:
        return axis
    if isinstance(graph.types[node], TreeType):
        return axis if axis == 0 and node.function.elementwise else None
    given = node.arguments[at]
    operand = None if given is None else operand_of(graph, output or node, Read(given, at))
    if operand is None:
        return axis if node.function.elementwise else None
    axes = followed(node.function, operand)
    return None if axes is None else axes[axis]
