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
        _parameter(one)
        for one in inspect.signature(function).parameters.values()
        if one.kind is not one.VAR_KEYWORD
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


def _parameter(one: inspect.Parameter) -> str:
    """Return a parameter in the language; a default that the language cannot say is `none`."""
    match one.default:
        case _ if one.kind is one.VAR_POSITIONAL:
            return f"*{one.name}"
        case inspect.Parameter.empty:
            return f"{one.name}: text" if one.annotation in (str, "str") else one.name
        case bool() as flag:
            return f"{one.name}={str(flag).lower()}"
        case int() as number if number >= 0:  # the number of an `IntEnum` is written as one
            return f"{one.name}={int(number)!r}"
        case float() as number if math.isfinite(number) and number >= 0:
            return f"{one.name}={float(number)!r}"
        case str() as text if '"' not in text and text.isprintable():
            return f'{one.name}: text = "{str.__str__(text)}"'
        case _:
            return f"{one.name}=none"


def call(function: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """Call a function with arguments by parameter; those left out take Python's defaults."""
    bound = inspect.BoundArguments(inspect.signature(function), OrderedDict(given))
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
