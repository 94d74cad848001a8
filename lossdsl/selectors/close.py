"""Which leaves a selector that matches nothing may have meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

from lossdsl.selectors.selector import EVERYTHING, Selector
from lossdsl.types.types import Path

SIMILAR = 0.6

# Comparing texts is quadratic, and this only makes a help text.
COMPARED_LENGTH = 64
COMPARISONS = 4_000


def close(selector: Selector, paths: Sequence[Path], n: int = 2) -> list[str]:
    """Return up to `n` paths that resemble the selector, the nearest first.

    The last segment that was written must resemble the leaf's own name, or, where a glob follows,
    some segment of its path.

    >>> close(Selector((("**", "taus"),)), [("lif_0", "tau"), ("lif_0", "w"), ("lif_1", "tau")])
    ['lif_0/tau', 'lif_1/tau']
    """
    similarity = _similarity()
    scores: dict[Path, float] = {}
    for written, open_end in _written(selector):
        for path in _candidates(selector, paths):
            places = path if open_end else path[-1:]
            last = max((similarity(written[-1], segment) for segment in places), default=0.0)
            if last >= SIMILAR:
                before = [
                    max(similarity(segment, part) for part in path) for segment in written[:-1]
                ]
                score = (last + sum(before)) / len(written)
                scores[path] = max(score, scores.get(path, 0.0))
    ranked = sorted(scores, key=lambda path: -scores[path])
    return ["/".join(path) for path in ranked[:n]]


def _written(selector: Selector) -> Iterator[tuple[list[str], bool]]:
    """Yield the segments of each pattern without its globs, and whether a glob ends it."""
    base = selector.exact or ()
    for pattern in selector.patterns:
        whole = base if selector.patterns == EVERYTHING else (*base, *pattern)
        segments = [segment.replace("*", "").replace("?", "") for segment in whole]
        literal = [segment for segment in segments if segment]
        if literal:
            yield literal, not segments[-1]


def _candidates(selector: Selector, paths: Sequence[Path]) -> Sequence[Path]:
    """Return the leaves; for an exact path the leaves and subtrees at its depth."""
    if selector.exact is None or selector.patterns != EVERYTHING:
        return paths
    return list(dict.fromkeys(path[: len(selector.exact)] for path in paths))


def _similarity() -> Callable[[str, str], float]:
    """Return a function that compares two segments, each pair once and not without end."""
    known: dict[tuple[str, str], float] = {}

    def similarity(written: str, segment: str) -> float:
        pair = written[:COMPARED_LENGTH], segment[:COMPARED_LENGTH]
        if pair not in known and len(known) < COMPARISONS:
            known[pair] = SequenceMatcher(None, *pair).ratio()
        return known.get(pair, 0.0)

    return similarity
