"""Rewrites of flat core before it is lowered: functions from roots to roots."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.core.graph import Graph, Node
from lossdsl.optimize import permuted, rewrite, sink

PASSES = (rewrite.stabilize, sink.sink, permuted.unpermute)


def optimize(graph: Graph, roots: Sequence[Node], stabilize: bool = True) -> list[Node]:
    """Return roots of equal meaning, after every pass; not to `stabilize` leaves one out."""
    rewritten = list(roots)
    for each in PASSES:
        if stabilize or each is not rewrite.stabilize:
            rewritten = each(graph, rewritten)
    return rewritten
