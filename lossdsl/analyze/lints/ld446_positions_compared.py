"""LD446: position used as a value.

The position of the largest entry is an integer that passes no gradient. An overlap or a distance
that is computed of it is a number that nothing trains.

Inputs
  z: f32[B, 2]
  y: f32[B]

Wrong
  mean(square(1.0*argmax(z, axis=-1) - y))

Right
  mean(square(softmax(z, axis=-1)[:, 1] - y))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, meeting
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, tape
from lossdsl.core.pattern import picked_from
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form


@lint(around=("LD416",))
def position_compared(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the differences and products of a position along an axis with values that are given.

    It is a position of real numbers, as a prediction is, and a result reads it; metrics do so.
    """
    graph = subject.core.graph
    for node in tape(outcome.value for outcome in subject.core.results):
        match node:
            case Apply(Builtin(operator="-" | "*"), (a, b)) if a and b and not node.undecided:
                pairs = ((a, b), (b, a))
            case _:
                continue
        for position, value in pairs:
            if _is_position(graph, position) and _is_given(subject, value):
                span = meeting(graph, node, (a, b))
                if span is not None:
                    message = "a position along an axis is compared with values"
                    help = "it has no gradient: `softmax` along the axis has one"
                    yield at("LD446", message, span, help=help)
                break


def _is_position(graph: Graph, node: Node) -> bool:
    """Say whether a value is an integer that a function finds along an axis of real numbers."""
    while True:
        match node:
            case Apply(Builtin(form=Form.CAST), (inner,)) if inner is not None:
                node = inner
            case Apply(Builtin(operator="*"), (Const(1 | 1.0), inner) | (inner, Const(1 | 1.0))):
                assert inner is not None
                node = inner
            case Apply() if (inner := picked_from(node)) is not node and inner is not None:
                node = inner
            case Apply(function, (value, *_)) if value is not None:
                fewer = len(graph.dims(value)) > len(graph.dims(node))
                plain = not function.reduction and not function.operator
                kinds = graph.kind(node), graph.kind(value)
                return plain and fewer and kinds == ("int", "float")
            case _:
                return False


def _is_given(subject: Subject, node: Node) -> bool:
    """Say whether a value has real numbers of an array that is passed, as they are."""
    inner = picked_from(node)
    array = inner is not None and bool(subject.core.graph.dims(inner))
    return isinstance(inner, Input) and array and subject.core.graph.kind(inner) == "float"
