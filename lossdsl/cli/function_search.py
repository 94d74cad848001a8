"""Finding a function by words: over names, what else it is known as, and what its page says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lossdsl.library.declare import Builtin, Library

# What a word counts for, by where it stands.
NAME, ALIAS, PARAMETER, SUMMARY, FAMILY, CITATION, NOTE = 40, 30, 12, 10, 8, 5, 3
_WHOLE, _START = 2, 1
_SHORTEST = 4  # letters that a word must share with another of the same stem


def search(words: str, library: Library) -> list[Builtin]:
    """Return the functions that all words fit, best first; if there are none, those any fits.

    >>> from lossdsl.library import BUILTINS
    >>> search("absolute error", BUILTINS)[0]
    mae
    """
    terms = _words(words)
    for needed in (len(terms), 1):
        scored = [(_score(terms, needed, library[name]), name) for name in library]
        ranked = sorted((-score, name) for score, name in scored if score)
        if ranked:
            return [library[name] for _, name in ranked]
    return []


def _score(terms: list[str], needed: int, function: Builtin) -> int:
    fields = list(_fields(function))
    scores = [
        max((_fit(word, text) * worth for worth, text in fields), default=0) for word in terms
    ]
    if sum(1 for score in scores if score) < needed or not terms:
        return 0
    folded = "".join(terms)
    exact = folded in (name.replace("_", "").lower() for name in (function.name, *function.aliases))
    phrase = " ".join(terms) in " ".join(_words(function.about.get("summary", "")))
    return sum(scores) + 4 * NAME * exact + SUMMARY * (phrase and len(terms) > 1)


def _fields(function: Builtin) -> Iterator[tuple[int, str]]:
    about = function.about
    texts = [
        (NAME, [function.name]),
        (ALIAS, function.aliases),
        (PARAMETER, (parameter.name for s in function.signatures for parameter in s.parameters)),
        (SUMMARY, [about.get("summary", "")]),
        (FAMILY, [function.family]),
        (CITATION, [about.get("cite", "")]),
        (NOTE, [about.get("note", ""), about.get("factors", ""), about.get("unlike", "")]),
    ]
    for worth, several in texts:
        yield from ((worth, word) for text in several for word in _words(text))


def _words(text: str) -> list[str]:
    parts: Iterable[str] = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    return [part.lower() for part in parts]


def _fit(word: str, other: str) -> int:
    if word == other:
        return _WHOLE
    short, long = sorted((word, other), key=len)
    stem = min(len(short), max(_SHORTEST, len(short) - 2))
    close = len(short) >= _SHORTEST and long.startswith(short[:stem]) and len(long) - len(short) < 5
    return _START if close or (len(word) >= 3 and other.startswith(word)) else 0
