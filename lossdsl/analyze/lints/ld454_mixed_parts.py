"""LD454: total beside a mean of one example.

A sum over the entries of an example grows with their number, a mean does not. Which of two such
parts counts depends on two sizes then, and a reconstruction beside a divergence is weaker by
thousands.

Inputs
  x: f32[B, D]
  r: f32[B, D]
  k: f32[B, Z]

Wrong
  loss = mean(sum(square(x - r), axis=D) + mean(k, axis=Z))

Right
  loss = mean(sum(square(x - r), axis=D) + sum(k, axis=Z))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Node
from lossdsl.core.pattern import bare
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType

# Factors of the formulas themselves; any other is a weight, which may make up for a size.
_PLAIN = (0.5, 1.0, 2.0)


@lint()
def mixed_parts(subject: Subject) -> Iterator[Diagnostic]:
    """Yield sums, example by example, of a total over one axis and a mean over another."""
    graph, inner = subject.core.graph, set[Node]()
    for node in reversed(subject.tape):
        if not isinstance(node, Apply) or node.function.operator not in ("+", "-"):
            continue
        type, place = graph.types[node], written(graph, node)
        if node in inner or place is None or not isinstance(type, ArrayType) or not type.dims:
            continue
        parts = list(_parts(node, inner))
        by = {
            across: next((part for part in parts if part.function.across == across), None)
            for across in ("add", "mean")
        }
        total, average = by["add"], by["mean"]
        if total is None or average is None or place.calls:
            continue
        over, mean_over = _axis(graph, total), _axis(graph, average)
        spans = [written(graph, part) for part in (total, average)]
        if over == mean_over or any(span is None or span.calls for span in spans):
            continue
        message = (
            f"of each example one part is summed over {over}, another averaged over {mean_over}"
        )
        help = "sum both, or average both: their weights are not to depend on sizes"
        yield at("LD454", message, place.span, help=help)


def _parts(node: Node, inner: set[Node]) -> Iterator[Apply]:
    """Yield the reductions that a sum adds up, but for what has a weight."""
    waiting = [node]
    while waiting:
        match bare(waiting.pop()):
            case Apply(function, (a, b)) as added if (
                function.operator in ("+", "-") and a and b and added not in inner
            ):
                inner.add(added)
                waiting += [a, b]
            case Apply(function, (operand,)) if function.operator == "neg" and operand:
                waiting.append(operand)
            case Apply(function, (Const(int() | float() as factor), operand)) if (
                function.operator == "*" and operand and abs(factor) in _PLAIN
            ):
                waiting.append(operand)
            case Apply(function, (operand, Const(int() | float() as factor))) if (
                function.operator in ("*", "/") and operand and abs(factor) in _PLAIN
            ):
                waiting.append(operand)
            case Apply(function) as part if function.reduction and part.option(AXIS) is not None:
                yield part
            case _:
                pass


def _axis(graph: Graph, node: Apply) -> str:
    operand, axes = node.arguments[0], node.option(AXIS)
    type = None if operand is None else graph.types[operand]
    if not isinstance(axes, tuple) or not isinstance(type, ArrayType) or type.dims is None:
        return "an axis"
    return ", ".join(
        f"`{dim}`" if (dim := type.dims[axis]).name else f"axis {axis}" for axis in axes
    )
