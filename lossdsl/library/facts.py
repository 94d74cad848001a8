"""What a declaration says of a function beside its signature: that it can be read, and fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, cast

from lossdsl.diagnostics.diagnostic import LossError, article, at
from lossdsl.library.abstract import named_type, raised
from lossdsl.library.domains import Interval
from lossdsl.library.forms import Form
from lossdsl.library.function import Builtin, is_own_module
from lossdsl.library.images import Reach
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program

_TRUTH = ("true or false", lambda value: isinstance(value, bool))
_TEXT = ("a text", lambda value: isinstance(value, str))
_TEXTS = (
    "a tuple of texts",
    lambda value: isinstance(value, tuple) and all(isinstance(text, str) for text in value),
)
_CALLABLE = ("a function", lambda value: value is None or callable(value))


def _one_of(*options: str) -> tuple[str, Callable[[Any], bool]]:
    quoted = ", ".join(f'`"{option}"`' for option in options)

    def fits(value: Any) -> bool:
        return value is None or (isinstance(value, str) and value in options)

    return f"one of {quoted}", fits


_SINKS = _one_of("pick", "reshape")[1]


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
    "across": _one_of("add", "maximum", "minimum", "multiply", "and", "or", "mean"),
    "combine": _one_of("mean", "sum"),
    "partial": ("a number by parameter", _is_numbers),
    "grows": _one_of("sign", "size"),
    "fills": _TRUTH,
    "accumulates": _TRUTH,
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


def hold_doc(function: Builtin) -> None:
    """Raise `LossError` unless the domain and the formula that a doc declares can be read."""
    try:
        spoken = [*function.domains, *function.positions]
    except ValueError as problem:
        _refuse(function, f"the domain of `{function.name}` cannot be read: {problem}")
    known = {
        parameter.name for signature in function.signatures for parameter in signature.parameters
    }
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
    known = {
        parameter.name for signature in function.signatures for parameter in signature.parameters
    }
    for fact in ("partial", "keeps", "scales", "shifts"):
        for name in getattr(function, fact):
            if name not in known:
                message = f"`{fact}` of `{function.name}` is of `{name}`, which is no parameter"
                _refuse(function, message, f"parameters: {', '.join(sorted(known))}")


def _refuse(function: Builtin, message: str, help: str | None = None) -> NoReturn:
    raise LossError([at("LD804", message, declared_at(function), help=help)]) from None


def declared_at(function: Builtin) -> Span | None:
    """Return where a function is declared, if that is a text."""
    return function.definitions[0].signature.span if function.definitions else None
