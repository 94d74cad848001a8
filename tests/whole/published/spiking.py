"""Losses of spiking networks."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def cross_entropy(scores: Any, label: int, smoothing: float = 0.0) -> float:
    p = np.exp(scores) / np.exp(scores).sum()
    q = np.full(len(p), smoothing / len(p))
    q[label] += 1 - smoothing
    return float(-np.sum(q * np.log(p)))


def huber(x: float) -> float:
    return 0.5 * x**2 if abs(x) <= 1 else abs(x) - 0.5


def spyx(traces: Any, y: Any, hidden: Any) -> float:
    total = sum(
        cross_entropy(trace.sum(0), label, 0.3) for trace, label in zip(traces, y, strict=True)
    ) / len(y)
    for layer in jax.tree.leaves(hidden):
        units = layer.reshape(len(layer), -1)
        total += 1e-3 * sum(max(0, 0.5 - unit.mean()) ** 2 for unit in units.T)
        total += 1e-3 * sum(huber(max(0, example.mean() - 0.2)) for example in units)
    return total


def slayer(spikes: Any, y: Any) -> float:
    batch, steps, classes = spikes.shape
    total = 0.0
    for b in range(batch):
        for k in range(classes):
            wanted = 8 if y[b] == k else 1
            error = (spikes[b, :, k].sum() - wanted) / steps
            total += 0.5 * sum(error**2 for _ in range(steps))
    return total / batch


def van_rossum(out: Any, tgt: Any) -> float:
    batch, steps, neurons = out.shape

    def filtered(train: Any, t: int) -> float:
        return sum(train[s] * np.exp(-(t - s) / 10) for s in range(t + 1))

    total = 0.0
    for b in range(batch):
        for n in range(neurons):
            for t in range(steps):
                total += (filtered(out[b, :, n], t) - filtered(tgt[b, :, n], t)) ** 2 / 10
    return total / (batch * neurons)


def max_over_time(membrane: Any, y: Any) -> float:
    return sum(cross_entropy(v.max(0), k) for v, k in zip(membrane, y, strict=True)) / len(y)
