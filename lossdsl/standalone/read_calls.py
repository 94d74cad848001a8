"""Calls in a kernel's source, read: what is one expression stands in place of the call."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isclass
from typing import Any

import jax

from lossdsl.library.function import Builtin, is_own_module
from lossdsl.library.primitives import direct
from lossdsl.library.promotion import own_rules
from lossdsl.standalone.emitted_file import Block, File
from lossdsl.standalone.execute import execute
from lossdsl.standalone.read_functions import read_differentiated, read_function
from lossdsl.standalone.read_operations import constant, is_method, of_jax, of_python, spelled
from lossdsl.standalone.scope import Closure, Differentiated, Scope, source_of
from lossdsl.standalone.values import Code


@dataclass(eq=False)
class KernelReader:
    """Reads the kernels of the functions that one program calls into a file."""

    file: File
    kernels: dict[Builtin, Any] = field(default_factory=dict[Builtin, Any])
    results: dict[Any, Any] = field(default_factory=dict[Any, Any])

    # Functions of the language

    def kernel(self, function: Builtin) -> Any:
        """Return the kernel of a function as it is read."""
        if function not in self.kernels:
            factory = function.factory
            assert factory is not None
            scope = self._scope(factory, f"_{factory.__name__.strip('_')}")
            returned = execute(source_of(factory).body, scope)
            if returned is None or scope.block.statements:
                raise SyntaxError(f"the kernel of `{function.name}` cannot be read")
            self.kernels[function] = returned.value
        return self.kernels[function]

    def apply(
        self, function: Builtin, operands: tuple[Any, ...], options: Mapping[str, Any], block: Block
    ) -> Any:
        """Return what a call of a kernel is."""
        factory = function.factory
        assert factory is not None
        word = f"_{factory.__name__.strip('_')}"
        before = set(self.file.functions)
        result = self.call(
            self.kernel(function), operands, options, self._scope(factory, "", block)
        )
        match result:
            # The function that does all the work has the name of what it computes.
            case Code(_, ast.Call(ast.Name(own) as called)) if own not in before:
                if own.startswith(f"{word}_"):
                    called.id = self.file.rename(own, self.file.unlike(word))
                if called.id in self.file.functions:
                    self.file.document(called.id, function.doc.strip().partition("\n")[0])
            case _:
                pass
        return result

    def _scope(
        self, function: Callable[..., Any], prefix: str, block: Block | None = None
    ) -> Scope:
        around = vars(function).get("__globals__") or function.__globals__
        return Scope(self, self.file, block or Block(), {}, None, around, prefix)

    # Calls

    def call(
        self,
        function: Any,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        scope: Scope,
    ) -> Any:
        """Return what a call is."""
        match function:
            case Closure():
                return read_function(function, arguments, keywords, scope)
            case Differentiated():
                return read_differentiated(function, arguments, scope)
            case Code():
                return of_jax(function, arguments, keywords, scope)
            case _ if function is jax.custom_jvp:
                fixed = keywords.get("nondiff_argnums", ())
                return Differentiated(self._read(arguments[0]), tuple(fixed))
            case _ if function is own_rules:
                return _identity  # a caller's own file is under a caller's own rules
            case _ if function is _identity:
                return arguments[0]
            case _ if is_method(function):
                return function(*arguments, **keywords)
            case _ if function is direct.inlined:
                inner = self._read(arguments[0])
                if isinstance(inner, Differentiated):
                    return inner
                return Closure(inner.node, inner.scope, inner.word, jitted=True)
            case _ if function is direct.constant:
                return constant(*arguments)
            case _ if callable(function) and function in direct.SPELLINGS:
                return spelled(function, arguments, keywords)
            case _ if _is_own(function):
                return self._own(function, arguments, keywords, scope)
            case _:
                return of_python(function, arguments, keywords, scope)

    def _read(self, function: Any) -> Any:
        """Return a function as one that is read."""
        if isinstance(function, Closure | Differentiated):
            return function
        inner = getattr(function, "__wrapped__", function)
        word = f"_{inner.__name__.strip('_')}"
        return Closure(source_of(inner), self._scope(inner, word), word)

    def _own(
        self,
        function: Any,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        scope: Scope,
    ) -> Any:
        read = self._read(function)
        if arguments or keywords:
            return read_function(read, arguments, keywords, scope)
        # What takes nothing is made once.
        if function not in self.results:
            self.results[function] = read_function(read, (), {}, scope)
        return self.results[function]


def _identity(function: Any) -> Any:
    return function


def _is_own(function: Any) -> bool:
    inner = getattr(function, "__wrapped__", function)
    return not isclass(inner) and hasattr(inner, "__code__") and is_own_module(inner)
