"""Suggestions for names that were mistyped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from lossdsl.diagnostics.diagnostic import Meant
from lossdsl.library.aliases import folded, known_as
from lossdsl.library.declare import Library


def did_you_mean(
    name: str, known: Iterable[str], aliases: Mapping[str, str] | None = None
) -> str | None:
    """Return a help text that names what was probably meant, or None.

    `aliases` has what other libraries call the known names. A slip can be mended as the text says;
    what has another name elsewhere may take other arguments there.

    >>> did_you_mean("l2sqrt", ["mse", "l2sqr"])
    'did you mean `l2sqr`?'
    """
    meant = known_as(name, aliases) if aliases is not None else None
    if meant is not None:
        return f"did you mean `{meant}`?"
    folded = {candidate.casefold(): candidate for candidate in known}
    written = name.casefold()
    longer = [
        candidate for candidate in folded if len(written) > 2 and candidate.startswith(written)
    ]
    near = [candidate for candidate in folded if _is_near(written, candidate)]
    close = longer or get_close_matches(written, near, n=1, cutoff=0.65)
    if not close:
        return None
    meant = folded[close[0]]
    return Meant.of(name, meant) if len(close) == 1 else f"did you mean `{meant}`?"


def function_meant(name: str, library: Library) -> str | None:
    """Return a help text that names the function that was probably meant, or what is near to it.

    >>> from lossdsl.library import BUILTINS
    >>> function_meant("mse_loss", BUILTINS)
    'did you mean `mse`?'
    >>> function_meant("nansum", BUILTINS)
    '`sum` is near: a NaN shows here unless it is left out: `sum(x, where=x == x)`'
    """
    near = library.unlike.get(folded(name))
    if near is not None:
        return f"`{near[0]}` is near: {near[1]}"
    return did_you_mean(name, library, library.aliases)


def _is_near(written: str, known: str) -> bool:
    """Say whether one may be a slip for the other: any two names of three letters are alike."""
    swapped = sorted(written) == sorted(known)
    return len(written) > 3 or written[:1] == known[:1] or swapped
