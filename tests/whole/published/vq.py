"""Losses of vector-quantized autoencoders."""

from __future__ import annotations

from typing import Any

import numpy as np


def vq_vae(x: Any, out: Any, z: Any, codebook: Any, held: Any) -> float:
    total = 0.0
    for at in np.ndindex(z.shape[:2]):
        vector = held["z"][at]
        nearest = min(
            range(len(codebook)), key=lambda k: np.sum((vector - held["codebook"][k]) ** 2)
        )
        total += np.mean((vector - codebook[nearest]) ** 2)
        total += 0.25 * np.mean((z[at] - held["codebook"][nearest]) ** 2)
    return float(np.mean((out - x) ** 2) + total / (z.shape[0] * z.shape[1]))


def entropy(p: Any) -> float:
    return -sum(one * np.log(one) for one in p)


def lookup_free(x: Any, out: Any, z: Any, codebook: Any) -> float:
    """Choose codes by minus their squared distances; their lengths, all equal, cancel."""
    commitment, sure, chosen = 0.0, 0.0, []
    vectors = z.reshape(-1, z.shape[-1])
    for vector in vectors:
        commitment += np.mean((vector - np.where(vector > 0, 1, -1)) ** 2)
        near = np.exp([2 * np.sum(vector * code) for code in codebook])
        chosen.append(near / near.sum())
        sure += entropy(chosen[-1])
    n = len(vectors)
    spread = entropy(np.mean(chosen, axis=0))
    return float(np.mean((out - x) ** 2) + 0.25 * commitment / n + 0.1 * (sure / n - spread))


def draw_lookup_free(random: Any, inputs: Any) -> Any:
    return {"z": random.normal(size=inputs["z"].shape)}


def vqgan(
    x: Any,
    out: Any,
    z: Any,
    codes: Any,
    fake: Any,
    slope_reconstruction: Any,
    slope_adversary: Any,
    held: Any,
) -> float:
    pulled = np.mean((held["z"] - codes) ** 2) + 0.25 * np.mean((z - held["codes"]) ** 2)
    lengths = [
        np.sqrt(np.sum(held[name] ** 2)) for name in ("slope_reconstruction", "slope_adversary")
    ]
    balance = lengths[0] / (lengths[1] + 1e-6)
    return float(np.mean((out - x) ** 2) + pulled - balance * np.mean(fake))
