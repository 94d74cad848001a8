"""Reductions, against NumPy and SciPy: over all elements, along an axis, under a mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import special

from rows.row import Row


def masked(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """An array with a mask that leaves out a whole row."""
    kept = random.random((4, 5)) < 0.6
    kept[0] = False
    kept[1:, 0] = True
    return {"x": random.normal(size=(4, 5)), "present": kept}


def some(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """An array with a mask that keeps an entry of each row."""
    given = masked(random, drawn)
    return {**given, "present": given["present"] | (np.arange(5) == 2)}


def matrix(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {"x": random.normal(size=(4, 5))}


def truths(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {"x": random.random((4, 5)) < 0.5}


def of(compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same for an input that is called x."""
    return lambda x: compute(x)


def by_row(compute: Callable[[Any], Any], empty: float) -> Callable[[Any, Any], Any]:
    """What is kept of each row, by itself."""
    return lambda x, present: np.array(
        [compute(row[keep]) if keep.any() else empty for row, keep in zip(x, present, strict=True)]
    )


def log_mean(x: Any, axis: int | None = None) -> Any:
    return special.logsumexp(x, axis=axis) - np.log(x.size if axis is None else x.shape[axis])


def truth(text: str, compute: Callable[[Any], Any]) -> Row:
    """A row of what is true or false, as 1 or 0."""
    return Row(
        f"where({text}, 1.0, 0.0)",
        lambda x: compute(x) * 1.0,
        given=truths,
        gradient=False,
        function=text.partition("(")[0],
    )


KEPT = "axis=-1, where=present"
ROWS = [
    Row("mean(x)", of(np.mean)),
    Row("mean(x, axis=0)", lambda x: x.mean(0), given=matrix),
    Row(f"mean(x, {KEPT})", by_row(np.mean, 0), given=masked),
    Row("sum(x)", of(np.sum)),
    Row(f"sum(x, {KEPT})", by_row(np.sum, 0), given=masked),
    Row("max(x)", of(np.max)),
    Row(f"max(x, {KEPT})", by_row(np.max, 0), given=some),
    Row("min(x)", of(np.min)),
    Row(f"min(x, {KEPT})", by_row(np.min, 0), given=some),
    Row("prod(x)", of(np.prod)),
    Row(f"prod(x, {KEPT})", by_row(np.prod, 1), given=masked),
    truth("any(x, axis=0)", lambda x: x.any(0)),
    truth("all(x, axis=0)", lambda x: x.all(0)),
    Row("count(x)", of(np.count_nonzero), given=truths, gradient=False),
    Row("var(x)", of(np.var)),
    Row(f"var(x, {KEPT})", by_row(np.var, 0), given=masked),
    Row("std(x)", of(np.std)),
    Row(f"std(x, {KEPT})", by_row(np.std, 0), given=masked),
    Row("rms(x)", of(lambda x: np.sqrt(np.mean(np.square(x))))),
    Row(f"rms(x, {KEPT})", by_row(lambda x: np.sqrt(np.mean(np.square(x))), 0), given=masked),
    Row("norm(x)", lambda x: np.linalg.norm(np.ravel(x))),
    Row(f"norm(x, {KEPT})", by_row(np.linalg.norm, 0), given=masked),
    Row("logsumexp(x)", of(special.logsumexp)),
    Row("logsumexp(x, axis=-1)", lambda x: special.logsumexp(x, -1), given=matrix),
    Row("logmeanexp(x)", log_mean),
    Row("logmeanexp(x, axis=0)", lambda x: log_mean(x, 0), given=matrix),
    Row("quantile(x, 0.3)", lambda x: np.quantile(x, 0.3)),
    Row(
        "quantile(x, 0.7, axis=-1, where=present)",
        by_row(lambda x: np.quantile(x, 0.7), 0),
        given=masked,
    ),
]
