"""Operations of JAX and of Python in a kernel's source, read."""

from __future__ import annotations

import ast
import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax.custom_derivatives import SymbolicZero

from lossdsl.library.primitives import direct
from lossdsl.standalone.emitted_file import substituted
from lossdsl.standalone.read_functions import handed_on
from lossdsl.standalone.scope import Closure, Differentiated, Scope
from lossdsl.standalone.values import Code, Undecided, codes, expression, name, unwrapped

_KEYWORD = inspect.Parameter.KEYWORD_ONLY
# What does with code in a sequence what it does with anything in it.
_OF_SEQUENCES = (zip, len, tuple, list, enumerate, reversed, dict, set, range, sorted, iter, next)


def spelled(function: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """Return an operation as it is written with `jax.numpy`."""
    given = _by_name(function, arguments, keywords)
    result = function(*unwrapped(arguments), **unwrapped(dict(keywords)))
    same = _same(result, arguments)
    if same is not None:
        return same
    arrays = any(code.is_array for code in codes(list(given.values())))
    text, plain = direct.SPELLINGS[function]
    template = ast.parse(text if arrays else plain, mode="eval").body
    if isinstance(template, ast.Call):
        template.keywords = [
            keyword
            for keyword in template.keywords
            if not (given.get(str(keyword.arg)) is None or given[str(keyword.arg)] is False)
        ]
    if function is direct.total and result.dtype.kind in "iu":
        # Where f64 is allowed, `jax.numpy` adds up integers of 32 bits in 64.
        assert isinstance(template, ast.Call)
        template.keywords.append(ast.keyword("dtype", expression(result.dtype)))
    names = {word: expression(_axis(word, value)) for word, value in given.items()}
    return Code(result, substituted(template, names))


def of_jax(
    function: Code,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    scope: Scope,
) -> Any:
    """Return a call of a function of JAX, or of what one returned."""
    arguments, keywords = _without_defaults(function.value, arguments, keywords)
    pairs = [_passed(argument, scope) for argument in arguments]
    named = {word: _passed(value, scope) for word, value in keywords.items()}
    result = function.value(
        *(value for value, _ in pairs), **{word: value for word, (value, _) in named.items()}
    )
    same = _same(result, arguments)
    if same is not None:
        return same
    if isinstance(result, bool | np.dtype | str | None):
        return result
    if isinstance(result, np.generic):
        return Code(result, expression(result.item()))
    shown = [ast.keyword(word, written()) for word, (_, written) in named.items()]
    return Code(result, ast.Call(function.expr, [written() for _, written in pairs], shown))


def of_python(
    function: Any,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    scope: Scope,
) -> Any:
    """Return what a function of Python does with what is known, and with code in it."""
    held = list(codes((arguments, dict(keywords))))
    if function is isinstance:
        return _is_instance(*arguments)
    if function in (getattr, hasattr) and isinstance(arguments[0], Code):
        return _attribute(function, *arguments)
    if function is functools.reduce:
        law, parts, *start = arguments
        return functools.reduce(
            lambda a, b: scope.reader.call(law, (a, b), {}, scope), [*parts], *start
        )
    if function is map:
        law, *lists = arguments
        return [scope.reader.call(law, each, {}, scope) for each in zip(*lists, strict=False)]
    if function is math.prod and held:
        return functools.reduce(_times, arguments[0])
    if function in _OF_SEQUENCES and not any(isinstance(each, Code) for each in arguments):
        return _listed(function(*arguments, **keywords))
    if not held:
        return _listed(function(*arguments, **keywords))
    word = getattr(function, "__name__", "")
    inner = Code(function, name(word))
    result = of_jax(inner, arguments, keywords, scope)
    return (
        Code([*result.value], result.expr)
        if isinstance(getattr(result, "value", None), zip)
        else result
    )


def _passed(value: Any, scope: Scope) -> tuple[Any, Callable[[], ast.expr]]:
    """Return an argument of JAX, and what writes it; a function is written where it is."""
    if isinstance(value, Closure):
        handed, word = handed_on(value, scope)
        return handed, lambda: word
    if callable(value) and value in direct.SPELLINGS:
        _, plain = direct.SPELLINGS[value]
        template = ast.parse(plain, mode="eval").body
        assert isinstance(template, ast.Call)
        return value, lambda: template.func
    return unwrapped(value), lambda: expression(value)


def _without_defaults(
    function: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return the arguments of a call without those that say None or false, as it does anyway."""
    if not any(value is None or value is False for value in (*arguments, *keywords.values())):
        return arguments, keywords
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # what is written in C does not always say what it takes
        return arguments, keywords
    words = [word for word in parameters if parameters[word].kind is not _KEYWORD]
    while arguments and not keywords and len(words) >= len(arguments):
        default = parameters[words[len(arguments) - 1]].default
        if arguments[-1] is not None or default is not None:
            break
        arguments = arguments[:-1]
    kept = {
        word: value
        for word, value in keywords.items()
        if not (
            (value is None or value is False)
            and word in parameters
            and parameters[word].default is value
        )
    }
    return arguments, kept


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, zip | map | enumerate | reversed) else value


def _same(result: Any, arguments: tuple[Any, ...]) -> Any:
    """Return the argument that an operation returns as it is, if it does."""
    for argument in codes(arguments):
        if argument.is_array and argument.value is result:
            return argument
    return None


def _by_name(
    function: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    code = function.__code__
    words = code.co_varnames[: code.co_argcount]
    defaults = dict(zip(reversed(words), reversed(function.__defaults__ or ()), strict=False))
    return {
        **dict.fromkeys(words),
        **defaults,
        **dict(zip(words, arguments, strict=False)),
        **keywords,
    }


def _axis(word: str, value: Any) -> Any:
    """Return one axis as a number."""
    lone = word == "axis" and isinstance(value, tuple) and len(value) == 1
    return value[0] if lone else value


def constant(value: Any, dtype: Any) -> Code:
    """Return a number that meets an array of a dtype: of its kind, and infinite where it ends."""
    scalar = direct.constant(unwrapped(value), unwrapped(dtype))
    number = scalar.item()
    exact = isinstance(value, Code) or (type(number) is type(value) and math.isfinite(number))
    return Code(scalar, expression(value if exact else number))


def _is_instance(value: Any, kinds: Any) -> Any:
    kind = unwrapped(kinds)
    if kind is SymbolicZero and isinstance(value, Code):
        return Undecided(ast.Call(name("isinstance"), [value.expr, expression(kinds)], []))
    return isinstance(unwrapped(value), kind)


def _attribute(function: Any, value: Code, word: str, *default: Any) -> Any:
    if function is hasattr:
        return hasattr(value.value, word)
    if not hasattr(value.value, word):
        return default[0]
    result = getattr(value.value, word)
    return (
        result if word in ("weak_type", "ndim") else Code(result, ast.Attribute(value.expr, word))
    )


def _times(left: Any, right: Any) -> Any:
    value = unwrapped(left) * unwrapped(right)
    if not isinstance(left, Code) and not isinstance(right, Code):
        return value
    return Code(value, ast.BinOp(expression(left), ast.Mult(), expression(right)))


def is_method(function: Any) -> bool:
    """Say whether a function is that of a list or a dict, which holds code as it holds anything."""
    return isinstance(getattr(function, "__self__", None), list | dict | Differentiated)
