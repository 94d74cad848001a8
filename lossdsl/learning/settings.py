"""The settings of a rule: LD904 for one that is of another kind, or out of range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from lossdsl.diagnostics.diagnostic import LossError, at


def refuse(message: str, help: str | None = None) -> LossError:
    """Return the error of a rule that cannot learn as it is set."""
    return LossError([at("LD904", message, None, help=help)])


def numbers(**settings: Any) -> None:
    """Refuse what is not one finite number."""
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise refuse(f"`{name}` is {described(value)}; it is a number", _help(value))
        if not math.isfinite(value):
            raise refuse(f"`{name}` is {described(value)}; it is a finite number")


def positive(**settings: Any) -> None:
    """Refuse what is not a finite number above 0."""
    numbers(**settings)
    for name, value in settings.items():
        if value <= 0:
            raise refuse(f"`{name}` is {described(value)}; it is a number above 0")


def not_negative(**settings: Any) -> None:
    """Refuse what is not a finite number of at least 0."""
    numbers(**settings)
    for name, value in settings.items():
        if value < 0:
            raise refuse(f"`{name}` is {described(value)}; it is 0 or a number above")


def at_least_one(**settings: Any) -> None:
    """Refuse what is not a number of steps."""
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise refuse(f"`{name}` is {described(value)}; it is an integer", _help(value))
        if value < 1:
            message = f"`{name}` is {described(value)}; inference takes at least 1"
            raise refuse(message, "without a step the hidden layers get no gradient at all")


def one_of(choices: Sequence[Any], **settings: Any) -> None:
    """Refuse what is not one of the choices."""
    for name, value in settings.items():
        if not any(type(value) is type(one) and value == one for one in choices):
            listed = ", ".join(map(described, choices))
            raise refuse(f"`{name}` is {described(value)}; it is one of {listed}")


def names(**settings: Any) -> None:
    """Refuse what is not the name of something."""
    for name, value in settings.items():
        if not isinstance(value, str):
            raise refuse(f"`{name}` is {described(value)}; it is a name, as text")


def losses(**settings: Any) -> None:
    """Refuse what is not a compiled loss."""
    for name, value in settings.items():
        if not hasattr(value, "with_terms"):
            raise refuse(
                f"`{name}` is {described(value)}; it is a compiled loss",
                f"`lossdsl.compile({described(value)})`" if isinstance(value, str) else None,
            )


def described(value: Any) -> str:
    """Return a setting as messages write it."""
    match value:
        case str():
            return f'"{value}"' if len(value) <= 40 and "\n" not in value else "a text"
        case None | bool() | Integral():
            return str(value)
        case Real():
            return repr(float(value))
        case _ if hasattr(value, "dtype"):
            return "an array"
        case _:
            return f"of type `{type(value).__name__}`"


def _help(value: Any) -> str | None:
    # A traced number has no value to compile in; an array of one element has.
    return "settings are compiled in: plain numbers of Python" if hasattr(value, "dtype") else None
