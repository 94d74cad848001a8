"""Losses of pixels and voxels."""

from __future__ import annotations

from typing import Any

import numpy as np


def softmax(z: Any) -> Any:
    p = np.exp(z - z.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def unet(z: Any, y: Any, balance: Any, d1: Any, d2: Any) -> float:
    p = softmax(z)
    total = 0.0
    for at in np.ndindex(y.shape):
        border = 10 * np.exp(-((d1[at] + d2[at]) ** 2) / (2 * 5**2))
        total -= (balance[y[at]] + border) * np.log(p[at][y[at]])
    return total


def draw_unet(random: Any, inputs: Any) -> Any:
    near = random.uniform(0, 5, inputs["d1"].shape)
    return {
        "balance": random.uniform(0.5, 2, inputs["balance"].shape),
        "d1": near,
        "d2": near + random.uniform(0, 5, near.shape),
    }


def nnunet(z: Any, y: Any) -> float:
    p = softmax(z)
    classes = z.shape[-1]
    entropy = -np.mean([np.log(p[at][y[at]]) for at in np.ndindex(y.shape)])
    overlaps = []
    for image, labels in zip(p, y, strict=True):
        for k in range(classes):
            u, v = image[..., k], labels == k
            overlaps.append(2 * np.sum(u * v) / (np.sum(u) + np.sum(v)))
    return float(entropy - np.mean(overlaps))


def vnet(z: Any, t: Any) -> float:
    overlaps = []
    for scores, truth in zip(z, t, strict=True):
        p = 1 / (1 + np.exp(-scores))
        overlaps.append(2 * np.sum(p * truth) / (np.sum(p**2) + np.sum(truth**2)))
    return float(1 - np.mean(overlaps))


def tversky_index(p: Any, g: Any, false_positives: float, false_negatives: float) -> Any:
    both = np.sum(p * g)
    missed = false_positives * np.sum(p * (1 - g)) + false_negatives * np.sum((1 - p) * g)
    return both / (both + missed)


def tversky(z: Any, y: Any) -> float:
    images = zip(softmax(z), y, strict=True)
    return float(np.mean([1 - tversky_index(p[..., 0], g == 0, 0.3, 0.7) for p, g in images]))


def focal_tversky(z: Any, y: Any) -> float:
    total = 0.0
    for p, g in zip(softmax(z), y, strict=True):
        for k in range(z.shape[-1]):
            total += (1 - tversky_index(p[..., k], g == k, 0.3, 0.7)) ** (3 / 4)
    return total / len(z)


def lovasz(z: Any, t: Any) -> float:
    """Sum, over pixels by falling error, what each adds to the Jaccard error of those before it."""
    total = 0.0
    for scores, truth in zip(z.reshape(len(z), -1), t.reshape(len(t), -1), strict=True):
        errors = np.maximum(1 - scores * np.where(truth, 1, -1), 0)

        def jaccard_error(wrong: set[int], truth: Any = truth) -> float:
            union = {k for k in range(len(truth)) if truth[k]} | wrong
            return len(wrong) / len(union) if union else 0.0

        wrong: set[int] = set()
        for k in np.argsort(-errors, kind="stable"):
            before = jaccard_error(wrong)
            wrong = wrong | {int(k)}
            total += errors[k] * (jaccard_error(wrong) - before)
    return total / len(z)


def boundary(z: Any, y: Any, distance: Any) -> float:
    p = softmax(z)
    dice = []
    for image, labels in zip(p, y, strict=True):
        masks = [labels == k for k in range(z.shape[-1])]
        weights = [1 / mask.sum() ** 2 for mask in masks]
        both = sum(w * np.sum(image[..., k] * masks[k]) for k, w in enumerate(weights))
        sizes = sum(w * np.sum(image[..., k] + masks[k]) for k, w in enumerate(weights))
        dice.append(1 - 2 * both / sizes)
    return float(np.mean(dice) + 0.01 * np.mean(p * distance))


def draw_boundary(random: Any, inputs: Any) -> Any:
    """Draw images that have pixels of every class."""
    images = [random.permutation(np.arange(12) % 3) for _ in range(2)]
    return {
        "y": np.array(images, np.int32).reshape(2, 3, 4),
        "z": random.normal(size=(2, 3, 4, 3)),
        "distance": random.normal(size=(2, 3, 4, 3)),
    }


def hed(sides: Any, fused: Any, edge: Any) -> float:
    total = 0.0
    for at in np.ndindex(edge.shape):
        background = np.mean(~edge[at[0]])
        for z in sides.values():
            p = 1 / (1 + np.exp(-z[at]))
            total -= background * np.log(p) if edge[at] else (1 - background) * np.log(1 - p)
        p = 1 / (1 + np.exp(-fused[at]))
        total -= np.log(p) if edge[at] else np.log(1 - p)
    return total / len(edge)


def draw_hed(random: Any, inputs: Any) -> Any:
    return {"sides": {name: random.normal(size=inputs["edge"].shape) for name in ("a", "b")}}


def bootstrapped(z: Any, y: Any) -> float:
    total = 0.0
    for image, labels in zip(softmax(z), y, strict=True):
        costs = [-np.log(image[at][labels[at]]) for at in np.ndindex(labels.shape)]
        total += np.mean(sorted(costs)[-4:])
    return float(total / len(z))
