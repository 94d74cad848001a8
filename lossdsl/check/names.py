"""Suggestions for names that were mistyped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches


def did_you_mean(
    name: str, known: Iterable[str], elsewhere: Callable[[str], str | None] | None = None
) -> str | None:
    """Return a help text that names what was probably meant, or None.

    `elsewhere` translates the names of other libraries.

    >>> did_you_mean("l2sqrt", ["mse", "l2sqr"])
    'did you mean `l2sqr`?'
    """
    meant = elsewhere(name) if elsewhere is not None else None
    if meant is None:
        folded = {one.casefold(): one for one in known}
        written = name.casefold()
        longer = [one for one in folded if len(written) > 2 and one.startswith(written)]
        close = longer or get_close_matches(written, folded, n=1, cutoff=0.65)
        meant = folded[close[0]] if close else None
    return None if meant is None else f"did you mean `{meant}`?"
