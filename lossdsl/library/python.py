"""Plain Python functions as functions of the language: they have no signature but their own."""

from __future__ import annotations

import inspect
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from lossdsl.library.function import Builtin, fields, laws_in
from lossdsl.types.types import Path


def of_python(function: Callable[..., Any], name: str) -> Builtin:
    """Return the declaration of a Python function; its parameters are those of the function.

    >>> of_python(lambda x, scale=2.0, mode="sum": x, "mine").texts
    ('mine(x, scale=2.0, mode: text = "sum")',)
    """
    parameters = [
        _parameter(parameter)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    text = f"{name}({', '.join(parameters)})"
    doc = inspect.getdoc(function) or ""
    about = fields(doc)
    return Builtin(
        name,
        "python",
        texts=(text,),
        factory=lambda: function,
        python=True,
        laws=laws_in(about),
        domain=about.get("domain", ""),
        doc=doc,
    )


def _parameter(parameter: inspect.Parameter) -> str:
    """Return a parameter in the language; a default that the language cannot say is `none`."""
    match parameter.default:
        case _ if parameter.kind is parameter.VAR_POSITIONAL:
            return f"*{parameter.name}"
        case inspect.Parameter.empty:
            return (
                f"{parameter.name}: text"
                if parameter.annotation in (str, "str")
                else parameter.name
            )
        case bool() as flag:
            return f"{parameter.name}={str(flag).lower()}"
        case int() as number if number >= 0:  # the number of an `IntEnum` is written as one
            return f"{parameter.name}={int(number)!r}"
        case float() as number if math.isfinite(number) and number >= 0:
            return f"{parameter.name}={float(number)!r}"
        case str() as text if '"' not in text and text.isprintable():
            return f'{parameter.name}: text = "{str.__str__(text)}"'
        case _:
            return f"{parameter.name}=none"


def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function with arguments by parameter; those left out take Python's defaults."""
    bound = inspect.BoundArguments(inspect.signature(function), OrderedDict(arguments))
    bound.apply_defaults()
    return function(*bound.args, **bound.kwargs)


def nested(leaves: Mapping[Path, Any]) -> Any:
    """Return the leaves of a tree as nested dicts of their paths, and a lone array as it is.

    >>> nested({("encoder", "w"): 1, ("encoder", "b"): 2, ("tau",): 3})
    {'encoder': {'w': 1, 'b': 2}, 'tau': 3}
    """
    if () in leaves:
        return leaves[()]
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        below = tree
        for segment in path[:-1]:
            below = below.setdefault(segment, {})
        below[path[-1]] = leaf
    return tree
