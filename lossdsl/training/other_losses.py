"""What names the parts of a loss: its results, its terms, and numbers as their weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

from jax.core import Tracer

from lossdsl.diagnostics import settings
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.suggest import did_you_mean


def hold_result(name: object, results: Sequence[str]) -> str:
    """Return the name of a result."""
    return _hold_name("result", settings.hold_text("result", name, "'loss'"), results)


def hold_terms(method: str, names: Iterable[object], known: Sequence[str]) -> set[str]:
    """Return the names of terms that a method is given: at least one, and not all to leave out."""
    example = repr(known[0])
    terms = {_hold_name("term", settings.hold_text(method, name, example), known) for name in names}
    if not terms if method == "only" else len(terms) == len(known):
        message = f"`{method}` leaves no term of the loss"
        listed = ", ".join(f"`{name}`" for name in known)
        raise LossError([at("LD124", message, None, help=f"its terms: {listed}")])
    return terms


def hold_weights(weights: object, known: Sequence[str]) -> dict[str, int | float]:
    """Return weights as plain numbers by the names of terms."""
    given = settings.hold_mapping("weights", weights, f"such as `{{{known[0]!r}: 0.1}}`")
    return {
        _hold_name("term", settings.hold_text("weights", name, repr(known[0])), known): _number(
            name, weight
        )
        for name, weight in given.items()
    }


def _hold_name(kind: str, name: str, known: Sequence[str]) -> str:
    if name not in known:
        listed = ", ".join(f"`{other}`" for other in known)
        meant = did_you_mean(name, known) or f"its {kind}s: {listed}"
        raise LossError([at("LD103", f"the loss has no {kind} `{name}`", None, help=meant)])
    return name


def _number(name: str, weight: Any) -> int | float:
    """Return a weight as a plain number."""
    help = f"such as `{{{name!r}: 0.1}}`"
    if isinstance(weight, Tracer):
        message = f"the weight of `{name}` is traced, and a replaced one is compiled in"
        help = f"make it an input of the text with a default: `{name}_weight: float = 1`"
        raise LossError([at("LD121", message, None, help=help)])
    if isinstance(weight, bool) or getattr(weight, "shape", ()) != ():
        settings.refuse(f"weights[{name!r}]", weight, "a number", help)
    try:
        number = int(weight) if isinstance(weight, Integral) else float(weight)
    except (TypeError, ValueError):
        settings.refuse(f"weights[{name!r}]", weight, "a number", help)
    if isinstance(weight, str) or not math.isfinite(number):
        message = f"the weight of `{name}` is {weight!r}, no finite number"
        raise LossError([at("LD121", message, None, help=help)])
    return number
