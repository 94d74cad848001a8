"""Kernels and functions that users wrote in Python: what is wrong with one is said at its call."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from lossdsl.analyze.constrained_leaves import takes_constraints
from lossdsl.core.graph import Apply, Const, Graph
from lossdsl.core.leaves import tree_leaves
from lossdsl.core.places import in_calls
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.abstract import Failure, described, raised
from lossdsl.library.declare import Builtin
from lossdsl.library.function import is_operand
from lossdsl.library.python import call, nested
from lossdsl.lower.typed import at_call, misfit
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, KEEPDIMS, NORMALIZE, WEIGHT, WHERE
from lossdsl.types.types import Type

# A value is an array, a Python number, or the list of a tree's leaves in the order of its type.
Value = Any


def applied(
    graph: Graph, node: Apply, operands: Sequence[Value], sizes: Mapping[str, int]
) -> Value:
    """Return the value of a user's function."""
    function, cause = node.function, None
    value: Value = None
    try:
        wrong = kernel_misfit(function)
        if wrong is None:
            value = (
                _python(graph, node, operands)
                if function.python
                else function.kernel(*operands, **dict(node.options))
            )
            wrong = _other_type(function, at_call(graph.types[node], sizes), value)
    except LossError:
        raise
    except Exception as problem:  # whatever a user's function raises is what there is to say
        known = vars(function).get("kernel")
        own = (known,) if function.python else (known, function.factory)
        wrong, cause = raised(problem, *own), problem
    if wrong is None:
        return value
    places = graph.places.get(node)
    message = f"`{function.name}` {wrong.message}"
    span = places[0].span if places else None
    diagnostic = at(wrong.code, message, span, notes=wrong.notes, help=wrong.help)
    raise LossError([in_calls(diagnostic, places[0].calls) if places else diagnostic]) from cause


def kernel_misfit(function: Builtin) -> Failure | None:
    """Hold the parameters of a kernel against the signatures that its function declares."""
    if function.python:
        return None
    kernel: Any = function.kernel
    if not callable(kernel):
        help = "the function below `@primitive` returns the kernel, and is not the kernel"
        return Failure("LD805", f"has no kernel: it returns {described(kernel)}", help=help)
    try:
        own = inspect.signature(kernel)
    except ValueError:  # what is written in C does not always say what it takes
        return None
    for signature in function.signatures:
        if takes_constraints(signature):
            continue  # what the checker makes of comparisons is what its kernel takes
        operands, options = kernel_parameters(function, signature)
        try:
            own.bind(*operands, **dict.fromkeys(options))
        except TypeError:
            expected = ", ".join([*operands, *(f"{name}=…" for name in options)])
            shown = f"its signature calls it with ({expected})"
            help = "arrays come by position, static options by name"
            return Failure("LD805", f"has a kernel that takes {own}; {shown}", help=help)
    return None


def kernel_parameters(function: Builtin, signature: ast.Signature) -> tuple[list[str], list[str]]:
    """Return what a kernel is called with: arrays by position, and static options by name."""
    operands: list[str] = []
    options: list[str] = []
    for parameter in signature.parameters:
        if not is_operand(parameter):
            options.append(parameter.name)
        else:
            operands += (
                [f"{parameter.name}0", f"{parameter.name}1"]
                if parameter.variadic
                else [parameter.name]
            )
    if function.reduction:
        operands += [WHERE, WEIGHT] if function.weighted else [WHERE]
        options += [AXIS, KEEPDIMS, *([NORMALIZE] if function.weighted else [])]
    return operands, options


def _other_type(function: Builtin, type: Type, value: Value) -> Failure | None:
    """Hold a value against the type that its function declares for these operands."""
    wrong = misfit(type, value)
    if wrong is None:
        return None
    declared = "running it on shapes" if function.python else f"`{function.texts[0]}`"
    help = "return what is declared, or declare what is returned"
    message = f"returns {wrong[0]}; {declared} gives {wrong[1]}"
    return Failure("LD806", message, help=None if function.python else help)


# Plain Python functions


def _python(graph: Graph, node: Apply, operands: Sequence[Value]) -> Value:
    """Call a Python function with arrays, nested dicts and what was known before."""
    return jnp.asarray(call(node.function.kernel, python_arguments(graph, node, operands)))


def python_arguments(graph: Graph, node: Apply, operands: Sequence[Value]) -> dict[str, Any]:
    """Return what a Python function is called with, by parameter."""
    (signature,) = node.function.signatures
    parameters = [parameter for parameter in signature.parameters if is_operand(parameter)]
    fixed = sum(not parameter.variadic for parameter in parameters)
    values = [_received(graph, *pair) for pair in zip(node.arguments, operands, strict=True)]
    arguments: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.variadic:
            several = len(values) - fixed
            arguments[parameter.name], values = tuple(values[:several]), values[several:]
        else:
            fixed -= 1
            value = values.pop(0)
            if value is not None:
                arguments[parameter.name] = value
    return {**arguments, **dict(node.options)}


def _received(graph: Graph, argument: Any, value: Value) -> Any:
    match argument, value:
        case Const(constant), _:
            return constant
        case _, list():
            paths = [path for path, _ in tree_leaves(graph.types[argument])]
            return nested(dict(zip(paths, value, strict=True)))
        case _:
            return value
