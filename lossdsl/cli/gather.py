"""Which files a command is given: files, directories and patterns, without what is excluded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.source import Source, Span
from lossdsl.spec.read import ENDINGS, unread

# Folders of others, which hold nothing that is to be checked; those whose names begin with `.` too.
FOREIGN = ("__pycache__", "node_modules", "site-packages")
_MAGIC = "*?["


@dataclass(frozen=True)
class Target:
    """A file, and the directories and patterns that led to it, if it was not given itself."""

    name: str
    searches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gathered:
    """The files of a command line in a stable order, each once, and what is wrong with the line."""

    targets: tuple[Target, ...]
    searches: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def gather(words: Sequence[str], exclude: Sequence[str] = ()) -> Gathered:
    """Return the files that words name, those under directories and those that patterns match.

    A file that is named is one whatever is excluded.
    """
    problems: list[Diagnostic] = []
    targets: dict[str, Target] = {}
    searches: list[str] = []
    given: set[str] = set()
    excluded = _Excluded(exclude)
    for word in words:
        if word == "-" or not (os.path.isdir(word) or _is_pattern(word)):
            known = targets.get(_normal(word))
            targets[_normal(word)] = Target(known.name if known else word)
            given.add(_normal(word))
            continue
        searches.append(word)
        walk = _Walk(excluded, problems)
        count = 0
        for name in walk.files(word):
            led = targets.get(name, Target(name))
            targets[name] = led if name in given else Target(name, (*led.searches, word))
            count += 1
        if not count:
            problems.append(nothing(word, f"`{word}` leads to no file of {', '.join(ENDINGS)}"))
    return Gathered(tuple(targets.values()), tuple(searches), tuple(problems))


def nothing(search: str, message: str, help: str | None = None) -> Diagnostic:
    """Return the diagnostic of a directory or a pattern in which there is nothing to check."""
    return at("LD707", message, Span(Source("", search), 0, 0), help=help)


def _is_pattern(word: str) -> bool:
    return any(sign in word for sign in _MAGIC) and not os.path.lexists(word)


def _normal(name: str) -> str:
    return name if name == "-" else os.path.normpath(name)


def _is_readable(path: str) -> bool:
    """Say whether a file is one to check, or a link to nothing; nobody may write to a pipe."""
    return path.lower().endswith(ENDINGS) and (
        os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))
    )


class _Excluded:
    """What patterns exclude: names of files and folders, or paths where they have a `/`."""

    def __init__(self, patterns: Sequence[str]):
        self.names = [pattern for pattern in patterns if "/" not in pattern.rstrip("/")]
        walk = _Walk(None, [])
        paths = [pattern for pattern in patterns if "/" in pattern.rstrip("/")]
        self.paths = {_normal(path) for pattern in paths for path in walk.matches(pattern)}

    def holds(self, path: str, name: str) -> bool:
        return _normal(path) in self.paths or any(
            fnmatchcase(name, pattern.rstrip("/")) for pattern in self.names
        )


class _Walk:
    """A walk through folders, in the order of names; links to folders are not followed."""

    def __init__(self, excluded: _Excluded | None, problems: list[Diagnostic]):
        self.excluded, self.problems = excluded, problems

    def files(self, word: str) -> Iterator[str]:
        """Yield the files under a directory, or those that a pattern leads to."""
        for path in (word,) if os.path.isdir(word) else self.matches(word):
            if self.excluded and self.excluded.holds(path, os.path.basename(path)):
                continue
            folders = [path] if os.path.isdir(path) else []
            if not folders and _is_readable(path):
                yield _normal(path)
            while folders:
                folder = folders.pop()
                below: list[str] = []
                for entry in self.entries(folder):
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.path)
                    elif _is_readable(entry.path):
                        yield _normal(entry.path)
                folders += reversed(below)

    def entries(self, folder: str, hidden: bool = False) -> list[os.DirEntry[str]]:
        """Return what a folder holds that is neither hidden nor foreign nor excluded."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self.problems.append(unread(folder, f"`{folder}` cannot be read: {reason}"))
            return []
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            return []
        return [
            entry
            for entry in entries
            if (hidden or not entry.name.startswith("."))
            and entry.name not in FOREIGN
            and not (self.excluded and self.excluded.holds(entry.path, entry.name))
        ]

    def matches(self, pattern: str) -> Iterator[str]:
        """Yield the files and folders that a pattern matches; `**` is any number of folders."""
        path = PurePath(pattern)
        parts = [part for part in path.parts if part != path.anchor]
        parts = [
            part for at, part in enumerate(parts) if part != "**" or parts[at - 1 : at] != ["**"]
        ]
        yield from self._below(path.anchor, parts)

    def _below(self, base: str, parts: list[str]) -> Iterator[str]:
        if not parts:
            yield base or "."
            return
        step, *rest = parts
        if step == "**":
            yield from self._below(base, rest)
            for entry in self.entries(base or "."):
                if entry.is_dir(follow_symlinks=False):
                    yield from self._below(os.path.join(base, entry.name), parts)
        elif any(sign in step for sign in _MAGIC):
            for entry in self.entries(base or ".", hidden=step.startswith(".")):
                if fnmatchcase(entry.name, step) and (not rest or entry.is_dir()):
                    yield from self._below(os.path.join(base, entry.name), rest)
        elif os.path.lexists(path := os.path.join(base, step)):
            yield from self._below(path, rest)
