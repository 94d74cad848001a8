"""Paths as JAX and the frameworks print them, in the way that a selector writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_KEY = re.compile(r"""\[\s*(?:'([^']*)'|"([^"]*)"|([^\]'"]*))\s*\]""")
_ENTRY = re.compile(r"""'([^']*)'|"([^"]*)"|(\d+)""")
BOX_FIELDS = ("value", "raw_value")


def printed_paths(text: str) -> Iterator[str]:
    """Yield what a path that was printed may be as a selector, the likeliest first.

    >>> list(printed_paths("['params']['Dense_0']['kernel']"))
    ['params/Dense_0/kernel']
    >>> list(printed_paths(".layers[0].weight"))
    ['.layers/0.weight', 'layers/0/weight']
    >>> list(printed_paths("('linear', 'kernel')")), list(printed_paths("kernel/value"))
    (['linear/kernel'], ['kernel'])
    """
    if text.startswith("(") and text.endswith(")"):
        plain = "/".join("".join(parts) for parts in _ENTRY.findall(text))
    else:
        plain = _KEY.sub(lambda match: "/" + "".join(filter(None, match.groups())), text)
    found: list[str] = []
    for path in (plain, plain.replace(".", "/")):
        path = re.sub("/+", "/", path).strip("/ ")
        head, _, last = path.rpartition("/")
        found += [path, head] if head and last in BOX_FIELDS else [path]
    yield from dict.fromkeys(one for one in found if one not in ("", text))
