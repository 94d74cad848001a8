"""Losses of real-valued predictions, against optax, scikit-learn, or the cited formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import optax
from scipy import special
from sklearn import metrics

from rows.row import Row


def root_mean_squared_error(out: Any, tgt: Any) -> Any:
    return metrics.root_mean_squared_error(out.ravel(), tgt.ravel())


def masked_root(out: Any, tgt: Any, where: Any) -> Any:
    return np.linalg.norm((out - tgt)[where]) / np.sqrt(where.sum()) if where.any() else 0.0


def weighed_root(out: Any, tgt: Any, weight: Any) -> Any:
    return np.sqrt(np.average((out - tgt) ** 2, weights=weight))


def mask(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {"where": random.random(drawn["out"].shape) < 0.6}


def weights(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {"weight": random.uniform(0.5, 2.0, drawn["out"].shape)}


def smooth_l1(out: Any, tgt: Any, beta: float = 1.0) -> Any:
    return optax.losses.huber_loss(out, tgt, delta=beta) / beta


def relative_length(out: Any, tgt: Any) -> Any:
    return np.array(
        [
            np.linalg.norm((o - t).ravel()) / np.linalg.norm(t.ravel())
            for o, t in zip(out, tgt, strict=True)
        ]
    )


def percentage(out: Any, tgt: Any) -> Any:
    return abs(out - tgt) / np.maximum(abs(tgt), 1e-7)


def symmetric_percentage(out: Any, tgt: Any) -> Any:
    middle = (abs(out) + abs(tgt)) / 2
    return abs(out - tgt) / np.where(middle == 0, 1, middle)


def squared_log_error(out: Any, tgt: Any) -> Any:
    return (np.log1p(out) - np.log1p(tgt)) ** 2


def quantile_error(out: Any, tgt: Any, q: Any) -> Any:
    return np.where(tgt >= out, q * (tgt - out), (1 - q) * (out - tgt))


def several_quantiles(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    shape = (*drawn["tgt"].shape, 3)
    return {"out": random.normal(size=shape), "q": np.array([0.1, 0.5, 0.9])}


def expectile_error(out: Any, tgt: Any, tau: float) -> Any:
    return abs(tau - (tgt < out)) * (tgt - out) ** 2


def biweight(out: Any, tgt: Any, c: float) -> Any:
    inside = c**2 / 6 * (1 - (1 - ((out - tgt) / c) ** 2) ** 3)
    return np.where(abs(out - tgt) > c, c**2 / 6, inside)


def robust(out: Any, tgt: Any, alpha: float, c: float = 1.0) -> Any:
    """Barron's family by its cases; elsewhere the formula in the middle of his equation 8."""
    x = (out - tgt) / c
    if alpha == 2:
        return 0.5 * x**2
    if alpha == 0:
        return np.log(0.5 * x**2 + 1)
    if alpha == -np.inf:
        return -np.expm1(-0.5 * x**2)
    size = abs(alpha - 2)
    return size / alpha * ((x**2 / size + 1) ** (alpha / 2) - 1)


def cosine(a: Any, b: Any) -> Any:
    return np.asarray(optax.losses.cosine_similarity(a, b))


def distances(a: Any, b: Any) -> Any:
    return metrics.pairwise.nan_euclidean_distances(a, b)


# Beyond 1e19 a square is no float32, and below 1e-19 it is 0, which the length of a vector shows.
SMALL = (0.0, -0.0, 1e-30)
ZERO = (0.0, -0.0)

