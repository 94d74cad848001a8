"""Rewrites of core between checking and lowering: functions from roots to roots."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.core.graph import Core, Node
from lossdsl.optimize import leafwise, sink

PASSES = (leafwise.leafwise, sink.sink)


def optimize(core: Core, roots: Sequence[Node]) -> list[Node]:
    """Return roots of equal meaning, after every pass."""
    found = list(roots)
    for rewrite in PASSES:
        found = rewrite(core.graph, found)
    return found
