"""LD423: distance of a value to itself.

A loss that is 0 where its two arguments are equal is 0 always if they are the same value, and
trains nothing.

Inputs
  out: f32[B]
  tgt: f32[B]

Wrong
  mse(out, out)

Right
  mse(out, tgt)
"""

from __future__ import annotations

from lossdsl.core.graph import Apply, Input, Leaves
from lossdsl.diagnostics.diagnostic import at
from lossdsl.elaborate.context import Call
from lossdsl.infer.arguments import Value


def hold_distinct(call: Call) -> None:
    """Report a distance of a value to itself, which is 0; a lint of the text."""
    if call.context.concrete or "zero" not in call.function.laws or len(call.bound.values) < 2:
        return
    (a, _), (b, span), *_ = call.bound.values.values()
    match a, b:
        case Value(Apply() | Input() | Leaves() as node), Value(other) if node is other:
            message = f"`{call.function.name}` of `{span.text}` and itself is 0"
            help = "one of the two is meant to be another value"
            call.scope.report(at("LD423", message, span, help=help))
        case _:
            pass
