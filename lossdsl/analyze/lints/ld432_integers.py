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
from lossdsl.analyze.whole_numbers import is_whole, read_operands
from lossdsl.core.graph import Apply, Node, operands
from lossdsl.diagnostics.diagnostic import Diagnostic, at


@lint()
def integers_wrap(subject: Subject) -> Iterator[Diagnostic]:
    """Yield sums and products of integers that stay integers where a wrong one is not seen.

    They are a metric, or compared, divided or a remainder; an index is as large as its array.
    """
    core, graph = subject.core, subject.core.graph
    read: dict[Apply, str] = {}
    for name, node in core.metrics.items():
        large = _unbounded(subject, node) if graph.kind(node) == "int" else None
        if large is not None:
            read.setdefault(large, f"the metric `{name}` reads")
    for node in subject.tape:
        if not isinstance(node, Apply) or graph.kind(node) not in ("int", "bool"):
            continue
        if node.function.operator and not node.function.grows and not node.function.keeps:
            for operand in operands(node):
                large = _unbounded(subject, operand, sums=False)
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


def _unbounded(subject: Subject, root: Node, sums: bool = True) -> Apply | None:
    """Return a product, or with `sums` a sum, of inputs of 32 bits that a node is computed from."""
    waiting, seen = [root], {root}
    while waiting:
        node = waiting.pop()
        whole = (part for part in operands(node) if is_whole(subject.core.graph, part))
        below = [part for part in whole if part not in seen]
        seen.update(below)
        waiting += below
        if isinstance(node, Apply) and node.function.grows == "size":
            large = [subject.whole_numbers[part].large for _, part in read_operands(node)]
            if (sums or len(large) > 1) and all(large):
                return node
    return None
