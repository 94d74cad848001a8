"""Contrastive and self-supervised losses against their papers' formulas, one row at a time."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy import special

from rows.row import Row

# The squared distance of float32 points is infinite from 1e20 on.
SMALL = (0.0, -0.0, 1e-30)


def unit(x: Any) -> Any:
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.where(length == 0, 1, length)


def cosines(a: Any, b: Any) -> Any:
    return unit(a) @ unit(b).T


def present(x: Any, where: Any) -> Any:
    return np.ones(len(x), bool) if where is None else where


def by_row(here: Any, value: Any) -> Any:
    """Return the value of each row that is present, 0 of the others."""
    return np.array([value(i) if here[i] else 0.0 for i in range(len(here))])


def picked(scores: Any, here: Any, pairs: Any = None) -> Any:
    """Return the cross entropy of the own column among the columns that a row is held against."""

    def one(i: int) -> float:
        columns = [
            j for j in range(len(here)) if j == i or (here[j] and (pairs is None or pairs[i, j]))
        ]
        return special.logsumexp(scores[i, columns]) - scores[i, i]

    return by_row(here, one)


def info_nce(q: Any, k: Any, temperature: float = 0.2, pairs: Any = None, where: Any = None) -> Any:
    return picked(cosines(q, k) / temperature, present(q, where), pairs)


def clip_loss(a: Any, b: Any, where: Any = None) -> Any:
    both = info_nce(a, b, 0.3, None, where), info_nce(b, a, 0.3, None, where)
    return np.mean(both, axis=0)


def siglip(a: Any, b: Any, where: Any = None) -> Any:
    here, scores = present(a, where), cosines(a, b) / 0.1 - 2

    def one(i: int) -> float:
        terms = [
            np.logaddexp(0, -scores[i, j] if i == j else scores[i, j]) for j in np.flatnonzero(here)
        ]
        return float(np.sum(terms))

    return by_row(here, one)


def supcon(z: Any, y: Any, where: Any = None) -> Any:
    here, scores = present(z, where), cosines(z, z) / 0.5

    def one(i: int) -> float:
        others = [j for j in np.flatnonzero(here) if j != i]
        positives = [j for j in others if y[j] == y[i]]
        if not positives:
            return 0.0
        return special.logsumexp(scores[i, others]) - np.mean(scores[i, positives])

    return by_row(here, one)


def pairs_of(y: Any) -> list[tuple[int, int]]:
    return [(i, j) for i in range(len(y)) for j in range(len(y)) if i != j and y[i] == y[j]]


def ntxent(z: Any, y: Any) -> Any:
    scores, total = cosines(z, z) / 0.5, np.zeros(len(y))
    for i, j in pairs_of(y):
        rivals = scores[i][y != y[i]]
        total[i] += special.logsumexp([scores[i, j], *rivals]) - scores[i, j]
    return total


def optax_ntxent(z: Any, y: Any) -> Any:
    with jax.enable_x64(True):
        return np.asarray(optax.losses.ntxent(jnp.asarray(z), y, 0.5)) if pairs_of(y) else 0.0


def two_views(a: Any, b: Any, where: Any = None) -> Any:
    """Return the mean of both rows of each pair, of which all other rows are rivals."""
    here = present(a, where)
    count = len(a)
    rows = np.concatenate([a, b])
    scores, kept = cosines(rows, rows) / 0.5, np.concatenate([here, here])

    def one(i: int) -> float:
        other = (i + count) % (2 * count)
        rivals = [j for j in range(2 * count) if j != i and kept[j]]
        return special.logsumexp(scores[i, rivals]) - scores[i, other]

    return by_row(here, lambda i: (one(i) + one(i + count)) / 2)


def triplet(anchor: Any, positive: Any, negative: Any) -> Any:
    near, far = (
        np.linalg.norm(anchor - positive, axis=-1),
        np.linalg.norm(anchor - negative, axis=-1),
    )
    return np.maximum(near - far + 0.5, 0)


def triplet_squared(anchor: Any, positive: Any, negative: Any) -> Any:
    near, far = ((anchor - positive) ** 2).sum(-1), ((anchor - negative) ** 2).sum(-1)
    return np.maximum(near - far + 1, 0)


def contrastive_pair(a: Any, b: Any, same: Any) -> Any:
    distance = np.linalg.norm(a - b, axis=-1)
    return np.where(same, distance**2, np.maximum(2 - distance, 0) ** 2) / 2


def correlations(a: Any, b: Any) -> Any:
    """Return the correlation of each feature of a with each of b; 0 for a constant one."""
    a, b = a - a.mean(0), b - b.mean(0)
    return unit(a.T) @ unit(b.T).T


def barlow(a: Any, b: Any) -> Any:
    found = correlations(a, b)
    return sum((1 - c) ** 2 if i == j else 0.1 * c**2 for (i, j), c in np.ndenumerate(found))


def spread(z: Any, margin: float = 1) -> Any:
    variance = z.var(0, ddof=1) if len(z) > 1 else np.zeros(z.shape[1])
    return np.maximum(margin - np.sqrt(variance + 1e-4), 0)


def covariances(z: Any) -> Any:
    if len(z) < 2:
        return np.asarray(0.0)
    found = np.atleast_2d(np.cov(z, rowvar=False))
    return ((found**2).sum() - (np.diag(found) ** 2).sum()) / z.shape[1]


def vicreg(a: Any, b: Any) -> Any:
    distance = ((a - b) ** 2).sum(1).mean()
    spreads = spread(a).mean() + spread(b).mean()
    return 2.5 * distance + 25 * spreads + covariances(a) + covariances(b)


def byol(online: Any, target: Any) -> Any:
    return ((unit(online) - unit(target)) ** 2).sum(-1)


def arcface(x: Any, w: Any, y: Any, margin: float = 0.3, scale: float = 4) -> Any:
    angle = np.arccos(np.clip(unit(x) @ unit(w).T, -1, 1))
    own = np.arange(len(w)) == np.asarray(y)[..., None]
    # An embedding of zeros has no angle that a margin could raise.
    raised = own & (x != 0).any(-1, keepdims=True)
    logits = scale * np.cos(angle + margin * raised)
    return special.logsumexp(logits, axis=-1) - (logits * own).sum(-1)


def circle(z: Any, y: Any, where: Any = None, held: Any = None) -> Any:
    here, s = present(z, where), cosines(z, z)
    weights = s if held is None else cosines(held["z"], held["z"])
    m, scale = 0.25, 4.0

    def one(i: int) -> float:
        like = [j for j in np.flatnonzero(here) if j != i and y[j] == y[i]]
        unlike = [j for j in np.flatnonzero(here) if y[j] != y[i]]
        pull = sum(
            np.exp(-scale * max(1 + m - weights[i, j], 0) * (s[i, j] - (1 - m))) for j in like
        )
        push = sum(np.exp(scale * max(weights[i, j] + m, 0) * (s[i, j] - m)) for j in unlike)
        return np.log1p(pull * push)

    return by_row(here, one)


def dino(student: Any, teacher: Any, center: Any = 0) -> Any:
    wanted = special.softmax((teacher - center) / 0.04, axis=-1)
    return -(wanted * special.log_softmax(student / 0.1, axis=-1)).sum(-1)


ROWS = [
    Row("info_nce(q, k, temperature=0.2)", info_nce),
    Row("info_nce(q, k, 0.2, pairs)", info_nce),
    Row("clip_loss(a, b, temperature=0.3)", clip_loss),
    Row("siglip(a, b, bias=-2)", siglip),
    Row("supcon(z, y, temperature=0.5)", supcon),
    Row(
        "ntxent(z, y, temperature=0.5)",
        ntxent,
        reduced=optax_ntxent,
    ),
    Row("ntxent(a, b, temperature=0.5)", two_views),
    Row("triplet(anchor, positive, negative, margin=0.5)", triplet, extremes=SMALL),
    Row('triplet(anchor, positive, negative, distance="squared")', triplet_squared, extremes=SMALL),
    Row(
        "npairs(anchor, positive)",
        lambda anchor, positive, where=None: picked(anchor @ positive.T, present(anchor, where)),
        extremes=SMALL,
    ),
    Row("contrastive_pair(a, b, same, margin=2)", contrastive_pair, extremes=SMALL),
    Row("barlow(a, b, redundancy=0.1)", barlow),
    Row("vicreg(a, b, invariance=2.5)", vicreg),
    Row("vicreg_variance(z)", spread),
    Row("vicreg_covariance(z)", covariances),
    Row(
        "byol(online, target)",
        byol,
        moving=lambda online, target, held: byol(online, held["target"]),
    ),
    Row("arcface(x, w, y, margin=0.3, scale=4)", arcface),
    Row("circle(z, y, scale=4)", circle, moving=circle),
    Row(
        "dino(student, teacher)",
        dino,
        moving=lambda student, teacher, held: dino(student, held["teacher"]),
    ),
    Row(
        "dino(student, teacher, center)",
        dino,
        moving=lambda student, teacher, center, held: dino(
            student, held["teacher"], held["center"]
        ),
    ),
]
