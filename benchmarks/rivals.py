"""Losses by hand, written in JAX with care, beside the texts that stand for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax


@dataclass(frozen=True)
class Row:
    """A text, what it is called with, and the same loss by hand."""

    name: str
    text: str
    inputs: Callable[[], dict[str, Any]]
    rival: Callable[..., Any]
    keeps: str = ""
    """What the text keeps and the loss by hand loses, where it costs bytes or time."""


def normal(*shape: int, seed: int = 0) -> Any:
    """Return normal numbers, f32."""
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def labels(*shape: int, classes: int, seed: int = 1) -> Any:
    """Return labels, i32."""
    return jnp.asarray(np.random.default_rng(seed).integers(0, classes, shape), jnp.int32)


def mask(*shape: int, seed: int = 2) -> Any:
    """Return which elements count, three in four."""
    return jnp.asarray(np.random.default_rng(seed).random(shape) < 0.75)


def probs(*shape: int, seed: int = 3) -> Any:
    """Return distributions over the last axis, f32."""
    return jax.nn.softmax(normal(*shape, seed=seed))


def ce(z: Any, y: Any) -> Any:
    """Return the cross entropy of integer labels by optax."""
    return optax.softmax_cross_entropy_with_integer_labels(z, y)


def mean_where(x: Any, where: Any) -> Any:
    """Return the mean of what a mask keeps."""
    return jnp.sum(jnp.where(where, x, 0)) / jnp.sum(where)


def smooth_ce(z: Any, y: Any, smoothing: float) -> Any:
    """Return the smoothed cross entropy without an array of targets."""
    norm = jax.nn.logsumexp(z, axis=-1)
    picked = jnp.take_along_axis(z, y[..., None], -1)[..., 0]
    return norm - (1 - smoothing) * picked - smoothing * jnp.mean(z, axis=-1)


def ignore_ce(z: Any, y: Any) -> Any:
    """Return the mean cross entropy of labels that are not -1."""
    return mean_where(ce(z, jnp.maximum(y, 0)), y != -1)


def lm_ce(z: Any, y: Any) -> Any:
    """Return the mean cross entropy of next tokens: all but the last logits, all but the first."""
    return jnp.mean(ce(z[:, :-1], y[:, 1:]))


def cosines(a: Any, b: Any) -> Any:
    """Return the cosines of all pairs of rows."""
    unit = [x / jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b)]
    return unit[0] @ unit[1].T


def infonce(a: Any, b: Any) -> Any:
    """Return InfoNCE at a temperature of 0.1."""
    return jnp.mean(ce(cosines(a, b) / 0.1, jnp.arange(len(a))))


def clip(a: Any, b: Any) -> Any:
    """Return InfoNCE in both directions from one matrix of scores."""
    scores, own = cosines(a, b) / 0.07, jnp.arange(len(a))
    return 0.5 * jnp.mean(ce(scores, own) + ce(scores.T, own))


def sq_distances(x: Any, y: Any) -> Any:
    """Return squared distances in their matmul form."""
    squares = jnp.sum(x**2, -1)[:, None] + jnp.sum(y**2, -1)[None, :]
    return jnp.maximum(squares - 2 * x @ y.T, 0)


def distances(x: Any, y: Any) -> Any:
    """Return distances, with gradient 0 where they are 0."""
    squared = sq_distances(x, y)
    apart = squared > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1)), 0)


def gaussian_mmd(a: Any, b: Any) -> Any:
    """Return the squared discrepancy under three Gaussian kernels."""

    def kernel(x: Any, y: Any) -> Any:
        far = sq_distances(x, y)
        return jnp.mean(sum(jnp.exp(-0.5 * far / width**2) for width in (0.5, 1.0, 2.0)))

    return kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)


def energy(a: Any, b: Any) -> Any:
    """Return the energy distance."""
    between, left, right = (jnp.mean(distances(*two)) for two in ((a, b), (a, a), (b, b)))
    return 2 * between - left - right


def corners(scale: float, seed: int) -> Any:
    """Return boxes by their corners, f32[20000, 4]."""
    random = np.random.default_rng(seed)
    low = random.random((20000, 2)) * scale
    return jnp.asarray(np.concatenate([low, low + random.random((20000, 2)) + 0.1], 1), jnp.float32)


def iou_parts(a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """Return intersection over union, union, and the sides of the hull."""
    low, high = jnp.maximum(a[:, :2], b[:, :2]), jnp.minimum(a[:, 2:], b[:, 2:])
    both = jnp.prod(jnp.maximum(high - low, 0), -1)
    areas = [jnp.prod(x[:, 2:] - x[:, :2], -1) for x in (a, b)]
    union = areas[0] + areas[1] - both
    hull = jnp.maximum(a[:, 2:], b[:, 2:]) - jnp.minimum(a[:, :2], b[:, :2])
    return both / union, union, hull[:, 0], hull[:, 1]


def giou(a: Any, b: Any) -> Any:
    """Return the mean of 1 less the generalised intersection over union."""
    iou, union, wide, high = iou_parts(a, b)
    return jnp.mean(1 - iou + (wide * high - union) / (wide * high))


def ciou(a: Any, b: Any) -> Any:
    """Return the mean complete IoU loss of its paper."""
    iou, _, wide, high = iou_parts(a, b)
    centers = (b[:, :2] + b[:, 2:] - a[:, :2] - a[:, 2:]) / 2
    far = jnp.sum(centers**2, -1) / (wide**2 + high**2)
    angles = [jnp.arctan((x[:, 2] - x[:, 0]) / (x[:, 3] - x[:, 1])) for x in (a, b)]
    aspect = 4 / jnp.pi**2 * (angles[1] - angles[0]) ** 2
    alpha = jax.lax.stop_gradient(aspect / (1 - iou + aspect + 1e-7))
    return jnp.mean(1 - iou + far + alpha * aspect)


def tree() -> Any:
    """Return a tree of a thousand leaves."""
    return {f"layer{at}": {"kernel": normal(8, 8, seed=at), "bias": normal(8)} for at in range(500)}


def leaves_l2(params: Any) -> Any:
    """Return the mean over the leaves of their mean squares."""
    leaves = jax.tree.leaves(params)
    return sum(jnp.mean(leaf**2) for leaf in leaves) / len(leaves)


BIG = (1024, 32000)


def big(**more: Any) -> dict[str, Any]:
    """Return logits of a language model with labels."""
    return {"z": normal(*BIG), "y": labels(BIG[0], classes=BIG[1]), **more}


def pairs(size: int, width: int) -> Callable[[], dict[str, Any]]:
    """Return what makes two arrays of rows."""
    return lambda: {"a": normal(size, width), "b": normal(size, width, seed=5)}


def one(*shape: int) -> Callable[[], dict[str, Any]]:
    """Return what makes one array."""
    return lambda: {"x": normal(*shape)}


def two_probs(*shape: int) -> Callable[[], dict[str, Any]]:
    """Return what makes two distributions over the last axis."""
    return lambda: {"p": probs(*shape), "q": probs(*shape, seed=4)}


ROWS = (
    Row(
        "cross_entropy",
        "cross_entropy(z, y)",
        big,
        lambda z, y: jnp.mean(ce(z, y)),
        keeps="logits of 1e6, nearly sure labels",
    ),
    Row(
        "cross_entropy smoothing",
        "cross_entropy(z, y, smoothing=0.1)",
        big,
        lambda z, y: jnp.mean(smooth_ce(z, y, 0.1)),
        keeps="logits of 1e6, impossible labels",
    ),
    Row(
        "cross_entropy where",
        "cross_entropy(z, y, where=m)",
        lambda: big(m=mask(BIG[0])),
        lambda z, y, m: mean_where(ce(z, y), m),
        keeps="rows with NaN under the mask",
    ),
    Row(
        "cross_entropy ignore_index",
        "cross_entropy(z, y, ignore_index=-1)",
        big,
        ignore_ce,
        keeps="rows with NaN under the mask",
    ),
    Row(
        "cross_entropy class axis",
        "cross_entropy(z, y, class_axis=0)",
        lambda: {"z": normal(*reversed(BIG)), "y": labels(BIG[0], classes=BIG[1])},
        lambda z, y: jnp.mean(optax.softmax_cross_entropy_with_integer_labels(z, y, axis=0)),
    ),
    Row(
        "cross_entropy segmentation",
        "cross_entropy(z, y)",
        lambda: {"z": normal(8, 256, 256, 21), "y": labels(8, 256, 256, classes=21)},
        lambda z, y: jnp.mean(ce(z, y)),
        keeps="logits of 1e6, nearly sure labels",
    ),
    Row(
        "cross_entropy distributions",
        "cross_entropy(z, t)",
        lambda: {"z": normal(*BIG), "t": probs(*BIG)},
        lambda z, t: jnp.mean(optax.softmax_cross_entropy(z, t)),
    ),
    Row(
        "lm_cross_entropy",
        "lm_cross_entropy(z, y)",
        lambda: {"z": normal(4, 256, 32000), "y": labels(4, 256, classes=32000)},
        lm_ce,
        keeps="rows with NaN under the mask",
    ),
    Row(
        "cross_entropy of h @ w",
        "cross_entropy(h @ w, y)",
        lambda: {
            "h": normal(4096, 256) / 16,
            "w": normal(256, 32000),
            "y": labels(4096, classes=32000),
        },
        lambda h, w, y: jnp.mean(ce(h @ w, y)),
    ),
    Row("info_nce", "info_nce(a, b)", pairs(4096, 128), infonce),
    Row("clip_loss", "clip_loss(a, b)", pairs(4096, 128), clip),
    Row("mmd", "mmd(a, b)", pairs(1024, 64), gaussian_mmd, keeps="near rows"),
    Row(
        "pairwise_distance",
        "mean(pairwise_distance(a, b))",
        pairs(1024, 64),
        lambda a, b: jnp.mean(distances(a, b)),
        keeps="near rows",
    ),
    Row("energy_distance", "energy_distance(a, b)", pairs(1024, 64), energy, keeps="near rows"),
    Row(
        "softmax",
        "mean(softmax(x)*x)",
        one(1024, 4096),
        lambda x: jnp.mean(jax.nn.softmax(x) * x),
        keeps="slopes where one share is nearly 1",
    ),
    Row(
        "log_cosh",
        "log_cosh(a, b)",
        pairs(1024, 1024),
        lambda a, b: jnp.mean(optax.losses.log_cosh(a, b)),
        keeps="values near 0",
    ),
    Row(
        "norm",
        "mean(norm(x, axis=-1))",
        one(4096, 256),
        lambda x: jnp.mean(jnp.sqrt(jnp.sum(x**2, -1))),
        keeps="squares out of range",
    ),
    Row(
        "normalize",
        "mean(normalize(x)*x)",
        one(4096, 256),
        lambda x: jnp.mean(x / jnp.linalg.norm(x, axis=-1, keepdims=True) * x),
        keeps="squares out of range, zero rows",
    ),
    Row(
        "cosine_distance",
        "cosine_distance(a, b)",
        pairs(4096, 256),
        lambda a, b: jnp.mean(optax.losses.cosine_distance(a, b)),
        keeps="squares out of range, zero rows",
    ),
    Row(
        "triplet",
        "triplet(a, b, c)",
        lambda: {
            "a": normal(4096, 256),
            "b": normal(4096, 256, seed=1),
            "c": normal(4096, 256, seed=2),
        },
        lambda a, b, c: jnp.mean(
            jnp.maximum(jnp.linalg.norm(a - b, axis=-1) - jnp.linalg.norm(a - c, axis=-1) + 1, 0)
        ),
        keeps="squares out of range, equal points",
    ),
    Row(
        "kl",
        "kl(p, q)",
        two_probs(4096, 256),
        lambda p, q: jnp.mean(jnp.sum(p * (jnp.log(p) - jnp.log(q)), -1)),
        keeps="probabilities of 0",
    ),
    Row(
        "entropy",
        "mean(entropy(p))",
        lambda: {"p": probs(4096, 256)},
        lambda p: -jnp.mean(jnp.sum(p * jnp.log(p), -1)),
        keeps="probabilities of 0",
    ),
    Row(
        "giou",
        "giou(a, b)",
        lambda: {"a": corners(3, 0), "b": corners(3, 1)},
        giou,
        keeps="boxes without area, corners in any order",
    ),
    Row(
        "ciou",
        "ciou(a, b)",
        lambda: {"a": corners(3, 0), "b": corners(3, 1)},
        ciou,
        keeps="boxes without area, corners in any order",
    ),
    Row("l2sqr of 1000 leaves", "l2sqr(params)", lambda: {"params": tree()}, leaves_l2),
)
