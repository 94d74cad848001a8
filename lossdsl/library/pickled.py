"""How functions cross to another process: by where they are found there.

A kernel is a closure of JAX, which no pickle holds; the module that declares it is imported.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lossdsl.diagnostics.diagnostic import LossError, at

if TYPE_CHECKING:
    from lossdsl.library.function import Builtin


def reduced(function: Builtin) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return what makes a function again: one of lossdsl, of a module, of Python, or of a text."""
    from lossdsl.library.declare import builtins, primitives
    from lossdsl.library.python import of_python

    name, factory = function.name, function.factory
    if primitives().get(name) is function or builtins().get(name) is function:
        return _own, (name,)
    if function.python:
        return of_python, (function.kernel, name)
    if factory is not None and factory.__module__ in sys.modules:
        for attribute, value in vars(sys.modules[factory.__module__]).items():
            if value is function:
                return _of_module, (factory.__module__, attribute)
    return type(function), tuple(
        getattr(function, part.name) for part in dataclasses.fields(function)
    )


def _own(name: str) -> Builtin:
    from lossdsl.library.declare import builtins, primitives

    return primitives().get(name) or builtins()[name]


def _of_module(module: str, attribute: str) -> Builtin:
    from lossdsl.library.function import Builtin

    try:
        function = getattr(import_module(module), attribute, None)
    except ImportError:
        function = None
    if isinstance(function, Builtin):
        return function
    message = f"the function `{attribute}` of the module `{module}` is not in this process"
    help = "declare it in a module that both processes import"
    raise LossError([at("LD808", message, None, help=help)])
