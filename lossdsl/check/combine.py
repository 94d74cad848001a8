"""How a value combines over micro-batches: read off the reductions that end a batch axis."""

from __future__ import annotations

from collections.abc import Iterable

from lossdsl.check.core import Apply, Combine, Const, Graph, Input, Leaves, Node, operands, tape
from lossdsl.types.types import ArrayType, TreeType, Type

# What a node does with the batch: reads none, carries it along an axis, has ended it in
# reductions that combine, or mixes examples in a way that cannot be split.
NONE, ENDED, WHOLE = "none", "ended", "whole"


def batch_inputs(inputs: Iterable[tuple[str, Type]]) -> frozenset[str]:
    """Return the inputs that hold a batch.

    Arrays with at least one dim, and trees whose type names a dim of another input.
    """
    given = list(inputs)
    symbols = {
        symbol
        for _, type in given
        if isinstance(type, ArrayType)
        for dim in type.dims or ()
        for symbol, _ in dim.terms
    }

    def is_batch(type: Type) -> bool:
        match type:
            case ArrayType(dims=dims):
                return dims != ()
            case TreeType(leaf=ArrayType(dims=dims)):
                return any(symbol in symbols for dim in dims or () for symbol, _ in dim.terms)
            case _:
                return False

    return frozenset(name for name, type in given if is_batch(type))


def combines(graph: Graph, root: Node, batch: frozenset[str]) -> Combine:
    """Return how a value combines: see `Combine`."""
    state: dict[Node, str | int] = {}
    order = tape([root])
    for node in order:
        state[node] = _state(graph, node, state, batch)
    if state[root] == NONE:
        return Combine("constant")
    if state[root] != ENDED:
        return Combine("whole")
    found = tuple(node for node in order if _is_end(node, state) and _outermost(node, order, state))
    if found == (root,):
        assert isinstance(root, Apply)
        return Combine(str(root.function.combine), found)
    return Combine("function", found)


def _is_end(node: Node, state: dict[Node, str | int]) -> bool:
    return (
        isinstance(node, Apply)
        and state[node] == ENDED
        and any(isinstance(state[operand], int) for operand in operands(node))
    )


def _outermost(node: Node, order: list[Node], state: dict[Node, str | int]) -> bool:
    return state[node] == ENDED


def _state(
    graph: Graph, node: Node, state: dict[Node, str | int], batch: frozenset[str]
) -> str | int:
    """Return the state of a node, the number being the batch axis counted from the end."""
    match node:
        case Const():
            return NONE
        case Input(name):
            return _leading(graph.types[node]) if name in batch else NONE
        case Leaves(tree):
            return NONE if state[tree] == NONE else _leading(graph.types[node])
        case Apply():
            return _applied(graph, node, [state[operand] for operand in operands(node)])


def _leading(type: Type) -> str | int:
    match type:
        case ArrayType(dims=dims) if dims:
            return len(dims)
        case TreeType():
            return 0
        case _:
            return WHOLE


def _applied(graph: Graph, node: Apply, states: list[str | int]) -> str | int:
    carried = {one for one in states if isinstance(one, int)}
    if WHOLE in states:
        return WHOLE
    if not carried:
        return ENDED if ENDED in states else NONE
    if ENDED in states or len(carried) > 1:
        return WHOLE if ENDED in states else _elementwise(node, carried)
    (axis,) = carried
    if node.function.reduction:
        return _reduced(graph, node, axis)
    if node.function.elementwise:
        return axis
    type = graph.types[node]
    rank = len(type.dims) if isinstance(type, ArrayType) and type.dims is not None else 0
    coupled = node.option("axis")
    operand = graph.types[operands(node)[0]]
    width = len(operand.dims or ()) if isinstance(operand, ArrayType) else 0
    if isinstance(coupled, int) and coupled != width - axis:
        return rank
    if node.function.sink == "same":
        return axis
    if node.function.sink == "index":
        items = node.option("items")
        if isinstance(items, tuple) and items and items[0] == ("slice", None, None, None):
            return rank
    return WHOLE


def _elementwise(node: Apply, carried: set[int]) -> str | int:
    return max(carried) if node.function.elementwise or node.function.reduction else WHOLE


def _reduced(graph: Graph, node: Apply, axis: int) -> str | int:
    operand = graph.types[operands(node)[0]]
    axes = node.option("axis")
    if isinstance(operand, TreeType):
        return ENDED if node.function.combine and axes is None else WHOLE
    rank = len(operand.dims or ()) if isinstance(operand, ArrayType) else 0
    place = rank - axis
    if axes is None or (isinstance(axes, tuple) and place in axes):
        return ENDED if node.function.combine else WHOLE
    assert isinstance(axes, tuple)
    return axis if node.option("keepdims") else axis - sum(1 for at in axes if at > place)
