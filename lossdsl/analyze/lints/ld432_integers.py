"""LD432: integer that 32 bits may not hold.

A product or a sum of integers has no bound, and past 2147483647 an integer of 32 bits goes on at
-2147483648. What ends as a float is computed in floats; a metric of integers stays one, and so does
a product that is compared or divided with `//` or `%`.

Inputs
  n: i32[B]
  x: f32[B]

Wrong
  metric m = sum(n*n)
  loss = mean(x)

Right
  metric m = sum(1.0*n*n)
  loss = mean(x)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject
from lossdsl.analyze.whole_numbers import unbounded
from lossdsl.core.graph import Apply, Graph, Node, operands
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.types.types import ArrayType, kind


@lint()
def integers_wrap(subject: Subject) -> Iterator[Diagnostic]:
    """Yield sums and products of integers that stay integers where a wrong one is not seen.

    They are a metric, or compared, divided or a remainder; an index is as large as its array.
    """
    core, graph = subject.core, subject.core.graph
    read: dict[Apply, str] = {}
    for name, node in core.metrics.items():
        large = unbounded(graph, node) if _kind(graph, node) == "int" else None
        if large is not None:
            read.setdefault(large, f"the metric `{name}` reads")
    for node in subject.tape:
        if not isinstance(node, Apply) or _kind(graph, node) not in ("int", "bool"):
            continue
        if node.function.operator and not node.function.grows and not node.function.keeps:
            for operand in operands(node):
                large = unbounded(graph, operand, sums=False)
                if large is not None:
                    read.setdefault(large, f"`{node.function.operator}` reads")
    for large, reader in read.items():
        for place in graph.places.get(large, ())[:1]:
            text = place.span.text
            yield at(
                "LD432",
                f"{reader} an integer that 32 bits may not hold",
                place.span,
                str(graph.types[large]),
                help=f"compute it in floats: `1.0*{text}`"
                if large.function.operator
                else "compute it in floats, such as `sum(1.0*n)` for `sum(n)`",
            )


def _kind(graph: Graph, node: Node) -> str | None:
    type = graph.types[node]
    return kind(type.dtype) if isinstance(type, ArrayType) else None
