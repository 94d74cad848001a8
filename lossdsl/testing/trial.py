"""A function under test: the call to try it at, random inputs for it, and its compiled value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lossdsl.compilation import compile
from lossdsl.library.declare import Builtin, Library
from lossdsl.library.function import is_operand
from lossdsl.loss import CompiledLoss
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.options import LOSS_OPTIONS
from lossdsl.syntax.parse import parse_program
from lossdsl.testing.draw import draw
from lossdsl.testing.law_tests import SIZES

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A function with the library that it is called from and the types given for its inputs."""

    function: Builtin
    library: Library
    inputs: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.name

    @property
    def example(self) -> str:
        """The first example of the doc, or nothing."""
        return self.function.about.get("example", "").partition("\n")[0]

    @cached_property
    def drawn(self) -> Builtin:
        """The function as inputs are drawn for it: with the types that are given for them."""
        if not self.inputs:
            return self.function
        (signature, *_) = self.function.signatures
        own = {parameter.name: parameter.span.text for parameter in signature.parameters}
        own |= {name: f"{name}: {type}" for name, type in self.inputs.items()}
        text = f"{self.name}({', '.join(own.values())})"
        return replace(self.function, texts=(text,), definitions=())

    @cached_property
    def call(self) -> str:
        """The call to try: that of the example without options of losses, or the shortest one."""
        program, _ = parse_program(Source(self.example))
        calls = [] if program is None else [n for n in ast.walk(program) if isinstance(n, ast.Call)]
        for call in calls:
            if call.function == self.name:
                hidden = LOSS_OPTIONS if self.function.is_loss else ()
                options = [key.span.text for key in call.keywords if key.name not in hidden]
                return (
                    f"{self.name}({', '.join([*(a.span.text for a in call.arguments), *options])})"
                )
        (signature, *_) = self.function.signatures
        needed = [
            parameter.name
            for parameter in signature.parameters
            if is_operand(parameter) and (parameter.required or parameter.variadic)
        ]
        return f"{self.name}({', '.join(needed)})"

    def with_option(self, option: str) -> str:
        """Return the call with one more keyword."""
        return f"{self.call[:-1]}, {option})"

    @cached_property
    def loss(self) -> CompiledLoss:
        """The sum of what a call returns, which is itself the metric `value`."""
        text = self.with_option('reduce="none"') if self.function.is_loss else self.call
        return compile(
            f"result = {text}\nmetric value = result\nloss = 1.0*sum(result)", library=self.library
        )

    def draw(self, text: str, seed: int) -> dict[str, Any]:
        """Return random inputs for a text that calls the function, in 32 bits."""
        return {
            name: jax.tree.map(_narrow, value)
            for name, value in draw(self.drawn, text, seed, SIZES).items()
        }

    def value(self, values: Values) -> list[np.ndarray]:
        """Return what a call returns, one array for each leaf."""
        _, terms = self.loss.with_terms(**values)
        return [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(terms.metrics["value"])]


def _narrow(value: Any) -> Any:
    array = np.asarray(value)
    # Of a NumPy array `jnp.asarray` may compile a program for every shape.
    return jax.device_put(array.astype(np.float32) if array.dtype == np.float64 else array)


def slopes(loss: CompiledLoss, values: Values) -> tuple[Any, Values]:
    """Return the value of a loss and its gradient in every input of real numbers."""
    moving = {name: value for name, value in values.items() if is_real(value)}
    fixed = {name: value for name, value in values.items() if name not in moving}
    return _solver(loss)(moving, fixed)


@lru_cache(maxsize=8)
def _solver(loss: CompiledLoss) -> Callable[[Values, Values], Any]:
    """Return value and gradient as one program."""
    return jax.jit(jax.value_and_grad(lambda moving, fixed: loss(**moving, **fixed)))


def is_real(value: Any) -> bool:
    """Say whether an input has floating leaves only."""
    leaves = jax.tree.leaves(value)
    return all(jnp.issubdtype(jnp.result_type(leaf), jnp.floating) for leaf in leaves)
