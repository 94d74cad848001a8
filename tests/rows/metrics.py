"""Metrics: scikit-learn, or the definition."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import special, stats
from sklearn import metrics

from rows.row import Row

Array = np.ndarray


def flat(z: Array, y: Array) -> tuple[Array, Array]:
    return z.reshape(-1, z.shape[-1]), y.ravel()


def by_class(score: object) -> object:
    """Return a score of scikit-learn for each class."""

    def reference(z: Array, y: Array) -> Array:
        scores, truth = flat(z, y)
        classes = range(z.shape[-1])
        return score(truth, scores.argmax(-1), labels=classes, average=None, zero_division=0)

    return reference


def area(out: Array, t: Array) -> float:
    """Compare every positive with every negative."""
    above, below = out[t > 0], out[t == 0]
    wins = [(a > b) + (a == b) / 2 for a in above for b in below]
    return float(np.mean(wins)) if wins else 0.5


def calibration(p: Array, y: Array, bins: int) -> float:
    rows, truth = flat(p, y)
    confidence, right = rows.max(-1), rows.argmax(-1) == truth
    edges = np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


def within(z: Array, y: Array, k: int) -> Array:
    order = np.argsort(-z, axis=-1)[..., :k]
    return (order == y[..., None]).any(-1) * 1.0


def explained(out: Array, tgt: Array) -> Array:
    count = len(tgt)
    if count < 2:  # scikit-learn has none
        return np.where((out == tgt).all(0), 1.0, 0.0)
    found = metrics.r2_score(
        tgt.reshape(count, -1), out.reshape(count, -1), multioutput="raw_values"
    )
    return np.reshape(found, out.shape[1:])


ROWS = [
    Row("accuracy(z, y)", lambda z, y: (z.argmax(-1) == y) * 1.0, gradient=False),
    Row("accuracy(z, t)", lambda z, t: (z.argmax(-1) == t.argmax(-1)) * 1.0, gradient=False),
    Row(
        "top_k_accuracy(z, t, 2)",
        lambda z, t: within(z, t.argmax(-1), 2),
        gradient=False,
        extremes=(),
    ),
    # Where scores are equal, which of them are the first k is arbitrary.
    Row(
        "top_k_accuracy(z, y, 2)",
        lambda z, y: within(z, y, 2),
        gradient=False,
        extremes=(),
    ),
    Row(
        "perplexity(z, y)",
        lambda z, y: np.exp(
            -np.mean(np.take_along_axis(special.log_softmax(z, axis=-1), y[..., None], -1))
        ),
    ),
    # The square of 1e30 overflows f32.
    Row("r2(out, tgt)", explained, extremes=(0.0, -0.0, 1e-30)),
    Row("f1(z, y)", by_class(metrics.f1_score), gradient=False),
    Row(
        "f1(p, t)",
        lambda p, t: metrics.f1_score(t.ravel(), p.ravel() > 0.5, zero_division=0),
        gradient=False,
    ),
    Row("iou(z, y)", by_class(metrics.jaccard_score), gradient=False),
    Row("auc(out, t)", area, gradient=False),
    Row("ece(p, y)", lambda p, y: calibration(p, y, 15)),
    Row("ece(p, y, bins=4)", lambda p, y: calibration(p, y, 4)),
    Row(
        "midrank(x)",
        lambda x: stats.rankdata(x, axis=-1) - 1,
        gradient=False,
    ),
]
