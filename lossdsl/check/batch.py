"""Where the batch axis of an operand goes: the axis of the result that it becomes, if any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from lossdsl.check.core import Apply, Graph
from lossdsl.types.types import ArrayType, TreeType, same_dim


def moved(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    """Return the axis of a result that holds the examples of an operand's axis, one for one.

    None where the function mixes the examples, or where nothing is known about it.
    """
    function = node.function
    if isinstance(graph.types[node], TreeType):
        return axis if axis == 0 and (function.elementwise or _keeps(node)) else None
    if function.elementwise:
        return _broadcast(graph, node, at, axis)
    move = MOVES.get(function.sink if isinstance(function.sink, str) else function.name)
    return None if move is None else move(graph, node, at, axis)


def _keeps(node: Apply) -> bool:
    return node.function.sink == "same" or node.function.name in ("branches", "usable")


def _rank(graph: Graph, node: Apply, at: int | None = None) -> int | None:
    """Return the rank of an operand, or of the result."""
    one = node if at is None else node.arguments[at]
    assert one is not None
    type = graph.types[one]
    return type.rank if isinstance(type, ArrayType) else None


def _same(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    return axis


def _broadcast(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    before, after = _rank(graph, node, at), _rank(graph, node)
    return axis if before is None or after is None else axis + after - before


def _axis(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    """Leave the axes that the function couples; some functions drop those."""
    given = node.option("axis")
    coupled = (given,) if isinstance(given, int) else given
    before, after = _rank(graph, node, at), _rank(graph, node)
    if not isinstance(coupled, tuple) or axis in coupled or before is None or after is None:
        return None
    dropped = [one for one in coupled if one < axis]
    return axis if before == after else axis - len(dropped)


def _permute(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    order, rank = node.option("order") or node.option("axes"), _rank(graph, node)
    if isinstance(order, tuple):
        return order.index(axis)
    return None if rank is None else rank - 1 - axis


def _align(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    order, expand = node.option("order"), node.option("expand")
    rank = _rank(graph, node)
    assert isinstance(order, tuple) and isinstance(expand, tuple) and rank is not None
    kept = [place for place in range(rank) if place not in expand]
    return kept[order.index(axis)]


def _reshape(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    """Follow an axis whose elements stay together: those before it are the same."""
    operand = node.arguments[at]
    assert operand is not None
    before, after = graph.types[operand], graph.types[node]
    if not isinstance(before, ArrayType) or not isinstance(after, ArrayType):
        return None
    old, new = before.dims, after.dims
    if old is None or new is None:
        return None
    ahead = [dim for dim in old[:axis] if not dim.is_one]
    places = [place for place, dim in enumerate(new) if not dim.is_one]
    if len(places) <= len(ahead) or [new[place] for place in places[: len(ahead)]] != ahead:
        return None
    place = places[len(ahead)]
    return place if same_dim(old[axis], new[place]) else None


def _index(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    """Count the axes that come before; only a full slice keeps every example."""
    place = source = 0
    for item in cast("tuple[tuple[object, ...], ...]", node.option("items")):
        match item:
            case ("at", _):
                if source == axis:
                    return None
                source += 1
            case ("slice", *bounds):
                if source == axis:
                    return place if bounds in ([None] * 3, [0, None, 1]) else None
                source, place = source + 1, place + 1
            case _:
                place += 1
    return place + axis - source


def _matmul(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    ranks = [_rank(graph, node, one) for one in (0, 1)]
    after = _rank(graph, node)
    if ranks[0] is None or ranks[1] is None or after is None:
        return None
    rank, other = (ranks[0], ranks[1]) if at == 0 else (ranks[1], ranks[0])
    contracted = rank - 1 if at == 0 or rank == 1 else rank - 2
    if axis == contracted:
        return None
    left = rank - 1 - axis - (1 if axis < contracted else 0)
    added = 1 if at == 0 and other > 1 else 1 if at == 1 and other > 1 and axis < contracted else 0
    return after - 1 - left - added


def _one_hot(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    return axis


def _take(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    over, rank = cast("int", node.option("axis") or 0), _rank(graph, node, 1)
    if at == 1:
        return over + axis
    if axis == over or rank is None:
        return None
    return axis if axis < over else axis + rank - 1


def _concatenate(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    given = node.option("axis")
    over = given[0] if isinstance(given, tuple) else given
    return None if over is None or axis == over else axis


def _stack(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    over, rank = cast("int", node.option("axis")), _rank(graph, node)
    if rank is None:
        return None
    return axis + 1 if over % rank <= axis else axis


def _diag(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    rank = _rank(graph, node)
    return axis if rank is not None and axis < rank - 1 else None


def _einsum(graph: Graph, node: Apply, at: int, axis: int) -> int | None:
    equation = str(node.option("equation")).replace(" ", "")
    before, arrow, after = equation.partition("->")
    if not arrow or "." in equation:
        return None
    letter = before.split(",")[at][axis]
    return after.index(letter) if letter in after else None


MOVES: Mapping[str, Callable[[Graph, Apply, int, int], int | None]] = {
    "same": _same,
    "elementwise": _broadcast,
    "axis": _axis,
    "permute": _permute,
    "align": _align,
    "reshape": _reshape,
    "index": _index,
    "matmul": _matmul,
    "one_hot": _one_hot,
    "take": _take,
    "concatenate": _concatenate,
    "stack": _stack,
    "diag": _diag,
    "einsum": _einsum,
    "leaf": _same,
}
