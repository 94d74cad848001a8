"""The settings of a rule: LD904 for one that is of another kind, or out of range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import field
from numbers import Integral, Real
from typing import Any

import jax.numpy as jnp
from jax.core import Tracer

from lossdsl.diagnostics.diagnostic import LossError, at

TRACED = "changes without another compilation"


def traced(default: Any) -> Any:
    """Return the field of a setting that may change without another compilation."""
    return field(default=default, metadata={TRACED: True})


def refuse(message: str, help: str | None = None) -> LossError:
    """Return the error of a rule that cannot learn as it is set."""
    return LossError([at("LD904", message, None, help=help)])


def numbers(**settings: Any) -> None:
    """Refuse what is not one finite number; of one that is traced, the value is not known."""
    for name, value in settings.items():
        if unknown(value):
            continue
        if isinstance(value, bool) or not isinstance(value, Real):
            raise refuse(f"`{name}` is {described(value)}; it is a number", _help(value))
        if not math.isfinite(value):
            raise refuse(f"`{name}` is {described(value)}; it is a finite number")


def unknown(value: Any) -> bool:
    """Say whether a value is a number that is known only when the program runs."""
    return (
        isinstance(value, Tracer)
        and value.shape == ()
        and jnp.issubdtype(value.dtype, jnp.floating)
    )


def plain(**settings: Any) -> None:
    """Refuse what is not known before the program runs."""
    for name, value in settings.items():
        if isinstance(value, Tracer):
            raise refuse(f"`{name}` is traced; it is a number of Python", _help(value))


def positive(**settings: Any) -> None:
    """Refuse what is not a finite number above 0."""
    numbers(**settings)
    for name, value in settings.items():
        if not unknown(value) and value <= 0:
            raise refuse(f"`{name}` is {described(value)}; it is a number above 0")


def not_negative(**settings: Any) -> None:
    """Refuse what is not a finite number of at least 0."""
    numbers(**settings)
    for name, value in settings.items():
        if not unknown(value) and value < 0:
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
        if not any(type(value) is type(choice) and value == choice for choice in choices):
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
    return "a plain number, which is compiled in" if hasattr(value, "dtype") else None
