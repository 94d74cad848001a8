"""Other losses by the names of their parts: results, terms, and numbers as their weights."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from numbers import Integral
from typing import Any

from jax.core import Tracer

from lossdsl.core.graph import Outcome
from lossdsl.diagnostics import settings
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.elaborate.other_terms import keeping, named_terms
from lossdsl.library.suggest import did_you_mean
from lossdsl.syntax import ast


def hold_result(name: object, results: Sequence[str]) -> str:
    """Return the name of a result."""
    return _hold_name("result", settings.hold_text("result", name, "'loss'"), results)


def only(
    program: ast.Program, results: Collection[Outcome], names: Iterable[object]
) -> ast.Program:
    """Return a program of the terms of those names; raise `LossError` for none."""
    known = tuple(named_terms(results))
    kept = {_hold_term("only", name, known) for name in names}
    return keeping(program, results, _some("only", kept, known))


def without(
    program: ast.Program, results: Collection[Outcome], names: Iterable[object]
) -> ast.Program:
    """Return a program of all other terms; raise `LossError` if there is none."""
    known = tuple(named_terms(results))
    gone = {_hold_term("without", name, known) for name in names}
    return keeping(program, results, _some("without", {*known} - gone, known))


def _some(method: str, kept: set[str], known: Sequence[str]) -> set[str]:
    if not kept:
        message = f"`{method}` leaves no term of the loss"
        listed = ", ".join(f"`{name}`" for name in known)
        raise LossError([at("LD124", message, None, help=f"its terms: {listed}")])
    return kept


def _hold_term(setting: str, name: object, known: Sequence[str]) -> str:
    return _hold_name("term", settings.hold_text(setting, name, repr(known[0])), known)


def hold_weights(weights: object, known: Sequence[str]) -> dict[str, int | float]:
    """Return weights as plain numbers by the names of terms."""
    given = settings.hold_mapping("weights", weights, f"such as `{{{known[0]!r}: 0.1}}`")
    return {
        _hold_term("weights", name, known): _number(name, weight) for name, weight in given.items()
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
