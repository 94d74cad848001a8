"""Calls of plain Python functions: their results have the types that running them on shapes gives.

What is computed arrives as arrays, a tree as nested dicts; what is known before any call, such as
a literal or an option in quotes, arrives as the Python value.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lossdsl.core.graph import Const, Node
from lossdsl.elaborate.context import Call
from lossdsl.elaborate.undecided import undecided
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.infer.bound import Bound
from lossdsl.library.abstract import Arguments, Failure, result_type
from lossdsl.library.function import is_operand
from lossdsl.types.types import Dim, Type, UnknownType


@dataclass
class _Given:
    """The operands of a call in the order of its parameters, and what the function receives."""

    nodes: list[Node | None] = field(default_factory=list["Node | None"])
    types: dict[str, Type | tuple[Type, ...]] = field(
        default_factory=dict[str, "Type | tuple[Type, ...]"]
    )
    plain: dict[str, object] = field(default_factory=dict[str, object])
    options: dict[str, object] = field(default_factory=dict[str, object])
    waits: bool = False


def python_call(call: Call) -> Value:
    """Return the value of a call, which waits for sizes while the function cannot be run."""
    given = _given(call.bound)
    function = call.function
    if given.waits:
        return undecided(call)
    arguments = Arguments(given.types, given.plain)
    match result_type(function.kernel, arguments, call.context.concrete):
        case Failure(code, message, notes, help):
            full_message = f"`{function.name}` {message}"
            notes = (*_received(given), *notes)
            return call.error(code, full_message, notes=notes, help=help)
        case UnknownType():
            return undecided(call)
        case type:
            return call.apply(function, given.nodes, type, given.options)


def _given(bound: Bound) -> _Given:
    given = _Given()
    for parameter in bound.signature.parameters:
        if parameter.variadic:
            values = [value for value, _ in bound.variadic if isinstance(value, Value)]
            given.nodes += [value.node for value in values]
            given.types[parameter.name] = tuple(value.type for value in values)
            given.waits |= len(values) < len(bound.variadic)
        else:
            entry = bound.values.get(parameter.name)
            node = None if entry is None else _receive(given, parameter.name, entry[0])
            if is_operand(parameter):
                given.nodes.append(node)
    return given


def _receive(given: _Given, name: str, value: Argument) -> Node | None:
    """Note what one parameter receives; `none` leaves it to the default that Python knows."""
    match value:
        case Value(_, UnknownType()) | Value(Const(Dim())):
            given.waits = True
            return value.node
        case Value(Const(constant) as node):
            given.plain[name] = constant
            return node
        case Value(node, type):
            given.types[name] = type
            return node
        case Static(str() as text):
            given.plain[name] = given.options[name] = text
        case Static(tuple() as dims):
            sizes = tuple(dim.known for dim in dims)
            given.plain[name] = given.options[name] = sizes
            given.waits |= None in sizes
        case Static() | FunctionValue():
            pass  # `none`: binding refuses functions
    return None


def _received(given: _Given) -> tuple[str, ...]:
    """Say with what a function was called."""
    shown: list[str] = []
    for name, entry in given.types.items():
        if isinstance(entry, tuple):
            shown += [f"`*{name}`: {', '.join(map(str, entry))}"]
        else:
            shown.append(f"`{name}`: {entry}")
    shown += [f"`{name}` = {value!r}" for name, value in given.plain.items()]
    return ("with " + ", ".join(shown),) if shown else ()
