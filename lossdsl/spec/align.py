"""Where each character of a quoted, folded or indented text stands in its file."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"
)
_CONTINUATION = re.compile(r"\\[ \t]*\r?\n\s*")


def align(text: str, raw: str, start: int, end: int, quote: str) -> tuple[int, ...] | None:
    """Return the offset in `raw` of each character of `text` and of its end, or None.

    The text was written between `start` and `end`. Only white space may differ, and what `quote`
    allows: backslash escapes within `"`, a doubled quote within `'`.

    >>> align("a b", "k: a\\n   b", 3, 9, "")
    (3, 4, 8, 9)
    """
    offsets: list[int] = []
    at = start
    for character in text:
        width = 0
        while not width:
            if at >= end:
                return None
            written = raw[at]
            if quote == '"' and written == "\\":
                if skipped := _CONTINUATION.match(raw, at, end):
                    at = skipped.end()
                    continue
                escape = _ESCAPE.match(raw, at, end)
                width = len(escape.group()) if escape else 1
            elif written == character or (written.isspace() and character.isspace()):
                width = 2 if quote == "'" and raw.startswith("''", at) else 1
            elif written.isspace():
                at += 1
            else:
                return None
        offsets.append(at)
        at += width
    return (*offsets, min(at, end))
