"""Where a name of a kernel's source is looked up, and the functions that are read there."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol

from lossdsl.library.function import Builtin
from lossdsl.standalone.emitted_file import Block, File
from lossdsl.standalone.values import codes


class Reader(Protocol):
    """What reads calls."""

    def call(
        self,
        function: Any,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        scope: Scope,
    ) -> Any:
        """Return what a call is."""
        ...

    def kernel(self, function: Builtin) -> Any:
        """Return the kernel of a function as it is read."""
        ...


@dataclass(eq=False)
class Scope:
    """The variables of one call of a function that is read, inside of those around it.

    `prefix` goes in front of the names of what is defined in it. `captured` says that a variable
    of the function around it was read, so that its own definition stands there.
    """

    reader: Reader
    file: File
    block: Block
    variables: dict[str, Any]
    outer: Scope | None
    globals: Mapping[str, Any]
    prefix: str = ""
    captured: bool = False

    def look_up(self, word: str) -> Any:
        """Return what a name stands for; raise `NameError` if for nothing."""
        crossed: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            if word in scope.variables:
                value = scope.variables[word]
                if any(has_names(code.expr) for code in codes(value)):
                    for inner in crossed:
                        inner.captured = True
                return value
            crossed.append(scope)
            scope = scope.outer
        if word in self.globals:
            return self.globals[word]
        return getattr(builtins, word)

    def within(self, block: Block) -> Scope:
        """Return the same variables with another block for what is written."""
        return replace(self, block=block, variables=dict(self.variables))

    def inner(self) -> Scope:
        """Return a scope for the variable of a comprehension."""
        return replace(self, variables={}, outer=self, captured=False)


def has_names(expr: ast.expr) -> bool:
    """Say whether an expression reads a variable, and not only modules."""
    return any(
        isinstance(node, ast.Name) and node.id not in ("jax", "jnp", "optax")
        for node in ast.walk(expr)
    )


@dataclass(eq=False)
class Closure:
    """A function that is read as source: its tree, and where it was defined.

    `jitted` says that JAX differentiates it as one operation.
    """

    node: ast.FunctionDef | ast.Lambda
    scope: Scope
    word: str
    jitted: bool = False


@dataclass(eq=False)
class Differentiated:
    """A function with a rule of differentiation of its own, as `jax.custom_jvp` makes it."""

    function: Closure
    fixed: tuple[int, ...] = ()
    rule: Closure | None = None
    symbolic_zeros: bool = False
    known: dict[Any, str] = field(default_factory=dict[Any, str])

    def defjvp(self, rule: Closure, symbolic_zeros: bool = False) -> Closure:
        """Note the rule."""
        self.rule, self.symbolic_zeros = rule, symbolic_zeros
        return rule


@lru_cache(maxsize=1024)
def source_of(function: Callable[..., Any]) -> ast.FunctionDef:
    """Return the syntax tree of a function; raise `OSError` if its source is not at hand."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    if not isinstance(node, ast.FunctionDef):
        raise OSError(f"{function!r} is not written as a function")
    return node


def bound(
    arguments: ast.arguments,
    positional: tuple[Any, ...],
    keywords: Mapping[str, Any],
    default: Callable[[ast.expr], Any],
) -> dict[str, Any]:
    """Return the value of each parameter of a call, those that are left out by their defaults."""
    names = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
    values: dict[str, Any] = dict(zip(names, positional, strict=False))
    if arguments.vararg is not None:
        values[arguments.vararg.arg] = tuple(positional[len(names) :])
    elif len(positional) > len(names):
        raise TypeError(f"{len(positional)} arguments for {len(names)} parameters")
    values |= keywords
    given = [*zip(reversed(names), reversed(arguments.defaults), strict=False)]
    given += [
        (parameter.arg, value)
        for parameter, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if value is not None
    ]
    for word, value in given:
        if word not in values:
            values[word] = default(value)
    return values


@lru_cache(maxsize=1024)
def local_names(node: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """Return the names of the parameters and the variables of a function."""
    parameters = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    variables = {
        inner.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }
    return frozenset(parameters | variables)
