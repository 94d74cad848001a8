"""LD442: mask of what it does not leave out.

A number that is reduced already is the same for every element, so that a mask times it masks
nothing; and logits of 0 are a distribution as any other.

Inputs
  z: logits f32[B, C]
  y: labels i32[B]
  m: mask f32[B]

Wrong
  l = cross_entropy(z, y)
  loss = sum(l*m)/maximum(sum(m), 1)

Right
  loss = cross_entropy(z, y, where=m > 0)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.padding import marks_given
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Graph, Node, operands
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.roles import DISTRIBUTIONS
from lossdsl.types.types import ArrayType


@lint()
def masks_nothing(subject: Subject) -> Iterator[Diagnostic]:
    """Yield products of a mask of elements with a number that was reduced, or with logits.

    Logits of 0 are a distribution as any other, the uniform one.
    """
    graph = subject.core.graph
    for node in subject.tape if subject.has_flags else ():
        match node:
            case Apply(Builtin(operator="*"), (a, b)) if a is not None and b is not None:
                place = written(graph, node)
                for mask, value in ((a, b), (b, a)):
                    if place is None or place.calls or not _is_mask(subject, mask):
                        continue
                    if _is_reduced(graph, value):
                        message = "a mask multiplies what is one number for all its elements"
                        help = (
                            'give the mask to the reduction by `where=`, or `reduce="none"` first'
                        )
                        yield at("LD442", message, place.span, help=help)
                    elif _role(graph, value) == "logits" and _is_normalized(subject, node):
                        message = "logits that a mask makes 0 are a uniform distribution"
                        help = "`where=` of the loss leaves elements out"
                        yield at("LD442", message, place.span, help=help)
            case _:
                pass


def _is_normalized(subject: Subject, scores: Node) -> bool:
    """Say whether a value is what a softmax is taken of."""
    return any(
        isinstance(node, Apply)
        and scores in operands(node)[:1]
        and not node.function.result_roles.isdisjoint(DISTRIBUTIONS)
        for node in subject.tape
    )


def _is_mask(subject: Subject, node: Node) -> bool:
    """Say whether a value is an array of flags of what is given."""
    type = subject.core.graph.types[node]
    several = isinstance(type, ArrayType) and type.rank != 0
    return several and marks_given(subject, subject.flags[node])


def _role(graph: Graph, node: Node) -> str | None:
    type = graph.types[node]
    return type.role if isinstance(type, ArrayType) and type.rank != 0 else None


def _is_reduced(graph: Graph, node: Node) -> bool:
    """Say whether a value is the mean or the sum of an array over all of its axes."""
    type = graph.types[node]
    reduced = isinstance(node, Apply) and node.function.combine is not None
    return reduced and isinstance(type, ArrayType) and type.rank == 0
