"""Losses of flows that are trained by matching velocities."""

from __future__ import annotations

from typing import Any

import numpy as np


def rectified_flow(out: Any, noise: Any, data: Any) -> float:
    return float(np.mean(((data - noise) - out) ** 2))


def conditional(out: Any, noise: Any, data: Any) -> float:
    """Take the velocity as the slope of the path between two of its points."""

    def at(t: float) -> Any:
        return (1 - (1 - 1e-4) * t) * noise + t * data

    return float(np.mean((out - (at(1.0) - at(0.0))) ** 2))


def shortcut(
    out: Any, noise: Any, data: Any, double: Any, first: Any, second: Any, held: Any
) -> float:
    target = held["first"] / 2 + held["second"] / 2
    return float(np.mean((out - (data - noise)) ** 2) + np.mean((double - target) ** 2))


def weighted(out: Any, noise: Any, data: Any, t: Any) -> float:
    total = 0.0
    for v, eps, image, time in zip(out, noise, data, t, strict=True):
        logit = np.log(time / (1 - time))
        density = np.exp(-(logit**2) / 2) / (np.sqrt(2 * np.pi) * time * (1 - time))
        total += density * np.mean((v - (eps - image)) ** 2)
    return total / len(t)


def draw_weighted(random: Any, inputs: Any) -> Any:
    return {"t": random.uniform(0.1, 0.9, inputs["t"].shape)}
