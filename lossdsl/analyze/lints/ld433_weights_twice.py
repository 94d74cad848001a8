"""LD433: weight counts twice.

`weight=` multiplies the elements and divides by the sum of the weights. Multiplied by the same
weight as well, each element counts by its square.

Inputs
  out: f32[B]
  w: f32[B]

Wrong
  mean(w*square(out), weight=w)

Right
  mean(square(out), weight=w)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Node
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import WEIGHT


@lint()
def counted_twice(subject: Subject) -> Iterator[Diagnostic]:
    """Yield values that `weight=` weighs and that are multiplied by the same weight as well."""
    graph = subject.core.graph
    for node in subject.tape:
        match node:
            case Apply(function, (value, _, weight)) if function.weighted and weight is not None:
                again = _times(value, weight)
            case Apply(Builtin(operator="*"), (a, b)):
                again = next((w for w, x in ((a, b), (b, a)) if _by_option(graph, x, w)), None)
            case _:
                continue
        place = written(graph, node)
        if again and place is not None and not place.calls:
            message = "the weight counts twice: as a factor and by `weight=`"
            yield at("LD433", message, place.span, help="keep one of the two")


def _times(node: Node | None, weight: Node) -> bool:
    """Say whether a value is a product of a weight, below what only selects or converts."""
    while isinstance(node, Apply) and node.function.form in (Form.KEEP, Form.CAST):
        node = node.arguments[-1]
    match node:
        case Apply(Builtin(operator="*"), operands):
            return not isinstance(weight, Const) and any(operand is weight for operand in operands)
        case _:
            return False


def _by_option(graph: Graph, node: Node | None, weight: Node | None) -> bool:
    """Say whether the option `weight=` of a call multiplied a value by a weight."""
    while isinstance(node, Apply) and node.function.form in (Form.KEEP, Form.CAST):
        node = node.arguments[-1]
    place = written(graph, node) if isinstance(node, Apply) else None
    by_option = place is not None and f"{WEIGHT}=" in place.span.text
    return by_option and weight is not None and _times(node, weight)
