"""LD428: distribution that does not sum to 1 along its classes.

A cross entropy compares distributions over the classes. What sums to 1 along another axis, or to
another number for every size and setting, moves where the loss is smallest.

Inputs
  z: logits f32[B, C]
  t: one_hot f32[B, C]
  s: float

Wrong
  q = (1 - s)*t + 1/C
  loss = cross_entropy(z, q)

Right
  q = (1 - s)*t + s/C
  loss = cross_entropy(z, q)
"""

from __future__ import annotations

from lossdsl.analyze.axis_totals import Across, AxisTotals, Sum
from lossdsl.analyze.dataflow import forward
from lossdsl.diagnostics.diagnostic import at
from lossdsl.elaborate.argument_requirements import named, requirements
from lossdsl.elaborate.context import Call
from lossdsl.infer.arguments import Value
from lossdsl.library.function import is_own
from lossdsl.types.types import ArrayType, Dim

# How far a sum of numbers that are written may be from 1.
_NEAR = 1e-3


def hold_totals(call: Call) -> None:
    """Report a distribution that surely does not sum to 1 along its classes; a lint of the text.

    It may be one along another axis, or be made by arithmetic that does not keep its sum.
    """
    if call.context.concrete or is_own(call.span.source):
        return
    for required in requirements(call.fitted):
        value, span = call.bound.values[required.parameter]
        along = required.sums_along
        if along is None or not isinstance(value, Value) or not isinstance(value.type, ArrayType):
            continue
        dims = value.type.dims
        if dims is None or along >= len(dims):
            continue
        totals = AxisTotals(call.graph, len(dims) - along, dims[along], call.context.defaults)
        classes = _axis_named(dims, along)
        what, help = "", "what is mixed in sums to 1 as well: `(1 - s)*t + s/C`"
        match forward([value.node], totals)[value.node]:
            case Across(back):
                what = f"does along {_axis_named(dims, len(dims) - back)}"
                help = f"`axis={dims[along].name or along}`"
            case Sum((a, b)) if abs(a - 1) > _NEAR and abs(b - 1) > _NEAR:
                what = f"sums to {a:g}" if abs(a - b) < _NEAR else "does not"
            case _:
                continue
        message = f"{named(required, call.function.name)} sums to 1 along {classes}; this {what}"
        call.scope.report(at("LD428", message, span, help=help))


def _axis_named(dims: tuple[Dim, ...], axis: int) -> str:
    return f"`{dims[axis]}`" if dims[axis].name else f"axis {axis}"
