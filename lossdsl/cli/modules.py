"""Modules of Python that a command line names, and what they raise where they are run.

A module runs when it is imported. So one is named by whoever runs the command, never by a spec.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, TypeVar

from lossdsl.diagnostics.diagnostic import Diagnostic, Label, LossError, article, at
from lossdsl.frozen import dataclass
from lossdsl.source import Source, Span

Result = TypeVar("Result")


@dataclass(frozen=True)
class Modules:
    """How modules are named in one place, and the code of what is wrong with one.

    They are found from `root`, and in the environment.
    """

    code: str
    form: str
    root: str = ""

    def names_of(self, module: str) -> Mapping[str, Any]:
        """Import a module and return what it holds; raise `LossError` where it cannot be."""
        return vars(self._imported(module))

    def member(self, module: str, name: str) -> Any:
        """Return what a module has under a name."""
        values = self.names_of(module)
        if name in values:
            return values[name]
        close = get_close_matches(name, values, n=1)
        help = f"did you mean `{close[0]}`?" if close else self.form
        message = f"the module `{module}` has no `{name}`"
        raise LossError([self.unusable(message, values.get("__file__"), help)])

    def run(self, call: Callable[[], Result], subject: str, when: str) -> Result:
        """Return what a call returns; what it prints is no output of the command."""
        try:
            with redirect_stdout(sys.stderr):
                return call()
        except LossError as error:
            line = _line(error)
            label = () if line is None else (Label(line, "raised here"),)
            told = [replace(each, labels=each.labels + label) for each in error.diagnostics]
            raise LossError(told) from None
        except (Exception, SystemExit) as error:
            raise LossError([self._raised(subject, when, error)]) from None

    def unusable(self, message: str, file: str | None, help: str) -> Diagnostic:
        """Return the diagnostic of a module that is not what it is named as."""
        source = Source("", "<command line>" if file is None else _relative(file))
        return at(self.code, message, Span(source, 0, 0), help=help)

    def _imported(self, name: str) -> Any:
        root = os.path.abspath(self.root)
        added = root not in sys.path
        if added:
            sys.path.insert(0, root)
        try:
            return self.run(lambda: self._found(name, root), name, "when imported")
        finally:
            if added:
                sys.path.remove(root)

    def _found(self, name: str, root: str) -> Any:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
            missing = f"there is no module `{error.name}`"
            message = f"`{name}` cannot be imported: {missing}"
            help = f"{self.form}; modules are found from `{root}` and in this environment"
            if os.path.isfile(os.path.join(root, f"{name}.loss")):
                help = f"did you mean `{name}.loss`?"
        # Outside of the handler, so that no line of the machinery is shown for where it was raised.
        raise LossError([self.unusable(message, None, help)])

    def _raised(self, subject: str, when: str, error: BaseException) -> Diagnostic:
        """Say what a module raised, and show its line."""
        text = " ".join(str(error).split())
        kind = article(f"`{type(error).__name__}`")
        message = f"`{subject}` raised {kind} {when}{f': {text}' if text else ''}"
        help = "mend the module, or import it to see more"
        return at(self.code, message, _line(error), help=help)


def _line(error: BaseException) -> Span | None:
    """Return the line of the module that was running."""
    place: tuple[str, int] | None = None
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith(("<", *_machinery())):
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


def _machinery() -> Iterator[str]:
    """Yield where files lie through which the module was run: of imports, lossdsl and JAX."""
    for name in ("importlib", "lossdsl", "jax"):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            yield os.path.join(os.path.dirname(file), "")


def _relative(name: str) -> str:
    try:
        relative = os.path.relpath(name)
    except ValueError:
        return name
    return name if relative.startswith("..") else relative
