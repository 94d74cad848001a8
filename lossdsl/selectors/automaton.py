"""The one matcher of patterns: of characters in a segment, and of segments in a path.

All states run at once as the bits of an integer, so matching is linear in symbols times tests
and never backtracks, whatever the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

Symbol = TypeVar("Symbol", bound=Hashable)


def automaton(
    tests: Sequence[Callable[[Symbol], bool] | None],
) -> Callable[[Iterable[Symbol]], bool]:
    """Return a function that says whether the tests accept a sequence of symbols.

    Each test takes one symbol; None stands for any number of them, and no two stand together.
    What the tests say of a symbol is remembered, so equal symbols are tested once.

    >>> accepts = automaton(["a".__eq__, None, "z".__eq__])
    >>> accepts("az"), accepts("a to z"), accepts("a")
    (True, True, False)
    """
    runs = sum(1 << place for place, test in enumerate(tests) if test is None)
    start = 1 | (runs & 1) << 1
    end = 1 << len(tests)
    remembered: dict[Symbol, int] = {}

    def accepts(symbols: Iterable[Symbol]) -> bool:
        states = start
        for symbol in symbols:
            steps = remembered.get(symbol)
            if steps is None:
                passed = (place for place, test in enumerate(tests) if test and test(symbol))
                steps = remembered[symbol] = sum(1 << place for place in passed)
            states = (states & steps) << 1 | states & runs
            states |= (states & runs) << 1
            if not states:
                return False
        return bool(states & end)

    return accepts
