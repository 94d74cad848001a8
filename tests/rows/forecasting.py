"""Scores of probabilistic forecasts, against quadrature and NumPy by the cited formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate, stats

from rows.row import Row


def integral(mu: Any, std: Any, y: Any) -> Any:
    """The integral over all thresholds, by quadrature."""
    found = np.zeros(np.shape(mu))
    for at in np.ndindex(found.shape):
        # In units of standard deviations; beyond 12 of them the forecast is certain.
        gap = (y[at] - mu[at]) / std[at]
        if not np.isfinite(gap):
            found[at] = abs(gap)
            continue
        inner = min(max(gap, -12.0), 12.0)
        below, _ = integrate.quad(lambda x: stats.norm.cdf(x) ** 2, -12, inner, epsabs=1e-13)
        above, _ = integrate.quad(lambda x: stats.norm.sf(x) ** 2, inner, 12, epsabs=1e-13)
        found[at] = std[at] * (below + above + abs(gap - inner))
    return found


def ensemble(x: Any, y: Any, fair: bool = False) -> Any:
    found = np.zeros(y.shape)
    size = x.shape[-1]
    for at in np.ndindex(y.shape):
        spread = sum(abs(a - b) for a in x[at] for b in x[at])
        pairs = max(size * (size - 1), 1) if fair else size**2
        found[at] = np.mean([abs(a - y[at]) for a in x[at]]) - spread / (2 * pairs)
    return found


ROWS = [
    Row("crps_normal(mu, std, y)", integral),
    Row("crps_ensemble(x, y)", ensemble),
    # A fair score of members around 1e30 is the difference of two that cancel in float32.
    Row(
        "crps_ensemble(x, y, fair=true)",
        lambda x, y: ensemble(x, y, fair=True),
        extremes=(0.0, -0.0, 1e-30),
    ),
]
