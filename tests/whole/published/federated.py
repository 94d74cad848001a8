"""Losses of clients that learn together."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def cross_entropy(z: Any, y: Any) -> float:
    return sum(-np.log(np.exp(s[k]) / np.exp(s).sum()) for s, k in zip(z, y, strict=True)) / len(y)


def inner(a: Any, b: Any) -> float:
    """Return the inner product of two trees."""
    return sum(float(np.sum(x * y)) for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))


def squared_distance(a: Any, b: Any) -> float:
    apart = jax.tree.map(lambda x, y: x - y, a, b)
    return inner(apart, apart)


def fedprox(z: Any, y: Any, params: Any, server: Any) -> float:
    return cross_entropy(z, y) + 0.1 / 2 * squared_distance(params, server)


def moon(z: Any, y: Any, h: Any, h_server: Any, h_last: Any, held: Any) -> float:
    def similarity(a: Any, b: Any) -> float:
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))

    total = 0.0
    for now, server, last in zip(h, held["h_server"], held["h_last"], strict=True):
        near = np.exp(similarity(now, server) / 0.5)
        far = np.exp(similarity(now, last) / 0.5)
        total -= np.log(near / (near + far))
    return cross_entropy(z, y) + 5 * total / len(h)


def feddyn(z: Any, y: Any, params: Any, server: Any, slope: Any) -> float:
    bent = cross_entropy(z, y) - inner(slope, params)
    return bent + 0.01 / 2 * squared_distance(params, server)
