"""Losses of language models."""

from __future__ import annotations

from typing import Any

import numpy as np


def softmax(scores: Any) -> Any:
    p = np.exp(scores - scores.max())
    return p / p.sum()


def next_tokens(z: Any, y: Any, kept: Any) -> list[float]:
    """Return minus the log-probability of every kept token but the first of each row."""
    rows, steps = y.shape
    return [
        -np.log(softmax(z[b, t - 1])[y[b, t]])
        for b in range(rows)
        for t in range(1, steps)
        if kept[b, t]
    ]


def average(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def gpt(z: Any, y: Any, present: Any) -> float:
    return average(next_tokens(z, y, present))


def palm(z: Any, y: Any) -> float:
    fit = average(next_tokens(z, y, np.ones_like(y)))
    normalizers = np.log(np.exp(z[:, :-1]).sum(-1))
    return fit + 1e-4 * float(np.mean(normalizers**2))


def packed(z: Any, y: Any, document: Any) -> float:
    costs = np.array([-np.log(softmax(scores)[k]) for scores, k in zip(z, y, strict=True)])
    return average([float(np.mean(costs[document == one])) for one in set(document.tolist())])


def draw_packed(random: Any, inputs: Any) -> Any:
    return {"document": random.choice([0, 2, 7], inputs["document"].shape).astype(np.int32)}


def distilbert(
    z: Any, teacher: Any, h: Any, h_teacher: Any, y: Any, present: Any, hidden: Any, held: Any
) -> float:
    soft, hard, direction = [], [], []
    for at in np.ndindex(y.shape):
        if present[at]:
            p = softmax(held["teacher"][at] / 2)
            q = softmax(z[at] / 2)
            soft.append(4 * np.sum(p * np.log(p / q)))
            a, b = h[at], held["h_teacher"][at]
            direction.append(1 - a @ b / np.sqrt((a @ a) * (b @ b)))
        if hidden[at]:
            hard.append(-np.log(softmax(z[at])[y[at]]))
    return 5 * average(soft) + 2 * average(hard) + average(direction)


def switch(z: Any, y: Any, router: Any) -> float:
    _, rows, steps, experts = router.shape
    balance = 0.0
    for layer in router:
        sent = np.zeros(experts)
        chance = np.zeros(experts)
        for scores in layer.reshape(-1, experts):
            sent[np.argmax(scores)] += 1
            chance += softmax(scores)
        balance += experts * np.sum(sent * chance) / (rows * steps) ** 2
    return average(next_tokens(z, y, np.ones_like(y))) + 0.01 * balance


def unlikelihood(z: Any, y: Any) -> float:
    total = 0.0
    rows, steps = y.shape
    for b in range(rows):
        for t in range(steps):
            p = softmax(z[b, t])
            total -= np.log(p[y[b, t]])
            for wrong in set(y[b, :t].tolist()) - {int(y[b, t])}:
                total -= np.log(1 - p[wrong])
    return total / (rows * steps)
