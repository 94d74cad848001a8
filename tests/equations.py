"""What a function computes, as one number a value: equal numbers are equal expressions.

A function is traced and nothing is compiled. Programs within programs are opened, an expression
that occurs twice is one number, and what nothing reads has none, so that two functions which
compute the same, operation by operation, have equal numbers, however they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend import core

# Operations that run the program which a parameter of theirs holds.
CALLS = ("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat2")
PROGRAMS = ("jaxpr", "call_jaxpr", "fun_jaxpr")

# Parameters that say nothing of the value.
UNREAD = ("weak_type", "name", "sharding")


class Expressions:
    """Numbers of expressions; functions that are compared share them."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._arrays: dict[int, np.ndarray] = {}

    def of(self, function: Callable[..., Any], *operands: Any) -> tuple[Any, list[int]]:
        """Return the tree of what a function returns, and the number of each of its leaves."""
        closed, result = jax.make_jaxpr(function, return_shape=True)(*operands)
        inputs = [self._number("input", at) for at in range(len(closed.in_avals))]
        return jax.tree.structure(result), self._run(closed, inputs)

    def _number(self, *expression: Hashable) -> int:
        return self._numbers.setdefault(expression, len(self._numbers))

    def _array(self, value: Any) -> int:
        array = np.asarray(value)
        number = self._number("array", str(array.dtype), array.shape, array.tobytes())
        self._arrays[number] = array
        return number

    def _run(self, program: Any, operands: Sequence[int]) -> list[int]:
        """Return the numbers of the results of a program of operands."""
        closed = isinstance(program, core.ClosedJaxpr)
        jaxpr, consts = (program.jaxpr, program.consts) if closed else (program, ())
        known = dict(zip(jaxpr.constvars, map(self._array, consts), strict=True))
        known |= zip(jaxpr.invars, operands, strict=True)

        def read(atom: Any) -> int:
            if isinstance(atom, core.Literal):
                return self._array(np.asarray(atom.val, atom.aval.dtype))
            return known[atom]

        for equation in jaxpr.eqns:
            results = self._results(equation, [read(atom) for atom in equation.invars])
            known |= zip(equation.outvars, results, strict=True)
        return [read(atom) for atom in jaxpr.outvars]

    def _results(self, equation: Any, operands: list[int]) -> list[int]:
        name, params = equation.primitive.name, equation.params
        if name in CALLS:
            return self._run(next(params[key] for key in PROGRAMS if key in params), operands)
        if _changes_nothing(equation):
            return operands
        constant = self._constant(name, params, operands)
        if constant is not None:
            return [self._array(constant)]
        read = sorted((key, self._param(params[key])) for key in params if key not in UNREAD)
        return [
            self._number(name, tuple(read), tuple(operands), at)
            for at in range(len(equation.outvars))
        ]

    def _constant(self, name: str, params: Any, operands: Sequence[int]) -> np.ndarray | None:
        """Return what a constant is made into where that is no arithmetic."""
        array = self._arrays.get(operands[0]) if len(operands) == 1 else None
        if array is None:
            return None
        if name == "convert_element_type":
            return array.astype(params["new_dtype"])
        if name == "broadcast_in_dim" and not array.shape:
            return np.broadcast_to(array, params["shape"])
        return None

    def _param(self, value: Any) -> str:
        if isinstance(value, core.ClosedJaxpr | core.Jaxpr):
            jaxpr = value.jaxpr if isinstance(value, core.ClosedJaxpr) else value
            bound = [self._number("bound", at, str(v.aval)) for at, v in enumerate(jaxpr.invars)]
            return repr(self._run(value, bound))
        if isinstance(value, tuple | list):
            return repr([self._param(item) for item in value])
        return repr(value)


def _changes_nothing(equation: Any) -> bool:
    name, params = equation.primitive.name, equation.params
    if name == "convert_element_type":
        return equation.invars[0].aval.dtype == params["new_dtype"]
    return name == "reduce_sum" and not params["axes"]
