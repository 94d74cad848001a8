"""Libraries that a command line or a project names: `.loss` files, and modules of Python.

A module runs when it is imported. So one is named by whoever runs the command, never by a spec.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lossdsl.cli.modules import Modules
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError
from lossdsl.library.declare import Library, builtins, with_builtins
from lossdsl.library.function import Builtin

_MODULE = re.compile(r"(?!.*\.loss$)[^\W\d]\w*(?:\.[^\W\d]\w*)*(?::[^\W\d]\w*)?")
_FORM = "a library is a `.loss` file, `package.module`, or `package.module:name`"


def read_libraries(
    names: Iterable[str], root: str = ""
) -> tuple[Library | None, tuple[Diagnostic, ...]]:
    """Return the functions of lossdsl and of all libraries, or what is wrong with these.

    Files and modules are looked for from `root`, the folder of the project.
    """
    library = with_builtins()
    try:
        for name in names:
            if _is_module(name):
                library |= _module_library(name, root)
            else:
                library |= Library.load(os.path.normpath(os.path.join(root, name)))
    except LossError as problem:
        return None, problem.diagnostics
    return library, ()


def _is_module(name: str) -> bool:
    return _MODULE.fullmatch(name) is not None and not os.path.isfile(name)


def _module_library(word: str, root: str) -> Library:
    """Return the functions of a module: its primitives and libraries, or the one that is named."""
    name, _, member = word.partition(":")
    modules = Modules("LD809", _FORM, root)
    if not member:
        values = modules.names_of(name)
        functions = Library()
        for each in _libraries(values.values()):
            functions |= each
        if functions:
            return functions
        message = f"the module `{name}` has no functions for a spec"
        help = "`@lossdsl.primitive` makes one, and `Library.of` a library of plain ones"
        raise LossError([modules.unusable(message, values.get("__file__"), help)])
    value = modules.member(name, member)
    return value if isinstance(value, Library) else Library.of(value)


def _libraries(values: Iterable[Any]) -> Iterator[Library]:
    own = builtins()
    for value in values:
        if isinstance(value, Library) and value is not own:
            yield Library(
                {name: f for name, f in value.functions.items() if own.get(name) is not f},
                {key: f for key, f in value.private.items() if key not in own.private},
            )
        elif isinstance(value, Builtin) and own.get(value.name) is not value:
            yield Library.of(value)
