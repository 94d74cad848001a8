"""Mappings whose values are made when one is asked for.

A spec calls a few of hundreds of functions; the others need not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lazy(Mapping[K, V]):
    """What is at hand, and what `makers` make, each at most once.

    `again` returns an equal mapping in another process.

    >>> letters = Lazy({"a": 1}, {"b": lambda: 2})
    >>> list(letters), letters["b"], "d" in letters
    (['a', 'b'], 2, False)
    """

    def __init__(
        self,
        ready: Mapping[K, V],
        makers: Mapping[K, Callable[[], V]],
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
                    self._values[key] = self._makers[key]()
        return self._values[key]

    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of a key, or a default; most keys that are asked for are of none."""
        if key not in self:
            return default
        return self[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values or key in self._makers

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
