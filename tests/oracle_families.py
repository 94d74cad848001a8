"""Functions that families of losses bring with them, for the oracle, one entry each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from oracle_functions import real
from scipy import special, stats


def ctc(z: Any, y: Any, z_length: Any = None, y_length: Any = None, *, blank: int) -> Any:
    """The forward variables of Graves et al. 2006, as probabilities, sequence by sequence."""
    assert z_length is None and y_length is None
    p = special.softmax(z, axis=-1)
    found = np.full(y.shape[:-1], np.nan)
    for at in np.ndindex(found.shape):
        if ((y[at] < 0) | (y[at] >= z.shape[-1]) | (y[at] == blank)).any():
            continue
        states = [blank, *(k for label in y[at] for k in (label, blank))]
        alpha = np.zeros(len(states) + 2)
        alpha[2] = 1.0
        for t in range(z.shape[-2]):
            before, alpha = alpha, np.zeros(len(states) + 2)
            for s, k in enumerate(states):
                skips = s > 1 and k != blank and k != states[s - 2]
                # Before the first frame only the first state is, from which the second is reached.
                ways = before[s + 2] + before[s + 1] + (before[s] if skips else 0)
                alpha[s + 2] = ways * p[*at, t, k]
        found[at] = np.log(alpha[-2:].sum())
    return found


# Classification, boxes, spectra and ranks.


def sparsemax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Try every size of the support, from the largest entries on."""

    def row(z: np.ndarray) -> np.ndarray:
        z = z - z.max()
        ordered = np.sort(z)[::-1]
        cuts = [(ordered[: k + 1].sum() - 1) / (k + 1) for k in range(len(z))]
        return np.maximum(z - max(cuts), 0)

    return np.apply_along_axis(row, axis, x) if x.size else x


def singular_values(x: np.ndarray) -> np.ndarray:
    if np.isfinite(x).all():
        return np.linalg.svd(x, compute_uv=False)
    return np.full((*x.shape[:-2], min(x.shape[-2:])), np.nan)


def midrank(x: np.ndarray, where: Any = None, axis: int = -1) -> np.ndarray:
    mask = np.broadcast_to(True if where is None else where, x.shape)
    known = np.where(mask, x, np.nan)
    places = stats.rankdata(known, axis=axis, nan_policy="omit") - 1
    return np.where(mask, places, 0.0)


# Spikes.


def spike(x: np.ndarray, *given: Any, surrogate: str, smooth: bool, convention: str = "") -> Any:
    """The step; tests/rows/spikes.py has the integrals of the surrogates."""
    assert not smooth
    return np.heaviside(x, 1.0)


def surrogate(x: np.ndarray, forward: Any, derivative: Any) -> Any:
    """The value alone; what the derivative stands for is no slope of it."""
    return np.broadcast_to(forward, np.broadcast_shapes(x.shape, np.shape(forward)))


FAMILIES: dict[str, Callable[..., Any]] = {
    "exprel": real(special.exprel),
    "atan2": real(np.arctan2),
    "sparsemax": sparsemax,
    "singular_values": singular_values,
    "midrank": midrank,
    "ctc_log_likelihood": ctc,
    "spike": spike,
    "surrogate": surrogate,
}
