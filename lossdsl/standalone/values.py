"""What stands for a value while a kernel is read: the value as JAX traces it, and its notation.

Whatever is known before a call is a plain Python object: numbers, options, dtypes, functions of
lossdsl. An object that holds `Code` somewhere, as a tuple may, is written with the code in it.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

import jax
import numpy as np

# What a module is called in the file; the constants and dtypes of NumPy are in `jax.numpy` too.
MODULES = {"jax": "jax", "jax.numpy": "jnp", "numpy": "jnp", "optax": "optax"}


@dataclass(eq=False, slots=True)
class Code:
    """A value that is written as an expression: an array, a size, or a function of JAX.

    A leaf is an array of an input, such as `params["w"]`.
    """

    value: Any
    expr: ast.expr
    is_leaf: bool = False

    @property
    def is_array(self) -> bool:
        """Whether it is an array or an array's worth of a tree, not a size or a function."""
        leaves = jax.tree.leaves(self.value)
        return bool(leaves) and any(isinstance(leaf, jax.Array) for leaf in leaves)

    @property
    def is_atom(self) -> bool:
        """Whether it is a name, a number or a leaf of an input, which is no work to write twice."""
        return self.is_leaf or isinstance(self.expr, ast.Name | ast.Constant)


@dataclass(frozen=True, slots=True)
class Undecided:
    """A condition that is decided where JAX differentiates, as whether a tangent is zero."""

    expr: ast.expr


def unwrapped(value: Any) -> Any:
    """Return an object with the values of code in place of it."""
    match value:
        case Code():
            return value.value
        case tuple() if type(value) is tuple:
            return tuple(map(unwrapped, cast("tuple[Any, ...]", value)))
        case list():
            return list(map(unwrapped, cast("list[Any]", value)))
        case dict():
            return {key: unwrapped(item) for key, item in cast("dict[Any, Any]", value).items()}
        case slice():
            return slice(*map(unwrapped, (value.start, value.stop, value.step)))
        case _:
            return value


def codes(value: Any) -> Iterator[Code]:
    """Yield the code that an object holds."""
    match value:
        case Code():
            yield value
        case tuple() | list():
            for item in cast("tuple[Any, ...]", value):
                yield from codes(item)
        case dict():
            for item in cast("dict[Any, Any]", value).values():
                yield from codes(item)
        case slice():
            yield from codes((value.start, value.stop, value.step))
        case _:
            return


def mapped(value: Any, change: Callable[[Code], Any]) -> Any:
    """Return an object with something else in place of the code that it holds."""
    match value:
        case Code():
            return change(value)
        case tuple():
            return tuple(mapped(item, change) for item in cast("tuple[Any, ...]", value))
        case list():
            return [mapped(item, change) for item in cast("list[Any]", value)]
        case dict():
            held = cast("dict[Any, Any]", value)
            return {key: mapped(item, change) for key, item in held.items()}
        case _:
            return value


def name(word: str) -> ast.Name:
    """Return a name as an expression."""
    return ast.Name(word)


def dotted(path: str) -> ast.expr:
    """Return a name with attributes, such as `jax.nn.softmax`."""
    first, *rest = path.split(".")
    expr: ast.expr = name(first)
    for word in rest:
        expr = ast.Attribute(expr, word)
    return expr


def module_path(module: ModuleType) -> str:
    """Return how a module is written.

    >>> import jax.numpy, jax.nn
    >>> module_path(jax.numpy), module_path(jax.nn)
    ('jnp', 'jax.nn')
    """
    path = module.__name__
    for known, shown in MODULES.items():
        if path == known or (known != "jax" and path.startswith(f"{known}.")):
            return shown + path[len(known) :]
    return path


def expression(value: Any) -> ast.expr:
    """Return how an object is written; raise `Unwritable` for one that has no notation."""
    match value:
        case Code(_, expr):
            return expr
        case bool() | None | str() | int():
            return ast.Constant(value) if value is None or value >= _none(value) else _minus(value)
        case float():
            return _number(value)
        case tuple():
            return ast.Tuple([expression(item) for item in cast("tuple[Any, ...]", value)])
        case list():
            return ast.List([expression(item) for item in cast("list[Any]", value)])
        case dict():
            held = cast("dict[Any, Any]", value)
            return ast.Dict([*map(expression, held)], [*map(expression, held.values())])
        case slice():
            ends = (value.start, value.stop, value.step)
            return ast.Slice(*(None if end is None else expression(end) for end in ends))
        case type() if value in (bool, int, float):
            return name(value.__name__)
        case np.dtype() | type() if (dtype := _dtype(value)) is not None:
            return dtype
        case np.generic():
            return expression(value.item())
        case _ if value is ...:
            return ast.Constant(...)
        case _:
            raise Unwritable(value)


class Unwritable(Exception):
    """Something that is no number, text or code stands where a program is written."""

    def __init__(self, value: Any):
        super().__init__(repr(value))
        self.value = value


def _none(value: Any) -> Any:
    """Return the least value of its kind that is written without a sign."""
    return "" if isinstance(value, str) else 0


def _minus(value: Any) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _number(value: float) -> ast.expr:
    if math.isnan(value):
        return dotted("jnp.nan")
    magnitude = dotted("jnp.inf") if math.isinf(value) else ast.Constant(abs(value))
    return ast.UnaryOp(ast.USub(), magnitude) if math.copysign(1, value) < 0 else magnitude


def _dtype(value: Any) -> ast.expr | None:
    try:
        dtype = np.dtype(value)
    except TypeError:
        return None
    return dotted(f"jnp.{'bool_' if dtype.kind == 'b' else dtype.name}")
