"""Losses of classifiers."""

from __future__ import annotations

from typing import Any

import numpy as np


def softmax(scores: Any) -> Any:
    p = np.exp(scores - scores.max())
    return p / p.sum()


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def cross_entropies(z: Any, y: Any) -> Any:
    return np.array([-np.log(softmax(scores)[k]) for scores, k in zip(z, y, strict=True)])


def label_smoothing(z: Any, y: Any) -> float:
    total = 0.0
    for scores, label in zip(z, y, strict=True):
        p = softmax(scores)
        q = np.full(len(p), 0.1 / len(p))
        q[label] += 0.9
        total -= np.sum(q * np.log(p))
    return total / len(y)


def class_balanced_focal(z: Any, y: Any, n: Any, beta: float = 0.999) -> float:
    effective = (1 - beta**n) / (1 - beta)
    weights = 1 / effective
    weights = weights / weights.sum() * len(n)
    total = 0.0
    for scores, label in zip(z, y, strict=True):
        for k, score in enumerate(scores):
            p = sigmoid(score if k == label else -score)
            total -= weights[label] * (1 - p) ** 0.5 * np.log(p)
    return total / len(y)


def draw_class_balanced_focal(random: Any, inputs: Any) -> Any:
    return {"n": random.uniform(1, 2000, inputs["n"].shape)}


def logit_adjustment(z: Any, y: Any, prior: Any) -> float:
    total = 0.0
    for scores, label in zip(z, y, strict=True):
        mass = np.exp(scores) * prior
        total -= np.log(mass[label] / mass.sum())
    return total / len(y)


def generalized_cross_entropy(z: Any, y: Any) -> float:
    chosen = [softmax(scores)[label] for scores, label in zip(z, y, strict=True)]
    return float(np.mean([(1 - p**0.7) / 0.7 for p in chosen]))


def symmetric_cross_entropy(z: Any, y: Any) -> float:
    total = 0.0
    for scores, label in zip(z, y, strict=True):
        p = softmax(scores)
        log_q = np.full(len(p), -4.0)
        log_q[label] = 0
        total += 0.1 * -np.log(p[label]) + 1.0 * -np.sum(p * log_q)
    return total / len(y)


def poly1(z: Any, y: Any) -> float:
    chosen = [softmax(scores)[label] for scores, label in zip(z, y, strict=True)]
    return float(np.mean([-np.log(p) + 2 * (1 - p) for p in chosen]))


def asymmetric_multi_label(z: Any, t: Any) -> float:
    total = 0.0
    for scores, targets in zip(z, t, strict=True):
        for score, target in zip(scores, targets, strict=True):
            p = sigmoid(score)
            shifted = max(p - 0.05, 0.0)
            total -= target * (1 - p) * np.log(p)
            total -= (1 - target) * shifted**4 * np.log(1 - shifted)
    return total / len(z)


def fixmatch(z: Any, y: Any, weak: Any, strong: Any, held: Any) -> float:
    total = 0.0
    for guessed, scores in zip(held["weak"], strong, strict=True):
        q = softmax(guessed)
        if q.max() >= 0.95:
            total -= np.log(softmax(scores)[q.argmax()])
    return cross_entropies(z, y).mean() + total / len(weak)


def draw_fixmatch(random: Any, inputs: Any) -> Any:
    return {"weak": 3 * inputs["weak"]}


def mixup(z: Any, y: Any, other: Any, share: Any) -> float:
    total = 0.0
    for scores, one, two, part in zip(z, y, other, share, strict=True):
        p = softmax(scores)
        total -= part * np.log(p[one]) + (1 - part) * np.log(p[two])
    return total / len(z)


def draw_mixup(random: Any, inputs: Any) -> Any:
    return {"share": random.beta(1, 1, inputs["share"].shape)}


def ldam(z: Any, y: Any, n: Any) -> float:
    constant = 0.5 * n.min() ** 0.25
    total = 0.0
    for scores, label in zip(z, y, strict=True):
        own = np.exp(30 * (scores[label] - constant / n[label] ** 0.25))
        others = sum(np.exp(30 * s) for k, s in enumerate(scores) if k != label)
        total -= np.log(own / (own + others))
    return total / len(y)


def draw_ldam(random: Any, inputs: Any) -> Any:
    return {"n": random.uniform(10, 1000, inputs["n"].shape), "z": 0.1 * inputs["z"]}


def center_loss(z: Any, x: Any, centers: Any, y: Any) -> float:
    spread = sum(np.sum((one - centers[label]) ** 2) for one, label in zip(x, y, strict=True))
    return cross_entropies(z, y).sum() + 0.003 / 2 * spread


def distillation(z: Any, teacher: Any, y: Any, held: Any) -> float:
    total = 0.0
    for scores, taught in zip(z, held["teacher"], strict=True):
        p, q = softmax(taught / 4), softmax(scores / 4)
        total += 16 * np.sum(p * np.log(p / q))
    return 0.9 * total / len(z) + 0.1 * cross_entropies(z, y).mean()
