"""Losses of forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from scipy.special import gammaln


def tft(out: Any, tgt: Any, present: Any) -> float:
    total = 0.0
    for at in np.ndindex(tgt.shape):
        for j, q in enumerate((0.1, 0.5, 0.9)):
            missing = tgt[at] - out[at][j]
            total += present[at] * (q * max(missing, 0) + (1 - q) * max(-missing, 0))
    return total / max(present.sum(), 1)


def draw_tft(random: Any, inputs: Any) -> Any:
    return {"out": random.normal(size=(*inputs["tgt"].shape, 3))}


def deepar(raw_mean: Any, raw_shape: Any, y: Any, scale: Any, present: Any) -> float:
    costs = []
    for b, t in np.argwhere(present):
        mu = scale[b] * np.log(1 + np.exp(raw_mean[b, t]))
        alpha = np.log(1 + np.exp(raw_shape[b, t])) / np.sqrt(scale[b])
        count = y[b, t]
        logp = gammaln(count + 1 / alpha) - gammaln(count + 1) - gammaln(1 / alpha)
        logp += 1 / alpha * np.log(1 / (1 + alpha * mu))
        logp += count * np.log(alpha * mu / (1 + alpha * mu))
        costs.append(-logp)
    return float(np.mean(costs)) if costs else 0.0


def draw_deepar(random: Any, inputs: Any) -> Any:
    return {
        "scale": random.uniform(0.5, 3, inputs["scale"].shape),
        "y": random.poisson(4, inputs["y"].shape) + 1.0,
    }


def emos(members: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> float:
    total = 0.0
    for forecasts, seen in zip(members, y, strict=True):
        mu = a + b @ forecasts
        sigma = np.sqrt(c**2 + d**2 * np.mean((forecasts - forecasts.mean()) ** 2))
        z = (seen - mu) / sigma
        total += sigma * (
            z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
        )
    return total / len(y)


def nbeats(out: Any, tgt: Any, history: Any) -> dict[str, float]:
    rows, horizon = out.shape
    smape = mase = 0.0
    for b in range(rows):
        naive = np.mean(
            [abs(history[b, j] - history[b, j - 4]) for j in range(4, history.shape[1])]
        )
        for h in range(horizon):
            error = abs(out[b, h] - tgt[b, h])
            smape += 200 * error / (abs(out[b, h]) + abs(tgt[b, h])) / (rows * horizon)
            mase += error / naive / (rows * horizon)
    return {"smape": smape, "mase": mase}


def graphcast(
    out: Any, tgt: Any, latitude: Any, pressure: Any, importance: Any, spread: Any
) -> float:
    batch, rows, columns, levels, _ = out.shape
    area = np.cos(latitude) / np.cos(latitude).mean()
    level = pressure / pressure.mean()
    total = 0.0
    for at in np.ndindex(out.shape):
        _, i, _, j, c = at
        weight = area[i] * level[j] * importance[c] / spread[c]
        total += weight * (out[at] - tgt[at]) ** 2
    return total / (batch * rows * columns * levels)


def draw_graphcast(random: Any, inputs: Any) -> Any:
    return {
        "latitude": random.uniform(-1.5, 1.5, inputs["latitude"].shape),
        **{
            name: random.uniform(0.5, 2, inputs[name].shape)
            for name in ("pressure", "importance", "spread")
        },
    }
