"""LD453: temperature that divides here and multiplies there.

A temperature above 1 makes a distribution softer where it divides the scores, and sharper where it
multiplies them. Distributions that are compared have one temperature.

Inputs
  a: f32[B, C]
  b: f32[B, C]
  t: float

Wrong
  cross_entropy(a/t, softmax(b*t))

Right
  cross_entropy(a/t, softmax(b/t))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Graph, Input, Node
from lossdsl.core.pattern import bare
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.roles import DISTRIBUTIONS
from lossdsl.types.types import ArrayType


@lint()
def other_temperature(subject: Subject) -> Iterator[Diagnostic]:
    """Yield where a number multiplies scores that it divides elsewhere in the same text."""
    graph = subject.core.graph
    divides: set[str] = set()
    multiplies: dict[str, Node] = {}
    for node in subject.tape:
        match node:
            case Apply(Builtin(laws=laws, result_roles=roles), (scores, *_)) if (
                "shift" in laws and roles & set(DISTRIBUTIONS) and scores
            ):
                for name, by, divided in _scales(graph, bare(scores)):
                    if divided:
                        divides.add(name)
                    else:
                        multiplies[name] = by
            case _:
                pass
    for name in divides & multiplies.keys():
        place = written(graph, multiplies[name])
        if place is not None and not place.calls:
            message = f"`{name}` multiplies scores here, and divides those of another softmax"
            yield at("LD453", message, place.span, help=f"divide by `{name}` in both")


def _scales(graph: Graph, node: Node) -> Iterator[tuple[str, Node, bool]]:
    """Yield the numbers by which scores are multiplied or divided, and where."""
    while isinstance(node, Apply) and node.function.operator in ("*", "/"):
        first, second = (bare(each) for each in node.arguments[:2] if each is not None)
        inputs = [each for each in (second, first) if _is_number(graph, each)]
        if len(inputs) != 1:
            return
        (number,) = inputs
        if node.function.operator == "/" and number is first:
            return
        if isinstance(number, Input):
            yield number.name, node, node.function.operator == "/"
        node = first if number is second else second


def _is_number(graph: Graph, node: Node) -> bool:
    type = graph.types[node]
    return isinstance(type, ArrayType) and type.dims == ()
