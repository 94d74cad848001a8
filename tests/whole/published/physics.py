"""Losses of networks that solve equations."""

from __future__ import annotations

from typing import Any

import numpy as np


def burgers(out: Any, tgt: Any, inside: Any) -> float:
    total = sum((a - b) ** 2 for a, b in zip(out, tgt, strict=True)) / len(out)
    points = len(inside["u"])
    for i in range(points):
        u, u_t, u_x, u_xx = (inside[name][i] for name in ("u", "u_t", "u_x", "u_xx"))
        total += (u_t + u * u_x - (0.01 / np.pi) * u_xx) ** 2 / points
    return total


def deep_ritz(slopes: Any, u: Any, source: Any, boundary: Any) -> float:
    energy = np.mean([0.5 * g @ g - f * v for g, v, f in zip(slopes, u, source, strict=True)])
    return float(energy + 500 * np.mean([v**2 for v in boundary]))


def hpinn(objective: Any, residual: Any, multiplier: Any, excess: Any, pressure: Any) -> float:
    points = len(residual)
    total = float(objective)
    for r, m in zip(residual, multiplier, strict=True):
        total += 2 * r**2 / points + m * r / points
    for h, p in zip(excess, pressure, strict=True):
        total += (h**2 if h > 0 or p > 0 else 0) + p * h
    return total


def causal(residual: Any, out: Any, tgt: Any, held: Any) -> float:
    total = np.mean((out - tgt) ** 2)
    steps = len(residual)
    for t in range(steps):
        before = sum(np.mean(held["residual"][s] ** 2) for s in range(t))
        total += np.exp(-0.5 * before) * np.mean(residual[t] ** 2) / steps
    return float(total)


def neural_operator(out: Any, tgt: Any) -> float:
    return float(
        np.mean([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(out, tgt, strict=True)])
    )
