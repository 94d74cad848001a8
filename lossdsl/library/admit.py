"""What may enter a library: functions with a name that is free, and declarations that fit.

A declaration is a signature that can be read, and what is said of the function beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, NoReturn, TypeVar, cast

from lossdsl.diagnostics.diagnostic import Diagnostic, Label, LossError, article, at
from lossdsl.library.abstract import named_type, raised
from lossdsl.library.domains import Interval
from lossdsl.library.function import Builtin, is_own, is_own_module
from lossdsl.library.images import Reach
from lossdsl.library.python import of_python
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.names import RESERVED, read_name
from lossdsl.syntax.parse import parse_program, parse_signature

Key = TypeVar("Key")
Kind = TypeVar("Kind")

_TRUTH = ("true or false", lambda value: isinstance(value, bool))
_TEXT = ("a text", lambda value: isinstance(value, str))
_TEXTS = (
    "a tuple of texts",
    lambda value: isinstance(value, tuple) and all(isinstance(text, str) for text in value),
)
_CALLABLE = ("a function", lambda value: value is None or callable(value))


def _choice(*options: str) -> tuple[str, Callable[[Any], bool]]:
    quoted = ", ".join(f'`"{option}"`' for option in options)

    def fits(value: Any) -> bool:
        return value is None or (isinstance(value, str) and value in options)

    return f"one of {quoted}", fits


_SINKS = _choice("pick", "reshape")[1]


def _is_numbers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(number, int | float)
        for name, number in cast("Mapping[Any, Any]", value).items()
    )


# What may be declared of a function beside its signature, each with what it has to be; the rest
# of the record follows from the signature.
FACTS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "family": _TEXT,
    "elementwise": _TRUTH,
    "reduction": _TRUTH,
    "weighted": _TRUTH,
    "across": _choice("add", "maximum", "minimum", "multiply", "and", "or", "mean"),
    "combine": _choice("mean", "sum"),
    "partial": ("a number by parameter", _is_numbers),
    "grows": _choice("sign", "size"),
    "fills": _TRUTH,
    "accumulates": _TRUTH,
    "outer": _TRUTH,
    "rule": _CALLABLE,
    "axes": _CALLABLE,
    "sink": (
        '`"pick"`, `"reshape"` or a function',
        lambda value: callable(value) or _SINKS(value),
    ),
    "keeps": _TEXTS,
    "scales": _TEXTS,
    "shifts": _TEXTS,
    "laws": _TEXTS,
    "image": _CALLABLE,
    "finite": _CALLABLE,
    "domain": _TEXT,
    "spelled": _TEXTS,
    "operator": ("a text", lambda value: value is None or isinstance(value, str)),
    "form": ("a `Form`", lambda value: value is None or isinstance(value, Form)),
    "internal": _TRUTH,
}


def hold_declaration(texts: Sequence[Any], facts: Mapping[str, Any]) -> None:
    """Raise `LossError` unless `@primitive` is given signatures and facts of the right kinds."""
    if not texts or not all(isinstance(text, str) for text in texts):
        help = "a plain Python function needs no decorator: `Library.of(f)`"
        raise LossError([at("LD804", "`@primitive` is given no signature", None, help=help)])
    name = texts[0].partition("(")[0].strip()
    for fact, value in facts.items():
        if fact not in FACTS:
            close = get_close_matches(fact, FACTS, n=1)
            help = f"did you mean `{close[0]}`?" if close else f"facts: {', '.join(sorted(FACTS))}"
            message = f"`{fact}`, declared of `{name}`, is no fact of a function"
            raise LossError([at("LD804", message, None, help=help)])
        expected, fits = FACTS[fact]
        if not fits(value):
            message = f"`{fact}` of `{name}` is {value!r}, not {expected}"
            raise LossError([at("LD804", message, None)])


# What a function that is declared as a fact returns, if it says anything.
_RETURNED: Mapping[str, type] = {"image": Interval, "finite": Reach}


def guarded(name: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the facts that are functions of a user: what they raise is a finding."""
    return {
        fact: _guarded(name, fact, facts[fact])
        for fact in ("axes", "sink", "image", "finite")
        if callable(facts.get(fact)) and not is_own_module(facts[fact])
    }


def _guarded(name: str, fact: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*operands: Any) -> Any:
        try:
            value = function(*operands)
        except Exception as problem:  # whatever a user's function raises is what there is to say
            wrong = raised(problem, function)
            message = f"`{name}` has a function for `{fact}` that {wrong.message}"
            raise LossError([at(wrong.code, message, None)]) from problem
        expected = _RETURNED.get(fact)
        if value is not None and expected is not None and not isinstance(value, expected):
            message = (
                f"`{name}` has a function for `{fact}` that returns {named_type(value)}; "
                f"expected {article(f'`{expected.__name__}`')} or `None`"
            )
            raise LossError([at("LD806", message, None)])
        return value

    return called


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
        if not known and not isinstance(signature.result, ast.ArrayTypeExpr):
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


def hold_doc(function: Builtin) -> None:
    """Raise `LossError` unless the domain and the formula that a doc declares can be read."""
    try:
        spoken = [*function.domains, *function.positions]
    except ValueError as problem:
        _refuse(function, f"the domain of `{function.name}` cannot be read: {problem}")
    known = _parameters(function)
    for name in spoken:
        if name not in known:
            message = f"the domain of `{function.name}` is of `{name}`, which is no parameter"
            _refuse(function, message, f"parameters: {', '.join(sorted(known))}")
    for text in function.about.get("formula", "").splitlines():
        program, problems = parse_program(Source(text, "<formula>"))
        if program is None:
            message = f"the formula of `{function.name}` cannot be read: {problems[0].message}"
            _refuse(function, message, problems[0].help)
        if not isinstance(program.statements[-1], ast.Result):
            _refuse(function, f"the formula `{text}` of `{function.name}` is no expression")


def hold_parameters(function: Builtin) -> None:
    """Raise `LossError` unless the facts of a primitive speak of its parameters."""
    known = _parameters(function)
    for fact in ("partial", "keeps", "scales", "shifts"):
        for name in getattr(function, fact):
            if name not in known:
                message = f"`{fact}` of `{function.name}` is of `{name}`, which is no parameter"
                _refuse(function, message, f"parameters: {', '.join(sorted(known))}")


def _parameters(function: Builtin) -> set[str]:
    signatures = function.signatures
    return {parameter.name for signature in signatures for parameter in signature.parameters}


def _refuse(function: Builtin, message: str, help: str | None = None) -> NoReturn:
    raise LossError([at("LD804", message, declared_at(function), help=help)]) from None


def declared_at(function: Builtin) -> Span | None:
    """Return where a function is declared, if that is a text."""
    return function.definitions[0].signature.span if function.definitions else None


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
        if known is function:
            continue
        here, there = declared_at(function), declared_at(known)
        if not (here and there and here.source.text == there.source.text):  # as one is read twice
            yield clash(function.name, here, there)
