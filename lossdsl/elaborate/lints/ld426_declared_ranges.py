"""LD426: input may lie outside of a function's domain.

An input is declared to reach numbers at which the function is undefined or means something else,
such as pixels from 0 to 255 given as shares.

Wrong
  z: f32[B]
  y: f32[B] in [0, 255]
  binary_cross_entropy(z, y)

Right
  z: f32[B]
  y: f32[B] in [0, 255]
  binary_cross_entropy(z, y/255)
"""

from __future__ import annotations

from lossdsl.core.graph import Input
from lossdsl.elaborate.argument_requirements import Requirement, requirement_text
from lossdsl.elaborate.context import Call
from lossdsl.infer.arguments import Argument, Value
from lossdsl.library.domains import Interval
from lossdsl.library.roles import ROLE_RANGES
from lossdsl.types.types import ArrayType


def hold_range(call: Call, required: Requirement) -> None:
    """Report an input whose declared range leaves that of a parameter; a lint of the text."""
    value, span = call.bound.values[required.parameter]
    name = value.node.name if isinstance(value, Value) and isinstance(value.node, Input) else None
    declared = call.context.ranges.get(name or "") or _range_of_role(value)
    if declared is None or call.context.concrete or required.counts:
        return
    if not required.range.holds(declared):
        text = requirement_text(call.function.name, required)
        message = f"{text}; `{name}` may be in {declared}"
        call.at(span).error("LD426", message, help="scale it, or correct its range")


def _range_of_role(value: Argument) -> Interval | None:
    """Return where an input of signs lies: what counts from 0 reads them as something else."""
    match value:
        case Value(Input(), ArrayType(role="signs")):
            return ROLE_RANGES["signs"]
        case _:
            return None
