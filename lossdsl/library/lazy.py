"""Mappings whose values are made when one is asked for.

A spec calls a few of hundreds of functions; the files of the others need not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lazy(Mapping[K, V]):
    """What is at hand, and what `makers` make: the values of several keys, at most once.

    `again` returns an equal mapping in another process.

    >>> letters = Lazy({"a": 1}, {key: lambda: {"b": 2, "c": 3} for key in "bc"})
    >>> list(letters), letters["c"], "d" in letters
    (['a', 'b', 'c'], 3, False)
    """

    def __init__(
        self,
        ready: Mapping[K, V],
        makers: Mapping[K, Callable[[], Mapping[K, V]]],
        again: Callable[[], Mapping[K, V]] | None = None,
    ):
        self._again = again
        self._values = dict(ready)
        self._makers = dict(makers)
        self._keys = tuple(dict.fromkeys((*ready, *makers)))
        self._lock = RLock()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (dict, (dict(self),)) if self._again is None else (self._again, ())

    def __getitem__(self, key: K) -> V:
        if key not in self._values:
            with self._lock:
                if key not in self._values:
                    self._values.update(self._makers[key]())
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values or key in self._makers

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
