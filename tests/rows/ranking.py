"""Losses of lists, against optax and NumPy by the cited formulas, list by list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optax
from scipy import special

from rows.row import Row


def of_lists(compute: Callable[[Any, Any], float]) -> Callable[..., Any]:
    """Apply a loss of the scores and relevances of one list to each, without absent items."""

    def run(scores: Any, relevance: Any, item_where: Any = None) -> Any:
        exists = np.ones(scores.shape, bool) if item_where is None else item_where
        found = np.zeros(scores.shape[:-1])
        for at in np.ndindex(found.shape):
            found[at] = compute(scores[at][exists[at]], relevance[at][exists[at]])
        return found

    return run


def listmle(scores: Any, relevance: Any) -> float:
    ordered = scores[np.argsort(-relevance, kind="stable")]
    return sum(special.logsumexp(ordered[i:]) - ordered[i] for i in range(len(ordered)))


def of_pairs(compute: Callable[[Any], Any]) -> Callable[[Any, Any], float]:
    def run(scores: Any, relevance: Any) -> float:
        pairs = [
            compute(scores[i] - scores[j])
            for i in range(len(scores))
            for j in range(len(scores))
            if relevance[i] > relevance[j]
        ]
        return np.mean(pairs) if pairs else 0.0

    return run


hinge = of_pairs(lambda gap: max(0.5 - gap, 0.0))
logistic = of_pairs(lambda gap: np.logaddexp(0, -gap))


def softmax(scores: Any, relevance: Any, item_where: Any = None) -> Any:
    return optax.losses.ranking_softmax_loss(scores, relevance, where=item_where, reduce_fn=None)


def graded(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Grades that are equal stay so when a central difference moves them a little."""
    return lambda relevance, **given: compute(relevance=np.round(relevance), **given)


def equals(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Relevances of which several are equal."""
    return {"relevance": np.round(drawn["relevance"])}


# Grades are integers: 1e-30 is none.
GRADES = (0.0, -0.0, 1e30)

ROWS = [
    Row("ranking_softmax(scores, relevance)", softmax),
    Row("ranking_softmax(scores, relevance, item_where=item_where)", softmax),
    Row("listmle(scores, relevance)", of_lists(listmle)),
    Row("listmle(scores, relevance)", graded(of_lists(listmle)), given=equals, extremes=GRADES),
    Row("listmle(scores, relevance, item_where=item_where)", of_lists(listmle)),
    Row("pairwise_hinge(scores, relevance, margin=0.5)", of_lists(hinge)),
    Row(
        "pairwise_hinge(scores, relevance, item_where=item_where, margin=0.5)",
        graded(of_lists(hinge)),
        given=equals,
        extremes=GRADES,
    ),
    Row("pairwise_logistic(scores, relevance)", of_lists(logistic)),
    Row(
        "pairwise_logistic(scores, relevance, item_where=item_where)",
        graded(of_lists(logistic)),
        given=equals,
        extremes=GRADES,
    ),
]
