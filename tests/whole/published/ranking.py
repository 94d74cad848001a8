"""Losses of rankings."""

from __future__ import annotations

from typing import Any

import numpy as np


def logistic(gap: Any) -> Any:
    return np.log(1 + np.exp(-gap))


def ranknet(scores: Any, relevance: Any, present: Any) -> float:
    total = 0.0
    for s, r, kept in zip(scores, relevance, present, strict=True):
        items = np.flatnonzero(kept)
        costs = [logistic(s[i] - s[j]) for i in items for j in items if r[i] > r[j]]
        total += np.mean(costs) if costs else 0
    return total / len(scores)


def lambdarank(scores: Any, relevance: Any, held: Any) -> float:
    total = 0.0
    for s, before, r in zip(scores, held["scores"], relevance, strict=True):
        items = range(len(s))
        place = [1 + sum(before[j] > before[i] for j in items) for i in items]
        best = sorted(r, reverse=True)
        ideal = sum((2.0**g - 1) / np.log2(1 + at) for at, g in enumerate(best, 1))
        for i in items:
            for j in items:
                if r[i] > r[j]:
                    gain = 2.0 ** r[i] - 2.0 ** r[j]
                    swap = abs(gain * (1 / np.log2(1 + place[i]) - 1 / np.log2(1 + place[j])))
                    total += swap / ideal * logistic(s[i] - s[j])
    return total / len(scores)


def listnet(scores: Any, relevance: Any) -> float:
    total = 0.0
    for s, r in zip(scores, relevance, strict=True):
        wanted, found = np.exp(r) / np.exp(r).sum(), np.exp(s) / np.exp(s).sum()
        total -= np.sum(wanted * np.log(found))
    return total / len(scores)


def listmle(scores: Any, relevance: Any) -> float:
    total = 0.0
    for s, r in zip(scores, relevance, strict=True):
        order = np.argsort(-r)
        for at, item in enumerate(order):
            total -= np.log(np.exp(s[item]) / np.exp(s[order[at:]]).sum())
    return total / len(scores)


def bpr(params: Any, who: Any, taken: Any, other: Any) -> float:
    users, items = params["user"], params["item"]
    total = 0.01 * (np.sum(users**2) + np.sum(items**2))
    for u, i, j in zip(who, taken, other, strict=True):
        total += logistic(users[u] @ items[i] - users[u] @ items[j])
    return total


def draw_bpr(random: Any, inputs: Any) -> Any:
    users, items = (len(inputs["params"][name]) for name in ("user", "item"))
    size = inputs["who"].shape
    return {
        "who": random.integers(0, users, size).astype(np.int32),
        "taken": random.integers(0, items, size).astype(np.int32),
        "other": random.integers(0, items, size).astype(np.int32),
    }
