"""Leaves of a tree that no loss can read, and what they are: functions, keys, foreign dtypes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lossdsl.diagnostics.diagnostic import article
from lossdsl.frozen import dataclass
from lossdsl.types.dtypes import dtype_name, is_shaped

NUMBERS = (bool, int, float)
NO_NUMBERS = "SUTMm"  # NumPy's kinds of texts and dates


@dataclass(frozen=True, slots=True)
class Unread:
    """A leaf that is no array of the language, as words that follow "is".

    `counts` says as what it would count: as a `float` or an `object` it may not be passed over
    where it is selected, as an `int` only where integers are not read, as nothing (None) it may.
    """

    what: str
    counts: str | None = None
    dtype: bool = False
    rank: int | None = None
    name: str = ""
    help: str | None = None

    def in_module(self) -> Unread:
        """Return the leaf as one of a module: what is no array there says how to compute."""
        return replace(self, counts=None) if self.counts == "object" else self

    def at(self, name: str) -> Unread:
        """Return the leaf with the name that messages give it."""
        return replace(self, name=name)


def unread(leaf: Any) -> Unread | None:
    """Return what a leaf is that no loss can read; None for an array or number.

    >>> unread("relu"), unread(2.0)
    (Unread(what='a str', counts='object', dtype=False, rank=None, name='', help=None), None)
    """
    if isinstance(leaf, Unread):
        return leaf
    if isinstance(leaf, NUMBERS):
        return None
    kind = type(leaf).__name__
    kind = article(kind)
    if not is_shaped(leaf):
        return Unread("a function" if callable(leaf) else kind, "object")
    dtype, shape = leaf.dtype, leaf.shape
    if dtype_name(dtype) is not None:
        return None
    name, rank = str(getattr(dtype, "name", dtype)), len(shape)
    if name.startswith("key<"):
        return Unread("a key of random numbers", rank=rank)
    if getattr(dtype, "kind", "") in NO_NUMBERS:
        return Unread(f"{kind} of {name}", "object", rank=rank)
    counts = "int" if name.startswith(("int", "uint")) else "float"
    return Unread(name, counts, dtype=name != "object", rank=rank)
