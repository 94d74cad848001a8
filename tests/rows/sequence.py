"""Sequences and language models, against NumPy by the cited formulas, and optax."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby, product
from typing import Any

import numpy as np
import optax
from scipy import special

from rows.row import Row


def log_softmax(z: Any) -> Any:
    return special.log_softmax(z, axis=-1)


def picked(z: Any, y: Any) -> Any:
    """The logarithm of the probability of each label, one at a time."""
    logs = log_softmax(z)
    found = np.zeros(y.shape)
    for at in np.ndindex(y.shape):
        found[at] = logs[at][y[at]]
    return found


def alignments(frames: int, classes: int, labels: tuple[int, ...], blank: int) -> list[Any]:
    """Every way to give each frame a class that reads as the labels."""
    return [
        way
        for way in product(range(classes), repeat=frames)
        if tuple(one for one, _ in groupby(way) if one != blank) == labels
    ]


def likelihood(z: Any, y: Any, z_length: Any = None, y_length: Any = None, blank: int = 0) -> Any:
    """The sum over all alignments, each written out."""
    found = np.zeros(y.shape[:-1])
    for at in np.ndindex(y.shape[:-1]):
        frames = z.shape[-2] if z_length is None else z_length[at]
        size = y.shape[-1] if y_length is None else y_length[at]
        logs = log_softmax(z[at][:frames])
        ways = alignments(frames, z.shape[-1], tuple(y[at][:size]), blank)
        sums = [sum(logs[t, k] for t, k in enumerate(way)) for way in ways]
        found[at] = special.logsumexp(sums) if sums else -np.inf
    return found


def optax_ctc(z: Any, y: Any, z_length: Any, y_length: Any) -> Any:
    frames = np.arange(z.shape[-2]) >= z_length[..., None]
    labels = np.arange(y.shape[-1]) >= y_length[..., None]
    return optax.losses.ctc_loss(z, frames * 1.0, y, labels * 1.0, log_epsilon=-1e10)


def spoken(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Two sequences of two labels, none of them the first class, over five frames."""
    return {
        "z": random.normal(scale=1.5, size=(2, 5, 3)),
        "y": random.integers(1, 3, (2, 2)).astype(np.int32),
    }


def padded(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Sequences of several lengths; what lies beyond them is no label."""
    y_length = np.array([0, 1, 2], np.int32)
    written = np.arange(3) < y_length[:, None]
    return {
        "z": random.normal(scale=1.5, size=(3, 6, 3)),
        "y": np.where(written, random.integers(1, 3, (3, 3)), -1).astype(np.int32),
        "z_length": np.array([2, 6, 4], np.int32),
        "y_length": y_length,
    }


def dense(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Lengths that optax takes: labels beyond them are classes."""
    found = padded(random, drawn)
    return {**found, "y": np.maximum(found["y"], 1)}


def next_token(z: Any, y: Any, shift: int = 1) -> Any:
    found = np.zeros(y.shape)
    found[..., shift:] = -picked(z[..., : y.shape[-1] - shift, :], y[..., shift:])
    return found


def mean_next_token(z: Any, y: Any, shift: int = 1) -> Any:
    kept = next_token(z, y, shift)[..., shift:]
    return kept.mean() if kept.size else 0.0


def mean_unless(value: Any, y: Any, ignored: int) -> Any:
    kept = y != ignored
    return value[kept].mean() if kept.any() else 0.0


def ignoring(z: Any, y: Any) -> Any:
    return np.where(y == 1, 0, next_token(z, y))


def mean_ignoring(z: Any, y: Any) -> Any:
    return mean_unless(next_token(z, y)[..., 1:], y[..., 1:], 1)


def distilled(z: Any, teacher: Any, temperature: float) -> Any:
    p, q = special.softmax(teacher / temperature, -1), special.softmax(z / temperature, -1)
    return temperature**2 * special.rel_entr(p, q).sum(-1)


def smoothed(h: Any, w: Any, y: Any, bias: Any) -> Any:
    z = h @ w + bias
    return 0.9 * -picked(z, y) - 0.1 * log_softmax(z).mean(-1)


# Products of numbers around 1e30 are no float32.
FACTORS = (0.0, -0.0, 1e-30)

ROWS = [
    Row("label_log_probs(z, y)", picked),
    Row("ctc_log_likelihood(z, y)", likelihood, given=spoken),
    Row("ctc(z, y)", lambda z, y: -likelihood(z, y), given=spoken),
    Row(
        "ctc(z, y, blank=2)",
        lambda z, y: -likelihood(z, y, blank=2),
        given=lambda random, drawn: {
            "z": spoken(random, drawn)["z"],
            "y": np.int32([[0, 1], [1, 1]]),
        },
    ),
    Row(
        "ctc(z, y, z_length=z_length, y_length=y_length)",
        lambda z, y, z_length, y_length: -likelihood(z, y, z_length, y_length),
        given=padded,
    ),
    # optax stands for an impossible alignment with a large number, which 1e30 outweighs.
    Row(
        "ctc(z, y, z_length=z_length, y_length=y_length)",
        optax_ctc,
        given=dense,
        extremes=(0.0, -0.0, 1e-30),
    ),
    Row("lm_cross_entropy(z, y)", next_token, reduced=mean_next_token),
    Row(
        "lm_cross_entropy(z, y, shift=0)",
        lambda z, y: next_token(z, y, 0),
        reduced=lambda z, y: mean_next_token(z, y, 0),
    ),
    Row(
        "lm_cross_entropy(z, y, shift=2)",
        lambda z, y: next_token(z, y, 2) if y.shape[-1] > 2 else np.zeros(y.shape),
        reduced=lambda z, y: mean_next_token(z, y, 2) if y.shape[-1] > 2 else 0.0,
    ),
    Row("lm_cross_entropy(z, y, ignore_index=1)", ignoring, reduced=mean_ignoring),
    Row("z_loss(z)", lambda z: special.logsumexp(z, axis=-1) ** 2),
    Row(
        "linear_cross_entropy(h, w, y)",
        lambda h, w, y: -picked(h @ w, y),
        extremes=FACTORS,
    ),
    Row(
        "linear_cross_entropy(h, w, t)",
        lambda h, w, t: -np.sum(t * special.log_softmax(h @ w, axis=-1), axis=-1),
        extremes=FACTORS,
    ),
    Row("linear_cross_entropy(h, w, y, bias=bias, smoothing=0.1)", smoothed, extremes=FACTORS),
    Row(
        "linear_cross_entropy(h, w, y, ignore_index=1)",
        lambda h, w, y: np.where(y == 1, 0, -picked(h @ w, y)),
        reduced=lambda h, w, y: mean_unless(-picked(h @ w, y), y, 1),
        extremes=FACTORS,
    ),
    Row("distill(z, teacher)", lambda z, teacher: distilled(z, teacher, 1.0)),
    Row("distill(z, teacher, temperature=2)", lambda z, teacher: distilled(z, teacher, 2.0)),
]
