"""Rewrites of flat core before it is lowered: functions from roots to roots."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.core.graph import Graph, Node
from lossdsl.optimize import permuted, sink

PASSES = (sink.sink, permuted.unpermute)


def optimize(graph: Graph, roots: Sequence[Node]) -> list[Node]:
    """Return roots of equal meaning, after every pass."""
    rewritten = list(roots)
    for rewrite in PASSES:
        rewritten = rewrite(graph, rewritten)
    return rewritten
