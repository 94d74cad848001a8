"""Classification: optax, SciPy, or the formulas of the papers, example by example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optax
from scipy import optimize, special

from rows.row import Row

Array = np.ndarray


def of_optax(name: str, *inputs: str, **options: Any) -> Callable[..., Array]:
    """Return a loss of optax as a function of inputs by name."""
    compute = getattr(optax.losses, name)
    return lambda **given: np.asarray(compute(*(given[one] for one in inputs), **options))


def by_example(compute: Callable[..., float]) -> Callable[..., Array]:
    """Return a function of one example's scores and label as one of arrays of them."""

    def reference(y: Array, **scores: Array) -> Array:
        (z,) = scores.values()
        pairs = zip(z.reshape(y.size, z.shape[-1]), y.ravel(), strict=True)
        found = [compute(scores, label) for scores, label in pairs]
        return np.reshape(np.asarray(found, np.float64), y.shape)

    return reference


def chance(z: Array, k: int) -> float:
    return float(np.exp(special.log_softmax(z)[k]))


def nll(z: Array, k: int) -> float:
    return -float(special.log_softmax(z)[k])


def one_hot(y: Array, classes: int) -> Array:
    return np.eye(classes)[y]


def smoothed(z: Array, k: int, smoothing: float = 0.2) -> float:
    target = (1 - smoothing) * np.eye(len(z))[k] + smoothing / len(z)
    return -float(target @ special.log_softmax(z))


def weighed(z: Array, t: Array, class_weight: Array, smoothing: float = 0) -> Array:
    target = (1 - smoothing) * t + smoothing / z.shape[-1]
    return -np.einsum("...k,...k,k->...", target, special.log_softmax(z, axis=-1), class_weight)


def binary(z: Array, y: Array, pos_weight: Any = 1, smoothing: float = 0) -> Array:
    y = y + smoothing * (0.5 - y)
    return -(pos_weight * y * special.log_expit(z) + (1 - y) * special.log_expit(-z))


def weighed_focal(z: Array, y: Array, class_weight: Array) -> Array:
    values = by_example(lambda z, k: (1 - chance(z, k)) ** 2 * nll(z, k))(y, z=z)
    return class_weight[y] * values


def soft_focal(z: Array, t: Array, class_weight: Any = 1, gamma: float = 2) -> Array:
    """Keras' formula, of logits and without a factor: each class counts by its own probability."""
    log_p = special.log_softmax(z, axis=-1)
    with np.errstate(invalid="ignore"):
        parts = (-np.expm1(log_p)) ** gamma * log_p * class_weight
        return -np.sum(np.where(t == 0, 0, t * parts), axis=-1)


def short_of_best(z: Array, t: Array) -> Array:
    """How far the classes of a distribution are below the best; it need not sum to 1 exactly."""
    return np.sum(t * (np.max(z, axis=-1, keepdims=True) - z), axis=-1)


