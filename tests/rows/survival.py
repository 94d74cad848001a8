"""Times to an event, against NumPy by the cited formulas, subject by subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from rows.row import Row

# Times that are tied stay so when a central difference moves them a little.


def breslow(risk: Any, time: Any, event: Any, subject_where: Any = None) -> Any:
    time = np.round(time, 3)
    exists = np.ones(event.shape, bool) if subject_where is None else subject_where
    found = np.zeros(event.shape)
    for at in np.argwhere(event & exists):
        *row, i = map(int, at)
        others = (time[*row] >= time[*row, i]) & exists[*row]
        found[*row, i] = special.logsumexp(risk[*row][others]) - risk[*row, i]
    return found


def efron(risk: Any, time: Any, event: Any) -> Any:
    time = np.round(time, 3)
    found = np.zeros(event.shape)
    for row in np.ndindex(event.shape[:-1]):
        for moment in set(time[row][event[row]]):
            tied = np.flatnonzero(event[row] & (time[row] == moment))
            # The largest risk is taken out, as it is from both sides of the ratio.
            peak = risk[row].max()
            left = np.exp(risk[row][time[row] >= moment] - peak).sum()
            own = np.exp(risk[row][tied] - peak).sum()
            for place, i in enumerate(tied):
                share = np.log(left - place / len(tied) * own)
                found[*row, i] = share + peak - risk[*row, i]
    return found


def mean_of_events(compute: Any) -> Any:
    """The mean over the events; 0 without one."""

    def reduced(**given: Any) -> Any:
        kept = given["event"] & given.get("subject_where", True)
        return compute(**given)[kept].mean() if kept.any() else 0.0

    return reduced


def tied(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Times of which several are equal."""
    return {"time": np.ceil(drawn["time"])}


def hazards(z: Any, y: Any, event: Any) -> Any:
    hazard, survived = special.log_expit(z), special.log_expit(-z)
    found = np.zeros(y.shape)
    for at in np.ndindex(y.shape):
        last = hazard if event[at] else survived
        found[at] = -survived[at][: y[at]].sum() - last[at][y[at]]
    return found


ROWS = [
    Row("cox(risk, time, event)", breslow, reduced=mean_of_events(breslow)),
    # Risks of 1e30 leave nothing of the share of the others in the reference.
    Row(
        "cox(risk, time, event)",
        efron,
        given=tied,
        reduced=mean_of_events(efron),
        extremes=(0.0, -0.0, 1e-30),
    ),
    Row(
        'cox(risk, time, event, ties="breslow")',
        breslow,
        given=tied,
        reduced=mean_of_events(breslow),
    ),
    Row(
        'cox(risk, time, event, ties="breslow", subject_where=subject_where)',
        breslow,
        given=tied,
        reduced=mean_of_events(breslow),
    ),
    Row("discrete_hazard_nll(z, y, event)", hazards),
]
