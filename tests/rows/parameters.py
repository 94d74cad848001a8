"""Regularizers of parameters, leaf by leaf in NumPy; a tree is a nested dict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rows.row import Row

Array = np.ndarray


def each(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of leaves as one of trees, leaf by leaf; trees in the order of names."""

    def over(*trees: Any) -> Any:
        if isinstance(trees[0], Mapping):
            return {key: over(*(tree[key] for tree in trees)) for key in trees[0]}
        return compute(*trees)

    return lambda **trees: over(*(trees[name] for name in sorted(trees)))


def leaves(tree: Any) -> list[Array]:
    if isinstance(tree, Mapping):
        return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
    return [np.asarray(tree)]


def matrices(compute: Callable[[Array], float]) -> Callable[..., Any]:
    """Return a function of matrices as one of those leaves of a tree that have rank 2 or more."""

    def over(tree: Any) -> Any:
        if not isinstance(tree, Mapping):
            return compute(tree.reshape(-1, tree.shape[-1])) if tree.ndim > 1 else None
        kept = {key: over(one) for key, one in tree.items()}
        return {key: one for key, one in kept.items() if one is not None and one != {}}

    return lambda params: over(params)


def skew(w: Array) -> float:
    w = w if w.shape[0] >= w.shape[1] else w.T
    columns = range(w.shape[1])
    return sum((w[:, i] @ w[:, j] - (i == j)) ** 2 for i in columns for j in columns)


def nuclear(w: Array) -> float:
    """Return the nuclear norm; NumPy 2.5 has none at an infinity, which 2.4 says is NaN."""
    return float(np.linalg.norm(w, "nuc")) if np.isfinite(w).all() else np.nan


def exponential_boundary(x: Array, lower: float, upper: float) -> Array:
    over, under = x > upper, x < lower
    return np.where(over, np.exp(np.minimum(x - upper, 700)), 0) + np.where(
        under, np.exp(np.minimum(lower - x, 700)), 0
    )


# The square of 1e30 overflows f32.
SQUARED = (0.0, -0.0, 1e-30)

ROWS = [
    Row("l1(params)", each(abs)),
    Row(
        "l2(params)",
        lambda params: np.sqrt(sum((x**2).sum() for x in leaves(params))),
        extremes=SQUARED,
    ),
    Row("sum_squares(params)", each(np.square)),
    Row("l2sqr(params)", each(lambda x: np.mean(x**2))),
    Row("l0(params, sigma=0.1)", each(lambda x: np.mean(1 / (1 + 0.1 / x**4)))),
    Row("elastic(params)", each(lambda x: 0.5 * abs(x) + 0.25 * x**2)),
    Row("elastic(params, l1_ratio=0.9)", each(lambda x: 0.9 * abs(x) + 0.05 * x**2)),
    Row(
        "group_l1(params)",
        each(lambda x: np.sqrt(x.size) * np.linalg.norm(x.ravel())),
        extremes=SQUARED,
    ),
    Row("orthogonal(params)", matrices(skew)),
    Row("nuclear(params)", matrices(nuclear)),
    # Beside singular values of 1e30 the small ones are rounding.
    Row("singular_values(x)", lambda x: np.linalg.svd(x, compute_uv=False), extremes=SQUARED),
    Row(
        "hoyer(params)",
        each(lambda x: abs(x).sum() / np.linalg.norm(x.ravel()) if x.any() else 0.0),
    ),
    Row("to_anchor(params, anchor)", each(lambda a, b: (a - b) ** 2 / 2)),
    Row(
        "to_anchor(params, anchor, strength)",
        each(lambda a, b, s: s * (a - b) ** 2 / 2),
    ),
    Row(
        "summed_exp_boundary(x, lower=-0.5, upper=0.5)",
        lambda x: exponential_boundary(x, -0.5, 0.5),
    ),
    Row(
        "summed_exp_boundary(x, upper=0)",
        lambda x: exponential_boundary(x, -np.inf, 0),
    ),
]