def class_weights(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {"class_weight": random.uniform(0.5, 2, drawn["z"].shape[-1])}


def asymmetric(z: Array, y: Array, gain: float, loss: float, margin: float) -> Array:
    p = special.expit(z)
    shifted = np.maximum(p - margin, 0)
    found = (1 - p) ** gain * special.log_expit(z) * y
    other = shifted**loss * np.where(margin == 0, special.log_expit(-z), np.log1p(-shifted))
    return -found - other * (1 - y)


def adjusted(z: Array, y: Array, prior: Array, tau: float = 1) -> Array:
    z = z - z.max(-1, keepdims=True)
    sums = np.log(np.sum(prior**tau * np.exp(z), -1))
    return sums - np.take_along_axis(z, y[..., None], -1)[..., 0] - tau * np.log(prior)[y]


def generalized(q: float) -> Callable[[Array, int], float]:
    """A logit of -inf is a class that cannot be; of inf the softmax is NaN, as it is in JAX."""

    def compute(z: Array, k: int) -> float:
        if q == 0:
            return nll(z, k)
        return np.nan if np.isposinf(z).any() else -np.expm1(-q * nll(z, k)) / q

    return compute


def sparse_probabilities(z: Array) -> Array:
    """Project onto the simplex by bisection of the threshold; NaN if the peak is infinite."""
    z = z - z.max()
    if np.isnan(z).any():
        return np.full_like(z, np.nan)
    threshold = optimize.brentq(lambda at: np.maximum(z - at, 0).sum() - 1, -1, 0, xtol=1e-15)
    return np.maximum(z - threshold, 0)


def sparsemax(x: Array) -> Array:
    return np.apply_along_axis(sparse_probabilities, -1, x) if x.size else x


def sparse_loss(z: Array, t: Array) -> Array:
    p = sparsemax(z)
    value = np.sum(part(p, z), -1) - np.sum(p**2, -1) / 2
    return value + np.sum(t**2, -1) / 2 - np.sum(part(t, z), -1)


def part(share: Array, z: Array) -> Array:
    """The product; 0 of a class that cannot be and has no share."""
    return np.where((share == 0) & np.isneginf(z), 0, share * z)


def two_classes(z: Array, y: Array) -> Array:
    scores, targets = np.stack([z, 0 * z], -1), np.stack([y, 1 - y], -1)
    return sparse_loss(scores - scores.max(-1, keepdims=True), targets)


def margin(z: Array, k: int) -> float:
    return max(z[j] - z[k] + (j != k) for j in range(len(z)))


# Differences of numbers around 1e30 keep no digit of the others in float32.
SMALL = (0.0, -0.0, 1e-30)

ROWS = [
    Row("cross_entropy(z, y)", by_example(nll)),
    Row("cross_entropy(z, t)", of_optax("softmax_cross_entropy", "z", "t")),
    Row("cross_entropy(z, y, smoothing=0.2)", by_example(smoothed)),
    Row("cross_entropy(z, t, class_weight=class_weight)", weighed, given=class_weights),
    Row(
        "cross_entropy(z, t, class_weight=class_weight, smoothing=0.2)",
        lambda **given: weighed(**given, smoothing=0.2),
        given=class_weights,
    ),
    Row("binary_cross_entropy(z, y, pos_weight=3)", lambda z, y: binary(z, y, 3)),
    Row(
        "binary_cross_entropy(z, y, pos_weight=pos_weight, smoothing=0.2)",
        lambda **given: binary(**given, smoothing=0.2),
        given=lambda random, drawn: {"pos_weight": random.uniform(0.5, 2, drawn["z"].shape)},
    ),
    Row("binary_cross_entropy(z, y)", of_optax("sigmoid_binary_cross_entropy", "z", "y")),
    Row(
        "focal(z, y, gamma=1.5)",
        by_example(lambda z, k: (1 - chance(z, k)) ** 1.5 * nll(z, k)),
    ),
    Row("focal(z, y)", by_example(lambda z, k: (1 - chance(z, k)) ** 2 * nll(z, k))),
    Row(
        "focal(z, y, class_weight=class_weight)",
        weighed_focal,
        given=class_weights,
        reduced=lambda z, y, class_weight: (
            weighed_focal(z, y, class_weight).sum() / class_weight[y].sum()
        ),
    ),
    Row("focal(z, t)", soft_focal),
    Row(
        "focal(z, t, gamma=1.5, class_weight=class_weight)",
        lambda **given: soft_focal(**given, gamma=1.5),
        given=class_weights,
    ),
    Row("sigmoid_focal(z, y)", of_optax("sigmoid_focal_loss", "z", "y")),
    Row(
        "sigmoid_focal(z, y, alpha=0.25, gamma=1.5)",
        of_optax("sigmoid_focal_loss", "z", "y", alpha=0.25, gamma=1.5),
    ),
    Row("asymmetric(z, y)", lambda z, y: asymmetric(z, y, 0, 4, 0.05)),
    Row(
        "asymmetric(z, y, gamma_pos=1, gamma_neg=2.5, margin=0)",
        lambda z, y: asymmetric(z, y, 1, 2.5, 0),
    ),
    Row("hinge(out, signs)", of_optax("hinge_loss", "out", "signs")),
    Row("squared_hinge(out, signs)", lambda out, signs: np.maximum(0, 1 - signs * out) ** 2),
    Row("perceptron(out, signs)", of_optax("perceptron_loss", "out", "signs")),
    Row("multiclass_hinge(z, y)", by_example(margin)),
    Row(
        "multiclass_hinge(z, t)",
        lambda z, t: np.max(z + 1 - t, axis=-1) - np.max(z, axis=-1) + short_of_best(z, t),
        extremes=SMALL,
    ),
    Row(
        "multiclass_perceptron(z, t)",
        lambda z, t: short_of_best(z, t),
        extremes=SMALL,
    ),
    Row("multiclass_perceptron(z, y)", of_optax("multiclass_perceptron_loss", "z", "y")),
    Row("sparsemax(x)", sparsemax),
    Row(
        "multiclass_sparsemax(z, y)",
        lambda z, y: sparse_loss(z - z.max(-1, keepdims=True), one_hot(y, z.shape[-1])),
    ),
    Row(
        "multiclass_sparsemax(z, t)",
        lambda z, t: sparse_loss(z - z.max(-1, keepdims=True), t),
    ),
    Row("binary_sparsemax(z, y)", two_classes),
    Row(
        "binary_sparsemax(z, y)",
        of_optax("sparsemax_loss", "z", "y"),
        gradient=False,
        given=lambda random, drawn: {"y": random.choice([0.0, 1.0], drawn["y"].shape)},
    ),
    Row(
        "fenchel_young(z, t)",
        lambda z, t: special.logsumexp(z, axis=-1) - np.sum(t * z, axis=-1),
    ),
    Row("log_partition(z)", lambda z: special.logsumexp(z, axis=-1)),
    Row("poly_cross_entropy(z, y)", by_example(lambda z, k: nll(z, k) + 2 * (1 - chance(z, k)))),
    Row(
        "poly_cross_entropy(z, t, epsilon=-0.5)",
        of_optax("poly_loss_cross_entropy", "z", "t", epsilon=-0.5),
    ),
    Row("logit_adjusted(z, y, prior)", adjusted),
    Row(
        "logit_adjusted(z, y, prior, tau=0.5)",
        lambda z, y, prior: adjusted(z, y, prior, 0.5),
    ),
    Row(
        "logit_adjusted(z, t, prior, tau=0.5)",
        lambda z, t, prior: (
            -np.sum(t * special.log_softmax(z + 0.5 * np.log(prior), axis=-1), axis=-1)
        ),
        extremes=SMALL,
    ),
    Row(
        "generalized_cross_entropy(z, t)",
        lambda z, t: np.sum(t * (1 - special.softmax(z, axis=-1) ** 0.7), axis=-1) / 0.7,
        extremes=SMALL,
    ),
    Row("generalized_cross_entropy(z, y)", by_example(generalized(0.7))),
    Row("generalized_cross_entropy(z, y, q=0)", by_example(generalized(0))),
    Row("generalized_cross_entropy(z, y, q=1e-6)", by_example(generalized(1e-6))),
    Row("brier(p, y)", by_example(lambda p, k: ((p - np.eye(len(p))[k]) ** 2).sum())),
    Row("brier(p, t)", lambda p, t: np.sum((p - t) ** 2, axis=-1)),
    Row(
        "smooth_labels(t, 0.1)",
        lambda t: np.asarray(optax.losses.smooth_labels(t, 0.1)),
    ),
]
