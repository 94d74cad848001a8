"""Reductions for the oracle: row by row, over the elements that a mask keeps and no others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Row:
    """The kept elements of one row; `size` counts those that were left out too."""

    elements: np.ndarray
    weights: np.ndarray | None
    size: int
    masked: bool


def mean(row: Row, normalize: str = "weight") -> float:
    kept = len(row.elements)
    if not kept:
        return 0.0 if row.masked else math.nan
    weights = np.ones(kept) if row.weights is None else row.weights
    divisor = {"weight": weights.sum(), "count": kept, "all": row.size}[normalize]
    return np.divide((row.elements * weights).sum(), divisor)


def total(row: Row, normalize: str = "weight") -> float:
    return (row.elements if row.weights is None else row.elements * row.weights).sum()


def variance(row: Row) -> float:
    kept = row.elements
    if not len(kept):
        return 0.0 if row.masked else math.nan
    return ((kept - kept.mean()) ** 2).mean()


def log_mean_exp(row: Row) -> float:
    return special.logsumexp(row.elements) - np.log(len(row.elements))


def quantile(row: Row, q: Any) -> float:
    return np.quantile(row.elements, q) if len(row.elements) or not row.masked else 0.0


def guarded(compute: Callable[[np.ndarray], Any], empty: float) -> Callable[[Row], Any]:
    """Return a reduction of the kept elements with its own value for none at all."""
    return lambda row: compute(row.elements) if len(row.elements) else empty


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "mean": mean,
    "sum": total,
    "max": guarded(np.max, -math.inf),
    "min": guarded(np.min, math.inf),
    "prod": guarded(np.prod, 1.0),
    "any": guarded(np.any, False),
    "all": guarded(np.all, True),
    "count": guarded(np.count_nonzero, 0),
    "var": variance,
    "std": lambda row: np.sqrt(variance(row)),
    "rms": guarded(lambda kept: np.sqrt((kept.astype(float) ** 2).mean()), 0.0),
    "norm": guarded(lambda kept: np.sqrt((kept.astype(float) ** 2).sum()), 0.0),
    "logsumexp": guarded(special.logsumexp, -math.inf),
    "logmeanexp": guarded(lambda kept: log_mean_exp(Row(kept, None, 0, False)), -math.inf),
    "quantile": quantile,
}


def reduce_array(name: str, operands: Sequence[Any], options: Mapping[str, Any]) -> np.ndarray:
    """Reduce an array over axes, or over all of them."""
    x, where, weight, *_ = [*operands, None, None]
    given = options.get("axis")
    axes = tuple(range(x.ndim)) if given is None else given
    rest = tuple(at for at in range(x.ndim) if at not in axes)
    size = math.prod(x.shape[at] for at in axes)

    def rows(array: Any) -> np.ndarray:
        whole = np.broadcast_to(array, x.shape).transpose((*rest, *axes))
        return whole.reshape((math.prod(x.shape[at] for at in rest), size))

    masked = where is not None or weight is not None
    keeps = rows(np.True_ if where is None else where)
    if weight is not None:
        keeps = keeps & (rows(weight) != 0)
    compute = REDUCTIONS[name]
    extras = {key: options[key] for key in ("normalize", "q") if options.get(key) is not None}
    results = [
        compute(
            Row(
                row[keep],
                None if weight is None else rows(weight)[at][keep],
                size,
                masked,
            ),
            **extras,
        )
        for at, (row, keep) in enumerate(zip(rows(x), keeps, strict=True))
    ]
    shape = tuple(x.shape[at] for at in rest)
    if options.get("keepdims"):
        shape = tuple(1 if at in axes else n for at, n in enumerate(x.shape))
    dtype = None if results else float
    return np.asarray(results, dtype).reshape(shape)


def reduce_tree(name: str, operands: Sequence[Any], options: Mapping[str, Any]) -> np.ndarray:
    """Reduce all elements of all leaves together."""
    x, *masks = operands

    def joined(one: Any) -> Any:
        if one is None:
            return None
        leaves = one.values() if isinstance(one, dict) else [one] * len(x)
        return np.concatenate(
            [
                np.broadcast_to(leaf, of.shape).ravel()
                for leaf, of in zip(leaves, x.values(), strict=True)
            ]
            or [np.zeros(0)]
        )

    return reduce_array(name, [joined(x), *map(joined, masks)], {**options, "axis": None})
