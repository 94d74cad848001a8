"""How a value combines over micro-batches: read off the reductions that end the batch axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from lossdsl.check.batch import moved
from lossdsl.check.core import Apply, Combine, Const, Graph, Input, Leaves, Node, tape
from lossdsl.check.inputs import Declared, symbols_of
from lossdsl.types.types import ArrayType, RecordType, TreeType, Type

# What a node does with the batch: reads none, carries it along the axis of that number, has
# ended it in reductions that combine, or mixes examples in a way that cannot be split.
NONE, ENDED, WHOLE = "none", "ended", "whole"
State = str | int


def batch_inputs(types: Mapping[str, Type], declared: Mapping[str, Declared]) -> frozenset[str]:
    """Return the inputs that hold a batch.

    Arrays with at least one dim, and trees whose type names a dim of another input.
    """

    def is_batch(name: str, type: Type) -> bool:
        match type:
            case ArrayType(dims=dims):
                return dims != ()
            case TreeType() if name in declared:
                others = [one for other, one in declared.items() if other != name]
                return not symbols_of([declared[name]]).keys().isdisjoint(symbols_of(others))
            case RecordType(fields):
                return any(is_batch("", field) for _, field in fields)
            case _:
                return False

    return frozenset(name for name, type in types.items() if is_batch(name, type))


def combines(graph: Graph, root: Node, batch: frozenset[str]) -> Combine:
    """Return how a value combines: see `Combine`."""
    state: dict[Node, State] = {}
    ends: list[Node] = []
    for node in tape([root]):
        state[node] = _state(graph, node, state, batch)
        if (
            isinstance(node, Apply)
            and state[node] == ENDED
            and any(isinstance(state[one], int) for one in node.arguments if one is not None)
        ):
            ends.append(node)
    if state[root] == NONE:
        return Combine("constant")
    if state[root] != ENDED:
        return Combine("whole")
    if ends == [root]:
        assert isinstance(root, Apply)
        return Combine(str(root.function.combine), (root,))
    return Combine("function", tuple(ends))


def _state(graph: Graph, node: Node, state: Mapping[Node, State], batch: frozenset[str]) -> State:
    match node:
        case Const():
            return NONE
        case Input(name):
            return _leading(graph.types[node]) if name in batch else NONE
        case Leaves(tree):
            return NONE if state[tree] == NONE else _leading(graph.types[node])
        case Apply():
            states = [NONE if one is None else state[one] for one in node.arguments]
            return _applied(graph, node, states)


def _leading(type: Type) -> State:
    """Return the axis of the batch: the first, of every leaf too; a scalar holds none."""
    return NONE if isinstance(type, ArrayType) and type.dims == () else 0


def _applied(graph: Graph, node: Apply, states: Sequence[State]) -> State:
    carried = [(at, state) for at, state in enumerate(states) if isinstance(state, int)]
    if WHOLE in states or (carried and ENDED in states):
        return WHOLE
    if not carried:
        return ENDED if ENDED in states else NONE
    if node.function.reduction:
        return _reduced(graph, node, {axis for _, axis in carried})
    found = {moved(graph, node, at, axis) for at, axis in carried}
    if None in found or not (len(found) == 1 or node.function.elementwise):
        return WHOLE
    # A vector beside a batch, such as one weight for each class, lies along a later axis.
    return min(cast("set[int]", found))


def _reduced(graph: Graph, node: Apply, carried: set[int]) -> State:
    operand, axes = node.arguments[0], node.option("axis")
    assert operand is not None
    ended: State = ENDED if node.function.combine is not None else WHOLE
    (batch,) = carried if len(carried) == 1 else (min(carried),)
    if axes is None:
        return ended
    if isinstance(graph.types[operand], TreeType):
        each = cast("tuple[tuple[int, ...] | None, ...]", axes)
        over = [one is None or batch in one for one in each]
        return ended if all(over) else WHOLE if any(over) else batch
    assert isinstance(axes, tuple)
    if batch in axes:
        return ended
    return batch if node.option("keepdims") else batch - sum(1 for axis in axes if axis < batch)
