"""Calls that wait for types: core says which function is called, and with what."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.core.graph import Const, Node
from lossdsl.elaborate.context import Call
from lossdsl.elaborate.roles import given_types, resulting, with_role
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.infer.bound import Bound
from lossdsl.library.function import is_operand
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import UNKNOWN


def undecided(call: Call) -> Value:
    """Return a call of which it is not known yet what it becomes."""
    arguments: list[Node | None] = []
    for parameter in call.signature.parameters:
        if is_operand(parameter):
            entries = call.bound.entries(parameter)
            values = [None if entry is None else entry[0] for entry in entries]
            arguments += [value.node if isinstance(value, Value) else None for value in values]
    # What the options read are inputs too.
    reads: dict[str, Node] = {}
    static: dict[str, object] = {}
    for name, value in _options(call.bound):
        match value:
            case Value(Const(constant)):
                static[name] = constant
            case Value(node):
                reads[name] = node
            case Static(constant) if constant is not None:
                static[name] = constant
            case Static():
                pass
            case FunctionValue(function):
                static[name] = function.name
            case str():
                static[name] = value
    type = with_role(UNKNOWN, resulting(call.function, given_types(call.bound)))
    options = {**static, "reads": (*reads,)}
    operands = (*arguments, *reads.values())
    return call.undecided(call.function, operands, type, options)


def _options(bound: Bound) -> Iterator[tuple[str, Argument | str]]:
    """Yield what is given by name or is static; axes as they are written."""
    for parameter in bound.signature.parameters:
        if parameter.name in bound.values and not is_operand(parameter):
            yield parameter.name, bound.values[parameter.name][0]
    for name, axes in bound.axes.items():
        if axes.given:
            yield name, axes.written
    if bound.axis is not None:
        yield AXIS, bound.axis.written
    for name in bound.options:
        option = bound.option(name)
        if option is not None:
            yield name, option[0]
