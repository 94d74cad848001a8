"""Settings of the public functions, each held to the kind that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NoReturn, TypeVar

from lossdsl.diagnostics.diagnostic import LossError, article, at
from lossdsl.limits import Limits

Kind = TypeVar("Kind")


def hold(name: str, value: object, kind: type[Kind], expected: str, help: str) -> Kind:
    """Return a setting that is of its kind; raise `LossError` for any other."""
    if isinstance(value, kind):
        return value
    refuse(name, value, expected, help)


def refuse(name: str, value: object, expected: str, help: str) -> NoReturn:
    """Raise `LossError` for a setting that is not what is expected."""
    actual = "`None`" if value is None else article(type(value).__name__)
    raise LossError([at("LD121", f"`{name}` is {expected}, not {actual}", None, help=help)])


def hold_flag(name: str, value: object) -> bool:
    """Return a setting that is on or off."""
    return hold(name, value, bool, "`True` or `False`", f"`{name}=True`")


def hold_bytes(name: str, value: object) -> int | None:
    """Return a setting that is a number of bytes; None, or 0, where there is none."""
    expected, help = "a number of bytes, or None", f"`{name}=32 * 2**20` is 32 MiB"
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        refuse(name, value, expected, help)
    if value < 0:
        raise LossError([at("LD121", f"`{name}` is {expected}, not {value}", None, help=help)])
    return value or None


def hold_between(name: str, value: object, low: float, high: float) -> float:
    """Return a setting that is a number from `low` to `high`, both included."""
    expected = f"a number from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(name, value, expected, f"such as `{name}={high:g}`")
    if not low <= value <= high:
        help = f"such as `{name}={high:g}`"
        raise LossError([at("LD121", f"`{name}` is {expected}, not {value:g}", None, help=help)])
    return float(value)


def hold_function(name: str, value: object) -> None:
    """Refuse what cannot be called where a function computes the inputs."""
    if not callable(value):
        help = "such as `lambda params, batch: {'out': …}`"
        refuse(name, value, "what computes the inputs", help)


def hold_text(name: str, value: object, example: str) -> str:
    """Return a setting that is a text."""
    return hold(name, value, str, "a text", f"such as `{name}={example}`")


def hold_names(name: str, value: object) -> tuple[str, ...] | None:
    """Return a setting that names inputs, or None."""
    help = f'such as `{name}=("x", "y")`; a name alone has a comma: `("x",)`'
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence):
        refuse(name, value, "a tuple of names", help)
    return tuple(hold(name, item, str, "a tuple of names", help) for item in value)


def hold_mapping(name: str, value: object, help: str) -> Mapping[Any, Any]:
    """Return a setting that is a mapping."""
    return hold(name, value, Mapping, "a mapping", help)


def hold_limits(value: object) -> Limits:
    """Return limits, each of which is a whole number of at least 0."""
    limits = hold("limits", value, Limits, "a `Limits`", "such as `Limits(terms=512)`")
    for field in fields(limits):
        number = getattr(limits, field.name)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            message = f"`{field.name}` of `limits` is {number!r}, no whole number of at least 0"
            raise LossError([at("LD121", message, None, help=f"its default is {field.default}")])
    return limits
