"""Losses of times to an event."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def deepsurv(risk: Any, time: Any, event: Any, params: Any) -> float:
    total, events = 0.0, max(int(event.sum()), 1)
    for i in np.flatnonzero(event):
        at_risk = sum(np.exp(risk[j]) for j in range(len(risk)) if time[j] >= time[i])
        total -= (risk[i] - np.log(at_risk)) / events
    return total + 1e-3 * sum(float(np.sum(x**2)) for x in jax.tree.leaves(params))


def draw_deepsurv(random: Any, inputs: Any) -> Any:
    return {"time": random.uniform(0, 5, inputs["time"].shape)}


def deephit(z: Any, y: Any, event: Any) -> float:
    subjects, causes, _ = z.shape
    p = np.array([np.exp(one) / np.exp(one).sum() for one in z])

    def risk(subject: int, cause: int, time: int) -> float:
        return p[subject, cause, : time + 1].sum()

    total = 0.0
    for i in range(subjects):
        if event[i] > 0:
            total -= np.log(p[i, event[i] - 1, y[i]])
        else:
            total -= np.log(1 - sum(risk(i, k, y[i]) for k in range(causes)))
    for k in range(causes):
        for i in range(subjects):
            for j in range(subjects):
                if event[i] == k + 1 and y[i] < y[j]:
                    total += np.exp(-(risk(i, k, y[i]) - risk(j, k, y[i])) / 0.1)
    return total


def draw_deephit(random: Any, inputs: Any) -> Any:
    subjects, causes, times = inputs["z"].shape
    return {
        "event": random.integers(0, causes + 1, subjects).astype(np.int32),
        "y": random.integers(0, times - 1, subjects).astype(np.int32),
    }


def nnet_survival(z: Any, y: Any, event: Any) -> float:
    total = 0.0
    for scores, last, seen in zip(z, y, event, strict=True):
        hazard = 1 / (1 + np.exp(-scores))
        for k in range(last + 1):
            came = seen and k == last
            total -= np.log(hazard[k] if came else 1 - hazard[k])
    return total / len(y)
