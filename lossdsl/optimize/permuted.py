"""Functions that drop axes read an array as it lies, rather than a permuted copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lossdsl.analyze.outputs import Read, operand_of, over
from lossdsl.core.graph import Apply, Graph, Node, tape
from lossdsl.library.follow import followed, permuted
from lossdsl.syntax.options import AXIS


def unpermute(graph: Graph, roots: Sequence[Node]) -> list[Node]:
    """Return roots in which `f(permute(x, order), axis=a)` reads x along the axes that a names.

    It holds where f drops those axes, keeps the others as they follow each other in x, and couples
    no other operand with them: then the result has the same axes either way.
    """
    done: dict[Node, Node] = {}
    for node in tape(roots):
        done[node] = node
        if isinstance(node, Apply):
            operands = [None if each is None else done[each] for each in node.arguments]
            done[node] = _unpermuted(graph, over(graph, node, operands))
    return [done[root] for root in roots]


def _unpermuted(graph: Graph, node: Apply) -> Node:
    inner = node.arguments[0] if node.arguments else None
    if not isinstance(inner, Apply) or inner.function.axes is not permuted:
        return node
    (source,) = inner.arguments
    whole = operand_of(graph, node, Read(inner, 0))
    if source is None or whole is None:
        return node
    named = whole.axes(AXIS)
    axes = followed(node.function, whole)
    if named is None or axes is None or len(axes) - len(named) != len(whole.result):
        return node
    # From here an axis is one of the permuted array; `order` has the axis of x that it was.
    order = _order(graph, inner)
    left = [order[at] for at in range(len(axes)) if at not in named]
    dropped = all((to is None) == (at in named) for at, to in enumerate(axes))
    if not dropped or left != sorted(left) or not _apart(graph, node):
        return node
    read = tuple(order[at] for at in named)
    single = isinstance(node.option(AXIS), int)
    options = {**dict(node.options), AXIS: read[0] if single else tuple(sorted(read))}
    arguments = (source, *node.arguments[1:])
    return graph.apply(node.function, arguments, graph.types[node], options)


def _apart(graph: Graph, node: Apply) -> bool:
    """Say whether no operand but the first has an axis along which the function works."""
    for at, operand in enumerate(node.arguments[1:], 1):
        if operand is None:
            continue
        beside = operand_of(graph, node, Read(operand, at))
        axes = None if beside is None else followed(node.function, beside)
        if axes is None or None in axes:
            return False
    return True


def _order(graph: Graph, permutation: Apply) -> list[int]:
    """Return for each axis of a permuted array the axis that it was."""
    (source,) = permutation.arguments
    operand = operand_of(graph, permutation, Read(cast("Node", source), 0))
    assert operand is not None
    places = permuted(operand)
    return sorted(range(len(places)), key=lambda at: cast("int", places[at]))
