"""What may enter a library: functions with a name that is free, and signatures that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from lossdsl.diagnostics.diagnostic import Diagnostic, Label, LossError, article, at
from lossdsl.library.facts import declared_at, hold_doc, hold_parameters
from lossdsl.library.function import Builtin, is_own
from lossdsl.library.python import of_python
from lossdsl.source import Source, Span
from lossdsl.syntax.ast import ArrayTypeExpr
from lossdsl.syntax.names import RESERVED, read_name
from lossdsl.syntax.parse import parse_signature

Key = TypeVar("Key")
Kind = TypeVar("Kind")


def admitted(function: Builtin | Callable[..., Any], name: str | None = None) -> Builtin:
    """Return a function as a library holds it; raise `LossError` if its declaration is wrong."""
    builtin = function if isinstance(function, Builtin) else _plain(function, name)
    if name not in (None, builtin.name):
        message = f"`{builtin.name}` cannot be named `{name}`: it is declared with its name"
        raise LossError([at("LD802", message, None, help=f"`Library.of({builtin.name})`")])
    if builtin.foreign:
        diagnostics = _signatures(builtin)
        if builtin.operator is not None:
            message = f"`{builtin.operator}` is already an operator of the language"
            diagnostics.append(at("LD801", message, None, help="a function is called by its name"))
        if builtin.form is not None:
            message = (
                f"`{builtin.name}` is declared as a form of core, which only lossdsl's own are"
            )
            diagnostics.append(at("LD804", message, None, help="leave `form` out"))
        if diagnostics:
            raise LossError(diagnostics)
        hold_doc(builtin)
        hold_parameters(builtin)
    return builtin


def hold_library(value: object, kind: type[Kind]) -> Kind:
    """Return a library, or the text of one; raise `LossError` for anything else."""
    if isinstance(value, kind):
        return value
    expected = "a text" if kind is str else f"a `{kind.__name__}`"
    help = "`Library.load` reads a file, `Library.loads` a text, `Library.of` takes functions"
    message = f"a library is given by a `{type(value).__name__}`, not by {expected}"
    raise LossError([at("LD803", message, None, help=help)])


def _plain(function: Callable[..., Any], name: str | None) -> Builtin:
    if not callable(function):
        message = f"a library is made of functions, not of {article(type(function).__name__)}"
        raise LossError([at("LD803", message, None, help="`Library.loads` reads a text")])
    own = name or getattr(function, "__name__", type(function).__name__)
    _hold_name(own)
    try:
        return of_python(function, own)
    except ValueError:  # what is written in C does not always say what it takes
        help = f"wrap it: `lambda x: {own}(x)`"
        message = f"`{own}` does not say which parameters it has"
        raise LossError([at("LD804", message, None, help=help)]) from None


def _hold_name(name: str) -> None:
    read, problem = read_name(Span(Source(name), 0, len(name)))
    wrong = problem is not None or read != name or name in RESERVED or not name.isidentifier()
    if wrong or name.startswith("_"):
        help = "name it in the library: `Library.of(gap=f)`"
        raise LossError([at("LD802", f"`{name}` is no name for a function", None, help=help)])


def _signatures(function: Builtin) -> list[Diagnostic]:
    """Return what is wrong with the signatures of a primitive."""
    diagnostics: list[Diagnostic] = []
    for text in function.texts:
        source = Source(text, f"<signature of {function.name}>")
        signature, problems = parse_signature(source)
        whole = Span(source, 0, len(text))
        for problem in problems:
            message = f"the signature of `{function.name}` cannot be read: {problem.message}"
            diagnostics.append(at("LD804", message, problem.span, help=problem.help))
        if signature is None:
            continue
        known = function.python or function.rule is not None
        if not known and not isinstance(signature.result, ArrayTypeExpr):
            message = f"the signature of `{function.name}` does not say which array it returns"
            help = "end it with `-> float[*S]`, or whichever type the result has"
            diagnostics.append(at("LD804", message, whole, help=help))
        if signature.name != function.name:
            message = f"a signature of `{function.name}` is of `{signature.name}`"
            help = "several signatures are of one function"
            diagnostics.append(at("LD804", message, whole, help=help))
        if signature.name.startswith("_"):
            message = f"`{signature.name}` is private, so that no spec could call it"
            diagnostics.append(at("LD802", message, whole, help="choose a name without the `_`"))
    return diagnostics


def gathered(functions: Iterable[Builtin]) -> dict[str, Builtin]:
    """Return functions by name; raise `LossError` where two have the same."""
    by_name: dict[str, Builtin] = {}
    for function in functions:
        if function.name in by_name:
            raise LossError([clash(function.name, declared_at(function))])
        by_name[function.name] = function
    return by_name


def clash(name: str, span: Span | None, other: Span | None = None) -> Diagnostic:
    """Return the finding that the name of a function is taken, by one that is declared there."""
    diagnostic = at(
        "LD801",
        f"`{name}` is already a function of the library",
        span,
        help="choose another name; a definition never replaces a function silently",
    )
    if other is None or span is None or is_own(other.source):
        return diagnostic
    return replace(diagnostic, labels=(*diagnostic.labels, Label(other, "declared here")))


def clashes(mine: Mapping[Key, Builtin], theirs: Mapping[Key, Builtin]) -> Iterator[Diagnostic]:
    """Yield a finding for each name under which two libraries have different functions."""
    for name, function in theirs.items():
        known = mine.get(name, function)
        here, there = declared_at(function), declared_at(known)
        read_twice = here and there and here.source.text == there.source.text
        if known is not function and not read_twice:
            yield clash(function.name, here, there)
