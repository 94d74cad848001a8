"""Paths as JAX and the frameworks print them, in the way that a selector writes them."""

from __future__ import annotations

from collections.abc import Iterator

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
        plain = "/".join(map(_unquoted, text[1:-1].split(",")))
    else:
        plain = _opened(text)
    paths: list[str] = []
    for path in (plain, plain.replace(".", "/")):
        path = "/".join(filter(None, path.split("/"))).strip()
        head, _, last = path.rpartition("/")
        paths += [path, head] if head and last in BOX_FIELDS else [path]
    yield from dict.fromkeys(path for path in paths if path not in ("", text))


def _opened(text: str) -> str:
    """Return a path with what stands in brackets as segments."""
    head, bracket, rest = text.partition("[")
    path = head
    while bracket:
        key, closed, rest = rest.partition("]")
        if not closed:
            return text
        head, bracket, rest = rest.partition("[")
        path += f"/{_unquoted(key)}{head}"
    return path


def _unquoted(text: str) -> str:
    return text.strip().strip("'\"")
