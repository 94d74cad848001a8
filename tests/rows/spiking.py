"""Losses of spike trains, against NumPy by the laws of spyx and of the cited papers."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from scipy import special

from rows.row import Row


def one_hot(y: Any, classes: int, smoothing: float = 0) -> Any:
    return (1 - smoothing) * np.eye(classes)[y] + smoothing / classes


def entropy(traces: Any, targets: Any, time_axis: int = 1, smoothing: float = 0.3) -> Any:
    z = traces.sum(axis=time_axis)
    return -np.sum(one_hot(targets, z.shape[-1], smoothing) * special.log_softmax(z, -1), -1)


def excess(spikes: Any, norm: Any) -> Any:
    return [
        np.sum(norm(np.maximum(0, x.reshape(len(x), -1).mean(axis=1) - 0.2)))
        for x in jax.tree.leaves(spikes)
    ]


def huber(x: Any) -> Any:
    return np.where(abs(x) <= 1, 0.5 * x**2, abs(x) - 0.5)


ROWS = [
    Row("integral_crossentropy(traces, targets)", entropy),
    Row(
        "integral_crossentropy(traces, targets, time_axis=0, smoothing=0)",
        lambda traces, targets: entropy(traces, targets, 0, 0),
        given=lambda random, drawn: {"traces": np.moveaxis(drawn["traces"], 1, 0)},
    ),
    Row(
        "integral_crossentropy(traces, targets, class_axis=0, smoothing=0)",
        lambda traces, targets: entropy(traces.T, targets, smoothing=0),
        given=lambda random, drawn: {"traces": drawn["traces"].T},
    ),
    Row(
        "integral_accuracy(traces, targets)",
        lambda traces, targets: traces.sum(axis=1).argmax(-1) == targets,
        gradient=False,
    ),
    Row(
        "mse_spikerate(traces, targets, smoothing=0.1)",
        lambda traces, targets: (
            (traces.mean(axis=1) - one_hot(targets, traces.shape[-1], 0.1) * 0.25 * traces.shape[1])
            ** 2
        ),
    ),
    Row(
        "mse_rate(traces, targets, rate=0.5)",
        lambda traces, targets: (
            (traces.mean(axis=1) - 0.5 * one_hot(targets, traces.shape[-1])) ** 2
        ),
    ),
    Row(
        "firing_rate(spikes)",
        lambda spikes: spikes.reshape(len(spikes), -1).mean(axis=1),
        given=lambda random, drawn: {"spikes": random.choice([0.0, 1.0], (3, 4, 2))},
    ),
    Row(
        "silence(spikes, 0.6)",
        lambda spikes: [
            np.sum(np.maximum(0, 0.6 - x.mean(axis=0)) ** 2) for x in jax.tree.leaves(spikes)
        ],
    ),
    Row("sparsity(spikes, 0.2)", lambda spikes: excess(spikes, huber)),
    Row("sparsity(spikes, 0.2, norm=square)", lambda spikes: excess(spikes, np.square)),
]
