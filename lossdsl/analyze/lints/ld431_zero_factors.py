"""LD431: weight is zero.

The term is reported and never trained.

Inputs
  out: f32[B]
  tgt: f32[B]

Wrong
  mse(out, tgt) + 0*mae(out, tgt)

Right
  mse(out, tgt) + 0.1*mae(out, tgt)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Node
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.types.types import ArrayType


@lint()
def zero_factor(subject: Subject) -> Iterator[Diagnostic]:
    """Yield arrays that are computed and multiplied by a 0 that is written.

    0 times an input is how zeros of its shape are written; of numbers, weights of terms, the terms
    say what is left out.
    """
    graph = subject.core.graph
    for node in subject.tape:
        match node:
            case Apply(Builtin(operator="*"), (a, b)) if _is_zero(a) or _is_zero(b):
                place = written(graph, node)
                type = graph.types[node]
                several = isinstance(type, ArrayType) and type.rank
                computed = several and (isinstance(a, Apply) or isinstance(b, Apply))
                if place is not None and not place.calls and computed:
                    message = f"`{place.span.text}` is 0 wherever its factors are finite"
                    help = "leave it out; `broadcast(0.0, like=x)` makes zeros of the shape of `x`"
                    yield at("LD431", message, place.span, help=help)
            case _:
                pass


def _is_zero(node: Node | None) -> bool:
    match node:
        case Const(int() | float() as value, sizes):
            return value == 0 and not isinstance(value, bool) and not sizes
        case _:
            return False
