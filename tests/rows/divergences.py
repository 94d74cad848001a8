"""Divergences, against optax, SciPy, or sums over the cited formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax
from scipy import special, stats
from scipy.spatial import distance

from rows.row import Row


def relative_entropy(p: Any, q: Any) -> Any:
    return np.sum(special.rel_entr(p, q), axis=-1)


def jensen_shannon(p: Any, q: Any) -> Any:
    middle = (p + q) / 2
    return (relative_entropy(p, middle) + relative_entropy(q, middle)) / 2


def hellinger(p: Any, q: Any) -> Any:
    return np.sqrt(1 - np.sum(np.sqrt(p * q), axis=-1) + (np.sum(p + q, axis=-1) - 2) / 2)


def renyi(p: Any, q: Any, alpha: float) -> Any:
    return np.log(np.sum(p**alpha * q ** (1 - alpha), axis=-1)) / (alpha - 1)


def renyi_near_1(p: Any, q: Any, alpha: float) -> Any:
    """The same with sum(p) taken as 1, as it is for every distribution."""
    moments = np.sum(p * np.expm1((alpha - 1) * np.log(p / q)), axis=-1)
    return np.log1p(moments) / (alpha - 1)


def normal_divergence(mu: Any, logvar: Any, mu2: Any, logvar2: Any) -> Any:
    """Kullback and Leibler's divergence by its terms of scale, distance and entropy."""
    var, var2 = np.exp(logvar), np.exp(logvar2)
    each = np.log(np.sqrt(var2 / var)) + (var + (mu - mu2) ** 2) / (2 * var2) - 0.5
    return each.sum(axis=-1)


def kernel(a: Any, b: Any, bandwidths: Any) -> float:
    squares = np.sum((a - b) ** 2)
    return sum(np.exp(-squares / (2 * width**2)) for width in bandwidths)


def discrepancy(x: Any, y: Any, bandwidths: Any = (0.5, 1.0, 2.0)) -> Any:
    def mean(first: Any, second: Any) -> Any:
        return np.mean([[kernel(a, b, bandwidths) for b in second] for a in first])

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


def unbiased_discrepancy(x: Any, y: Any, bandwidths: Any = (0.5, 1.0, 2.0)) -> Any:
    def within(sample: Any) -> Any:
        size = len(sample)
        pairs = [(i, j) for i in range(size) for j in range(size) if i != j]
        return np.mean([kernel(sample[i], sample[j], bandwidths) for i, j in pairs])

    across = np.mean([[kernel(a, b, bandwidths) for b in y] for a in x])
    return within(x) + within(y) - 2 * across


def energy(x: Any, y: Any) -> Any:
    def mean(first: Any, second: Any) -> Any:
        return np.mean(distance.cdist(first, second))

    return 2 * mean(x, y) - mean(x, x) - mean(y, y)


def two_samples(random: np.random.Generator, drawn: Any) -> dict[str, Any]:
    """At least two in each: one has no pairs, which is LD503."""
    return {"x": random.normal(size=(4, 2)), "y": random.normal(1.0, 2.0, size=(3, 2))}


def one_feature(random: np.random.Generator, drawn: Any) -> dict[str, Any]:
    return {"x": random.normal(size=(7, 1)), "y": random.normal(1.0, 2.0, size=(5, 1))}


ROWS = [
    Row("kl(p, q)", relative_entropy),
    Row("kl(p, q)", lambda p, q: np.asarray(optax.losses.kl_divergence(np.log(q), p))),
    Row(
        "kl_log(log_p, log_q)",
        lambda log_p, log_q: np.asarray(optax.losses.kl_divergence_with_log_targets(log_q, log_p)),
    ),
    Row("reverse_kl(p, q)", lambda p, q: relative_entropy(q, p)),
    Row(
        "generalized_kl(p, q)",
        lambda p, q: np.asarray(optax.losses.generalized_kl_divergence(np.log(q), p)),
    ),
    Row("generalized_kl(p, q)", lambda p, q: special.kl_div(p, q).sum(axis=-1)),
    Row("js(p, q)", jensen_shannon),
    Row("hellinger(p, q)", hellinger),
    Row("total_variation(p, q)", lambda p, q: np.abs(p - q).sum(axis=-1) / 2),
    Row("renyi(p, q, 0.5)", lambda p, q: renyi(p, q, 0.5)),
    Row("renyi(p, q, 2.0)", lambda p, q: renyi(p, q, 2.0)),
    Row("renyi(p, q, 0.95)", lambda p, q: renyi_near_1(p, q, 0.95)),
    Row("renyi(p, q, 1.001)", lambda p, q: renyi_near_1(p, q, 1.001)),
    Row("renyi(p, q, 1.0)", relative_entropy),
    Row(
        "gaussian_kl(mu, logvar)",
        lambda mu, logvar: -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=-1),
    ),
    Row("gaussian_kl(mu, logvar, mu2, logvar2)", normal_divergence),
    Row("entropy(p)", lambda p: np.asarray(stats.entropy(p, axis=-1)), gradient=False),
    Row("entropy(p)", lambda p: -special.xlogy(p, p).sum(axis=-1)),
    Row("mmd(x, y)", discrepancy),
    Row("mmd(x, y, bandwidths=(0.3, 3.0))", lambda x, y: discrepancy(x, y, (0.3, 3.0))),
    Row('mmd(x, y, estimate="unbiased")', unbiased_discrepancy, given=two_samples),
    # Beyond 1e19 a square is no float32.
    Row("energy_distance(x, y)", energy, extremes=(0.0, -0.0, 1e-30)),
    Row(
        "energy_distance(x, y)",
        lambda x, y: stats.energy_distance(x[:, 0], y[:, 0]) ** 2,
        extremes=(),  # the one before has them
        given=one_feature,
    ),
]
