"""Libraries that a command line or a project names: `.loss` files, and modules of Python.

A module runs when it is imported. So one is named by whoever runs the command, never by a spec.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, Label, LossError, at
from lossdsl.library.declare import Library, builtins, with_builtins
from lossdsl.library.function import Builtin
from lossdsl.source import Source, Span

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
    values = vars(_imported(name, os.path.abspath(root)))
    if not member:
        functions = Library()
        for each in _libraries(values.values()):
            functions |= each
        if functions:
            return functions
        message = f"the module `{name}` has no functions for a spec"
        help = "`@lossdsl.primitive` makes one, and `Library.of` a library of plain ones"
        raise LossError([_unusable(message, values.get("__file__"), help)])
    if member not in values:
        close = get_close_matches(member, values, n=1)
        help = f"did you mean `{close[0]}`?" if close else _FORM
        message = f"the module `{name}` has no `{member}`"
        raise LossError([_unusable(message, values.get("__file__"), help)])
    value = values[member]
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


def _imported(name: str, root: str) -> Any:
    """Import a module; what it prints is no output of the command."""
    added = root not in sys.path
    if added:
        sys.path.insert(0, root)
    try:
        with redirect_stdout(sys.stderr):
            return importlib.import_module(name)
    except LossError as error:
        line = _line(error)
        label = () if line is None else (Label(line, "raised here"),)
        told = [replace(each, labels=each.labels + label) for each in error.diagnostics]
        raise LossError(told) from None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise LossError([_raised(name, error)]) from None
        missing = f"there is no module `{error.name}`"
        message = f"`{name}` cannot be imported: {missing}"
        help = f"{_FORM}; modules are found from `{root}` and in this environment"
        if os.path.isfile(os.path.join(root, f"{name}.loss")):
            help = f"did you mean `{name}.loss`?"
        raise LossError([_unusable(message, None, help)]) from None
    except (Exception, SystemExit) as error:
        raise LossError([_raised(name, error)]) from None
    finally:
        if added:
            sys.path.remove(root)


def _raised(name: str, error: BaseException) -> Diagnostic:
    """Say what a module raised where it was imported, and show its line."""
    text = " ".join(str(error).split())
    kind = type(error).__name__
    message = f"`{name}` raised {'an' if kind[0] in 'AEIOU' else 'a'} `{kind}` when imported"
    message += f": {text}" if text else ""
    return at("LD809", message, _line(error), help="mend the module, or import it to see more")


def _line(error: BaseException) -> Span | None:
    """Return the line of the module that was running."""
    place: tuple[str, int] | None = None
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith("<") and name not in _MACHINERY:
            place = name, trace.tb_lineno
            break
        trace = trace.tb_next
    if place is None and isinstance(error, SyntaxError) and error.filename and error.lineno:
        place = error.filename, error.lineno
    if place is None:
        return None
    try:
        with open(place[0], encoding="utf-8") as file:
            source = Source(file.read(), _relative(place[0]))
        start = source.line_start(place[1] - 1)
    except (OSError, ValueError, IndexError):
        return None
    line = source.line_text(place[1] - 1)
    indent = len(line) - len(line.lstrip())
    return Span(source, start + indent, start + len(line.rstrip()))


_MACHINERY: Sequence[str] = (__file__, str(importlib.__file__))


def _relative(name: str) -> str:
    try:
        relative = os.path.relpath(name)
    except ValueError:
        return name
    return name if relative.startswith("..") else relative


def _unusable(message: str, file: str | None, help: str) -> Diagnostic:
    source = Source("", "<command line>" if file is None else _relative(file))
    return at("LD809", message, Span(source, 0, 0), help=help)
