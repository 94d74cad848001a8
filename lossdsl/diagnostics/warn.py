"""Diagnostics that are warned of where nothing can be raised: in a program that already runs."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable

from lossdsl.diagnostics.diagnostic import Diagnostic, LossWarning
from lossdsl.source import Span


class Warner:
    """Warns of diagnostics, once for each code and place, from whichever thread."""

    def __init__(self) -> None:
        self._warned: set[tuple[str, Span | None]] = set()
        self._lock = threading.Lock()

    def __call__(self, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            key = (diagnostic.code, diagnostic.span)
            with self._lock:
                new = key not in self._warned
                self._warned.add(key)
            if new:
                warnings.warn(LossWarning([diagnostic]), stacklevel=2)
