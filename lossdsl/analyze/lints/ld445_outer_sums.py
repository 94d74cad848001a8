"""LD445: sum of all pairs of a product.

Summed over both axes, a product of each element of one vector with each of another is the product
of the two sums: how the elements go together changes nothing.

Inputs
  f: f32[E]
  p: f32[E]

Wrong
  sum(f[:, None]*p[None, :])

Right
  sum(f*p)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Node
from lossdsl.core.pattern import bare
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim


@lint()
def outer_summed(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the sums and means, over both axes, of an outer product."""
    graph = subject.core.graph
    for node in subject.tape:
        if not isinstance(node, Apply) or node.function.combine not in ("sum", "mean"):
            continue
        place, product = written(graph, node), _product(graph, node.arguments[0])
        plain = all(argument is None for argument in node.arguments[1:]) and not node.undecided
        if place is None or place.calls or product is None or not plain:
            continue
        if _is_outer(graph, product, cast("tuple[int, ...] | None", node.option(AXIS))):
            message = f"this {node.function.combine} of all pairs is a product of two of them"
            help = "multiply what belongs together, elements of one axis, and sum that"
            yield at("LD445", message, place.span, help=help)


def _product(graph: Graph, node: Node | None) -> Apply | None:
    """Return the product of two arrays that a value is a multiple of."""
    while node is not None:
        node = bare(node)
        match node:
            case Apply(Builtin(operator="neg"), (inner,)):
                node = inner
            case Apply(Builtin(operator="*" | "/" as symbol), (a, b)) if a and b:
                if _is_number(graph, b):
                    node = a
                elif symbol == "*" and _is_number(graph, a):
                    node = b
                else:
                    return node if symbol == "*" else None
            case _:
                return None
    return None


def _is_number(graph: Graph, node: Node) -> bool:
    type = graph.types[node]
    return isinstance(node, Const) or (isinstance(type, ArrayType) and type.rank == 0)


def _is_outer(graph: Graph, product: Apply, axes: tuple[int, ...] | None) -> bool:
    """Say whether either factor runs along some of the summed axes, and none along both."""
    sides = [_dims(graph, operand) for operand in product.arguments]
    rank = len(_dims(graph, product) or ())
    if None in sides or not rank:
        return False
    left, right = (
        {rank - len(dims) + at for at, dim in enumerate(dims) if dim.known != 1}
        for dims in sides
        if dims is not None
    )
    summed = set(range(rank)) if axes is None else {axis % rank for axis in axes}
    return bool(left & summed and right & summed) and not left & right & summed


def _dims(graph: Graph, node: Node | None) -> tuple[Dim, ...] | None:
    type = None if node is None else graph.types[node]
    return type.dims if isinstance(type, ArrayType) else None
