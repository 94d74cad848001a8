"""Losses of nodes and graphs."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def grace(u: Any, v: Any) -> float:
    def fit(a: Any, b: Any) -> Any:
        return np.exp(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) / 0.4)

    def cost(i: int, own: Any, other: Any) -> Any:
        rest = [k for k in range(len(own)) if k != i]
        pair = fit(own[i], other[i])
        across = sum(fit(own[i], other[k]) for k in rest)
        within = sum(fit(own[i], own[k]) for k in rest)
        return -np.log(pair / (pair + across + within))

    nodes = len(u)
    return sum(cost(i, u, v) + cost(i, v, u) for i in range(nodes)) / (2 * nodes)


def graphsage(h: Any, source: Any, target_node: Any, random_node: Any) -> float:
    total = 0.0
    for u, v, others in zip(source, target_node, random_node, strict=True):
        total -= np.log(sigmoid(h[u] @ h[v]))
        total -= sum(np.log(sigmoid(-h[u] @ h[n])) for n in others)
    return total / len(source)


def draw_graphsage(random: Any, inputs: Any) -> Any:
    nodes = len(inputs["h"])
    return {
        name: random.integers(0, nodes, inputs[name].shape).astype(np.int32)
        for name in ("source", "target_node", "random_node")
    }


def infograph(h: Any, graph: Any) -> float:
    near, far = [], []
    for i in range(len(h)):
        for one in range(5):
            whole = sum((h[j] for j in range(len(h)) if graph[j] == one), np.zeros(h.shape[1]))
            score = h[i] @ whole
            if graph[i] == one:
                near.append(np.log(1 + np.exp(-score)))
            else:
                far.append(np.log(1 + np.exp(score)))
    return float(np.mean(near) + np.mean(far))


def dgi(h: Any, corrupted: Any, w: Any) -> float:
    summary = sigmoid(np.mean(h, axis=0))
    real = [np.log(sigmoid(node @ w @ summary)) for node in h]
    fake = [np.log(1 - sigmoid(node @ w @ summary)) for node in corrupted]
    return float(-(np.sum(real) + np.sum(fake)) / (len(h) + len(corrupted)))