ROWS = [
    Row("mse(out, tgt)", lambda out, tgt: optax.losses.squared_error(out, tgt)),
    Row("sse(out, tgt)", lambda out, tgt: optax.losses.squared_error(out, tgt)),
    Row("mae(out, tgt)", lambda out, tgt: abs(out - tgt)),
    Row("rmse(out, tgt)", root_mean_squared_error, extremes=SMALL),
    Row("rmse(out, tgt, where=where)", masked_root, given=mask, extremes=SMALL),
    Row("rmse(out, tgt, weight=weight)", weighed_root, given=weights, extremes=SMALL),
    Row("l2_loss(out, tgt)", lambda out, tgt: optax.losses.l2_loss(out, tgt)),
    Row("huber(out, tgt)", lambda out, tgt: optax.losses.huber_loss(out, tgt)),
    Row(
        "huber(out, tgt, delta=0.5)", lambda out, tgt: optax.losses.huber_loss(out, tgt, delta=0.5)
    ),
    Row("smooth_l1(out, tgt)", smooth_l1),
    Row("smooth_l1(out, tgt, beta=0.5)", lambda out, tgt: smooth_l1(out, tgt, 0.5)),
    Row("log_cosh(out, tgt)", lambda out, tgt: optax.losses.log_cosh(out, tgt)),
    Row("pseudo_huber(out, tgt, delta=0.5)", lambda out, tgt: special.pseudo_huber(0.5, out - tgt)),
    Row("charbonnier(out, tgt)", lambda out, tgt: np.hypot(out - tgt, 1e-3)),
    Row("charbonnier(out, tgt, eps=0.5)", lambda out, tgt: np.hypot(out - tgt, 0.5)),
    Row("mape(out, tgt)", percentage),
    Row("smape(out, tgt)", symmetric_percentage),
    Row("msle(out, tgt)", squared_log_error),
    Row("relative_l2(out, tgt)", relative_length, extremes=SMALL),
    Row("eps_insensitive(out, tgt, eps=0.2)", lambda out, tgt: np.maximum(abs(out - tgt) - 0.2, 0)),
    Row("pinball(out, tgt, 0.9)", lambda out, tgt: quantile_error(out, tgt, 0.9)),
    Row(
        "pinball(out, tgt, q)",
        lambda out, tgt, q: quantile_error(out, tgt[..., None], q),
        given=several_quantiles,
    ),
    Row("expectile(out, tgt, 0.9)", lambda out, tgt: expectile_error(out, tgt, 0.9)),
    Row(
        "cauchy(out, tgt, c=0.5)",
        lambda out, tgt: 0.125 * np.log1p(((out - tgt) / 0.5) ** 2),
    ),
    Row(
        "geman_mcclure(out, tgt, c=0.5)",
        lambda out, tgt: 0.125 * (1 - 1 / (1 + ((out - tgt) / 0.5) ** 2)),
    ),
    Row(
        "welsch(out, tgt, c=0.5)",
        lambda out, tgt: 0.125 * (1 - np.exp(-(((out - tgt) / 0.5) ** 2))),
    ),
    Row("tukey(out, tgt, c=1.5)", lambda out, tgt: biweight(out, tgt, 1.5)),
    *(
        Row(
            f"general_robust(out, tgt, alpha={alpha}, c=0.5)",
            lambda out, tgt, alpha=alpha: robust(out, tgt, alpha, 0.5),
        )
        for alpha in (2.0, 1.0, 0.5, 0.001, 0.0, -0.001, -2.0, -1e4)
    ),
    Row("general_robust(out, tgt, alpha=-inf)", lambda out, tgt: robust(out, tgt, -np.inf)),
    Row("general_robust(out, tgt, alpha=1e-30)", lambda out, tgt: robust(out, tgt, 0.0)),
    Row("general_robust(out, tgt, alpha=1.99)", lambda out, tgt: robust(out, tgt, 1.99)),
    Row("general_robust(out, tgt, alpha=2.01)", lambda out, tgt: robust(out, tgt, 2.01)),
    Row("cosine_distance(a, b)", lambda a, b: 1 - cosine(a, b), extremes=ZERO),
    Row("cosine_similarity(a, b)", cosine, extremes=ZERO),
    Row("pairwise_distance(a, b)", distances, extremes=SMALL),
    Row("pairwise_distance(a, b, squared=true)", lambda a, b: distances(a, b) ** 2, extremes=SMALL),
]
