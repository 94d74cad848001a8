"""Losses of a batch, how each combines over micro-batches, and a batch in parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

TYPES = {
    "x": "f32[B, T]",
    "y": "f32[B, T]",
    "z": "f32[B, T, K]",
    "labels": "i32[B, T]",
    "kept": "bool[B, T]",
    "v": "f32[B]",
    "each": "f32[K]",
    "params": "tree",
    "states": "tree[f32[B, ...]]",
}
DECLARED = "".join(f"{name}: {type}\n" for name, type in TYPES.items())
RANDOM = np.random.default_rng(5)
WHOLE: dict[str, Any] = {
    **{name: RANDOM.normal(size=(6, 4)).astype(np.float32) for name in ("x", "y")},
    "z": RANDOM.normal(size=(6, 4, 3)).astype(np.float32),
    "labels": RANDOM.integers(0, 3, size=(6, 4)).astype(np.int32),
    "kept": RANDOM.random((6, 4)) < 0.6,
    "v": RANDOM.random(6).astype(np.float32),
    "each": RANDOM.random(3).astype(np.float32),
    "params": {"w": np.array([1.0, -2.0], np.float32)},
    "states": {
        "a": RANDOM.normal(size=(6, 2)).astype(np.float32),
        "b": RANDOM.normal(size=(6, 3, 2)).astype(np.float32),
    },
}
FIXED = ("each", "params", "c", "s")  # what holds no examples is the same in every part


def part_of(batch: Mapping[str, Any], rows: slice) -> dict[str, Any]:
    def cut(value: Any) -> Any:
        return {k: cut(v) for k, v in value.items()} if isinstance(value, dict) else value[rows]

    return {name: value if name in FIXED else cut(value) for name, value in batch.items()}


def parts_of(batch: Mapping[str, Any], at: int) -> list[dict[str, Any]]:
    return [part_of(batch, slice(None, at)), part_of(batch, slice(at, None))]


SPECS: dict[str, str] = {
    "mean(x)": "mean",
    "mse(x, y)": "mean",
    "3*mse(x, y, where=kept)": "mean",
    "mse(x, y, weight=v)": "mean",
    'mse(x, y, where=kept, weight=v, normalize="count")': "mean",
    'mse(x, y, weight=v, normalize="all")': "mean",
    "cross_entropy(z, labels, class_weight=each)": "mean",
    "cross_entropy(z, labels, ignore_index=1)": "mean",
    "mean(mean(x, axis=T, where=kept))": "mean",
    "mean(states)": "mean",
    "mean(z*each)": "mean",
    "mean(transpose(z, (2, 0, 1)), where=transpose(z, (2, 0, 1)) > 0)": "mean",
    "sum(x)": "sum",
    "sse(x, y, where=kept)": "sum",
    "2*sum(square(x), weight=v)": "sum",
    "exp(mean(x))": "function",
    "sqrt(mse(x, y, where=kept))": "function",
    "sum(x*y)/sum(square(y))": "function",
    "sum(x, where=kept)/T": "sum",
    "mse(x, y, normalize=count(kept))": "function",
    "max(mean(x, axis=B))": "function",
    "std(mean(x, axis=B, where=kept))": "function",
    "mean(mean(x, axis=B, weight=v)*mean(y, axis=B, keepdims=true))": "function",
    "l2sqr(states)": "function",
    "penalty(mean(x) <= -1)": "function",
    "mean(x)*l2sqr(params)": "mean",
    "l2sqr(params)": "constant",
    "mean(each)": "constant",
}
