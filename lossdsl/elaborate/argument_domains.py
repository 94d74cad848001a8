"""Constants that are arguments of a call, held to where these may lie."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lossdsl.core.graph import Const, Input
from lossdsl.elaborate.argument_requirements import (
    Requirement,
    advice,
    requirement_text,
    requirements,
)
from lossdsl.elaborate.context import Call
from lossdsl.elaborate.lints.ld426_declared_ranges import hold_range
from lossdsl.infer.arguments import Argument, Static, Value
from lossdsl.types.dims import Dim


def hold_domains(call: Call, chosen: bool = True) -> bool:
    """Report constants for which the function is undefined; say whether there are none.

    While it is open which signature is meant, only what holds for all of them is required.
    """
    fine = True
    for requirement in requirements(call.fitted):
        if not chosen and requirement.parameter not in call.function.domains:
            continue
        value, span = call.bound.values[requirement.parameter]
        numbers = _numbers(value, {} if call.context.concrete else call.context.defaults)
        wrong = [(place, n) for place, n in enumerate(numbers) if not _allowed(requirement, n)]
        for place, number in wrong[:1]:
            which = "this" if len(numbers) == 1 else f"element {place}"
            if isinstance(value, Value) and isinstance(value.node, Input):
                which = f"the default of `{value.node.name}`"
            shown = number if isinstance(number, Dim) else f"{number:g}"
            message = f"{requirement_text(call.function.name, requirement)}; {which} is {shown}"
            help = None if isinstance(number, Dim) else advice(requirement, number)
            call.at(span).error(requirement.code, message, help=help)
        fine = fine and not wrong
        hold_range(call, requirement)
    return fine


def _numbers(value: Argument, defaults: Mapping[str, float]) -> tuple[int | float | Dim, ...]:
    """Return the numbers and sizes of an argument that is constant, or is one by default."""
    match value:
        case Value(Input(name)) if name in defaults:
            return (defaults[name],)
        case Value(Const(int() | float() | Dim() as number)):
            return (number,)
        case Value(Const(tuple() as numbers)) | Static(tuple() as numbers):
            return numbers
        case _:
            return ()


def _allowed(required: Requirement, number: int | float | Dim) -> bool:
    """Say whether a constant is allowed: NaN never is, and of a size all that is known counts."""
    if isinstance(number, Dim):
        if number.known is None:
            return number.most >= required.range.low
        number = number.known
    return not math.isnan(number) and required.admits(number)
