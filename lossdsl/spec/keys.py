"""Where the specs of a config stand: dotted keys, in which a star is any one key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from mmap import mmap
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.spec.document import Document, Path, kind, within

DEFAULT, WHOLE = "loss", "."
WHOLE_WORDS = ("text", "terms")  # of which a file that is a spec has one


def path_of(key: str) -> Path:
    """Return the steps of a dotted key; a dot alone is the whole file.

    >>> path_of("train.losses.*"), path_of(".")
    (('train', 'losses', '*'), ())
    """
    return () if key == WHOLE else tuple(key.split("."))


def is_pattern(key: str) -> bool:
    """Say whether a key may lead to several specs."""
    return "*" in key


def matches(value: Any, path: Path) -> Iterator[Path]:
    """Yield the paths to what a key leads to, in the order of the file.

    >>> list(matches({"a": {"x": 1, "y": 2}, "b": [{"x": 3}]}, ("*", "*")))
    [('a', 'x'), ('a', 'y'), ('b', '0')]
    """
    if not path:
        yield ()
        return
    step, *rest = path
    for name in _names(value, step):
        inside, _ = within(value, (name,))
        yield from ((name, *below) for below in matches(inside, tuple(rest)))


def is_there(value: Any, path: Path) -> bool:
    """Say whether a key leads to something."""
    return next(matches(value, path), None) is not None


def _names(value: Any, step: str) -> Iterable[str]:
    if within(value, (step,))[1]:
        return (step,)
    if "*" not in step:
        return ()
    match value:
        case dict():
            names = [name for name in value if isinstance(name, str)]
        case list():
            names = list(map(str, range(len(value))))
        case _:
            return ()
    pattern = re.compile(".*".join(map(re.escape, step.split("*"))), re.DOTALL)
    return filter(pattern.fullmatch, names)


def may_hold(data: bytes | mmap, keys: Iterable[str]) -> bool:
    """Say whether a file can hold one of the keys, before it is parsed."""
    for key in keys:
        named = [step for step in path_of(key) if "*" not in step and not step.isdigit()]
        whole = WHOLE_WORDS if key == DEFAULT else ()
        if _holds(data, named) or any(_holds(data, (word,)) for word in whole):
            return True
    return False


def _holds(data: bytes | mmap, words: Iterable[str]) -> bool:
    return all(data.find(word.encode()) >= 0 for word in words)


def absent(document: Document, path: Path) -> Diagnostic:
    """Say which step of a path a file has not, with the keys that it has there."""
    if not path:
        return at("LD704", f"`{document.file.name}` is empty", document.span(()))
    steps = _reached(document.value, path)
    above = f" in `{'.'.join(path[:steps])}`" if steps else ""
    inside = next(iter(matches(document.value, path[:steps])), ())
    message = f"`{document.file.name}` has no key `{path[steps]}`{above}"
    help = _known(document.value, inside, path[steps])
    return at("LD704", message, document.span(inside), help=help)


def _reached(value: Any, path: Path) -> int:
    for steps in range(len(path), 0, -1):
        if is_there(value, path[:steps]):
            return min(steps, len(path) - 1)
    return 0


def _known(value: Any, path: Path, missing: str) -> str | None:
    value, _ = within(value, path)
    if not isinstance(value, (dict, list)):
        return f"there is {kind(value)}"
    if isinstance(value, list):
        return f"there is a list of {len(value)}"
    names = sorted(name for name in value if isinstance(name, str))
    if close := get_close_matches(missing, names, n=1):
        return f"did you mean `{close[0]}`?"
    shown = ", ".join(f"`{name}`" for name in names[:8])
    return f"the keys there: {shown}{', …' if len(names) > 8 else ''}" if names else "it is empty"
