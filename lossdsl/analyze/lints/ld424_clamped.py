"""LD424: bound that makes all one number.

Bounds that are exchanged, or on another scale than the values, move every element to one of them.
Its gradient is 0.

Inputs
  out: f32[B]
  tgt: f32[B]

Wrong
  mean(square(clip(out, 1, -1) - tgt))

Right
  mean(square(clip(out, -1, 1) - tgt))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, operands
from lossdsl.diagnostics.diagnostic import Diagnostic, at


@lint()
def is_constant(subject: Subject) -> Iterator[Diagnostic]:
    """Yield functions of the text whose value is one number wherever their operands lie.

    A product with 0 is told by its factor.
    """
    graph = subject.core.graph
    intervals = subject.intervals
    for node in subject.tape:
        if not isinstance(node, Apply) or node.undecided or node.function.operator:
            continue
        known, place = intervals[node], written(graph, node)
        given = [operand for operand in operands(node) if not isinstance(operand, Const)]
        facts = [intervals[operand] for operand in given]
        varies = any(fact is None or fact.low < fact.high for fact in facts)
        if known is None or known.low != known.high or not varies or place is None or place.calls:
            continue
        if node.function.image is not None:
            message = f"`{' '.join(place.span.text.split())}` is {known.low:g} for every element"
            help = "are its bounds exchanged, or of another scale than what it moves?"
            yield at("LD424", message, place.span, help=help)
