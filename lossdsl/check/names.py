"""Suggestions for names that were mistyped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from lossdsl.library.aliases import known_as


def did_you_mean(
    name: str, known: Iterable[str], aliases: Mapping[str, str] | None = None
) -> str | None:
    """Return a help text that names what was probably meant, or None.

    `aliases` has what other libraries call the known names.

    >>> did_you_mean("l2sqrt", ["mse", "l2sqr"])
    'did you mean `l2sqr`?'
    """
    meant = known_as(name, aliases) if aliases is not None else None
    if meant is None:
        folded = {one.casefold(): one for one in known}
        written = name.casefold()
        longer = [one for one in folded if len(written) > 2 and one.startswith(written)]
        near = [one for one in folded if _is_near(written, one)]
        close = longer or get_close_matches(written, near, n=1, cutoff=0.65)
        meant = folded[close[0]] if close else None
    return None if meant is None else f"did you mean `{meant}`?"


def _is_near(written: str, known: str) -> bool:
    """Say whether one may be a slip for the other: any two names of three letters are alike."""
    swapped = sorted(written) == sorted(known)
    return len(written) > 3 or written[:1] == known[:1] or swapped
