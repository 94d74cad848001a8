"""Losses of self-supervised and contrastive learning."""

from __future__ import annotations

from typing import Any

import numpy as np


def unit(x: Any) -> Any:
    return x / np.sqrt(np.sum(x**2))


def cosine(a: Any, b: Any) -> float:
    return float(unit(a) @ unit(b))


def softmax(scores: Any) -> Any:
    p = np.exp(scores - np.max(scores))
    return p / p.sum()


def simclr(a: Any, b: Any) -> float:
    views = [*a, *b]
    n = len(a)
    total = 0.0
    for i in range(2 * n):
        own = np.exp(cosine(views[i], views[(i + n) % (2 * n)]) / 0.5)
        against = sum(np.exp(cosine(views[i], views[k]) / 0.5) for k in range(2 * n) if k != i)
        total -= np.log(own / against)
    return total / (2 * n)


def moco(q: Any, k: Any, queue: Any, held: Any) -> float:
    total = 0.0
    for query, key in zip(q, held["k"], strict=True):
        own = np.exp(cosine(query, key) / 0.07)
        others = sum(np.exp(cosine(query, one) / 0.07) for one in held["queue"])
        total -= np.log(own / (own + others))
    return total / len(q)


def clip(image: Any, text: Any, log_scale: Any) -> float:
    n = len(image)
    scores = np.array([[np.exp(log_scale) * cosine(a, b) for b in text] for a in image])
    forth = np.mean([-np.log(softmax(scores[i])[i]) for i in range(n)])
    back = np.mean([-np.log(softmax(scores[:, i])[i]) for i in range(n)])
    return float((forth + back) / 2)


def siglip(image: Any, text: Any, log_scale: Any, bias: Any) -> float:
    total = 0.0
    for i, a in enumerate(image):
        for j, b in enumerate(text):
            sign = 1 if i == j else -1
            score = np.exp(log_scale) * cosine(a, b) + bias
            total -= np.log(1 / (1 + np.exp(-sign * score)))
    return total / len(image)


def supcon(a: Any, b: Any, y: Any) -> float:
    views, labels = [*a, *b], [*y, *y]
    total = 0.0
    for i, one in enumerate(views):
        others = [k for k in range(len(views)) if k != i]
        against = sum(np.exp(cosine(one, views[k]) / 0.1) for k in others)
        same = [k for k in others if labels[k] == labels[i]]
        total -= np.mean([np.log(np.exp(cosine(one, views[k]) / 0.1) / against) for k in same])
    return total / len(views)


def barlow_twins(a: Any, b: Any) -> float:
    total = 0.0
    for i in range(a.shape[1]):
        for j in range(b.shape[1]):
            c = cosine(a[:, i] - a[:, i].mean(), b[:, j] - b[:, j].mean())
            total += (1 - c) ** 2 if i == j else 0.005 * c**2
    return total


def vicreg(a: Any, b: Any) -> float:
    n, d = a.shape
    total = 25 * sum(np.sum((x - y) ** 2) for x, y in zip(a, b, strict=True)) / n
    for z in (a, b):
        covariance = np.cov(z, rowvar=False, ddof=1)
        spread = np.sqrt(np.diag(covariance) + 1e-4)
        total += 25 * np.mean(np.maximum(0, 1 - spread))
        total += (np.sum(covariance**2) - np.sum(np.diag(covariance) ** 2)) / d
    return float(total)


def byol(online_a: Any, online_b: Any, target_a: Any, target_b: Any, held: Any) -> float:
    pairs = [*zip(online_a, held["target_b"], strict=True)]
    pairs += zip(online_b, held["target_a"], strict=True)
    return sum(2 - 2 * cosine(q, z) for q, z in pairs) / len(online_a)


def simsiam(p1: Any, p2: Any, z1: Any, z2: Any, held: Any) -> float:
    pairs = [*zip(p1, held["z2"], strict=True), *zip(p2, held["z1"], strict=True)]
    return -sum(cosine(p, z) for p, z in pairs) / 2 / len(p1)


def dino(s1: Any, s2: Any, t1: Any, t2: Any, center: Any, held: Any) -> float:
    total = 0.0
    for teacher, student in ((held["t1"], s2), (held["t2"], s1)):
        for t, s in zip(teacher, student, strict=True):
            target = softmax((t - held["center"]) / 0.04)
            total -= np.sum(target * np.log(softmax(s / 0.1))) / 2
    return total / len(s1)


def draw_dino(random: Any, inputs: Any) -> Any:
    return {name: 0.3 * one for name, one in inputs.items()}


def alignment_uniformity(a: Any, b: Any) -> float:
    n = len(a)
    aligned = np.mean([np.sum((unit(x) - unit(y)) ** 2) for x, y in zip(a, b, strict=True)])
    uniform = 0.0
    for views in (a, b):
        pairs = [(unit(views[i]), unit(views[j])) for i in range(n) for j in range(i + 1, n)]
        uniform += np.log(np.mean([np.exp(-2 * np.sum((x - y) ** 2)) for x, y in pairs]))
    return float(aligned + uniform / 2)


def facenet(anchor: Any, positive: Any, negative: Any) -> float:
    total = 0.0
    for a, p, n in zip(anchor, positive, negative, strict=True):
        near = np.sum((unit(a) - unit(p)) ** 2)
        far = np.sum((unit(a) - unit(n)) ** 2)
        total += max(0.0, near - far + 0.2)
    return total


def swav(z1: Any, z2: Any, q1: Any, q2: Any, prototypes: Any, held: Any) -> float:
    total = 0.0
    for views, assigned in ((z1, held["q2"]), (z2, held["q1"])):
        for z, q in zip(views, assigned, strict=True):
            p = softmax(np.array([cosine(z, c) for c in prototypes]) / 0.1)
            total -= np.sum(q * np.log(p))
    return total / len(z1)
