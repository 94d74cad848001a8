"""`[tool.lossdsl]` of a `pyproject.toml`: what a command does that its line leaves open."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field
from difflib import get_close_matches
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.source import Source, Span

FILE, TABLE = "pyproject.toml", "tool.lossdsl"
_HEADER = re.compile(r"(?m)^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*lossdsl[ \t]*\]")
_EXAMPLES = {
    "files": '`files = ["conf"]`',
    "exclude": '`exclude = ["old"]`',
    "keys": '`keys = ["loss", "losses.*"]`',
    "library": '`library = ["mine.loss", "my_package.losses"]`',
    "allow": '`allow = ["LD418"]`',
    "strict": "`strict = true`",
}


@dataclass(frozen=True)
class Project:
    """The settings of a project; `root` is the folder in which it is run from its own."""

    root: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    diagnostics: tuple[Diagnostic, ...] = ()

    def texts(self, name: str) -> list[str]:
        """Return a setting that is a list of texts; empty where there is none."""
        value = self.settings.get(name, [])
        return [value] if isinstance(value, str) else list(value)

    def paths(self, name: str) -> list[str]:
        """Return files, folders and patterns, as they are written from the working directory."""
        return [
            path if name == "exclude" and "/" not in path.rstrip("/") else self.path(path)
            for path in self.texts(name)
        ]

    def path(self, name: str) -> str:
        """Return a path of the project as it is written from the working directory."""
        return os.path.normpath(os.path.join(self.root, name))

    def codes(self, name: str) -> list[str]:
        """Return codes as the table has them."""
        return [code.upper() for code in self.texts(name)]

    @property
    def strict(self) -> bool:
        """Whether warnings are errors."""
        return self.settings.get("strict") is True


def find_project(folder: str = "") -> Project:
    """Return the settings of the nearest project at or above a folder that has some."""
    here = os.path.abspath(folder)
    while True:
        path = os.path.join(here, FILE)
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except OSError:
            data = b""
        if b"lossdsl" in data:
            root = os.path.relpath(here, os.path.abspath(folder))
            project = read_project(data, os.path.normpath(os.path.join(root, FILE)))
            if project is not None:
                return project
        above = os.path.dirname(here)
        if above == here:
            return Project()
        here = above


def read_project(data: bytes, name: str) -> Project | None:
    """Return the settings that a `pyproject.toml` holds for lossdsl, or None if it has none."""
    import tomllib

    text = data.decode("utf-8", "replace")
    root = os.path.dirname(name)
    header = _HEADER.search(text)
    file = Source(text, name)
    try:
        tool = tomllib.loads(text).get("tool")
    except (ValueError, RecursionError):
        if header is None:
            return None
        from lossdsl.spec.plain import read_toml

        return Project(root, diagnostics=read_toml(file)[1])
    table = tool.get("lossdsl") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        message = f"`{TABLE}` is no table"
        return Project(root, diagnostics=(at("LD708", message, Span(file, 0, 0)),))
    start = header.end() if header else 0
    problems = [
        at("LD708", message, _place(file, start, key), help=help)
        for key, value in table.items()
        for message, help in [_problem(key, value)]
        if message
    ]
    return Project(root, {} if problems else table, tuple(problems))


def _problem(key: str, value: object) -> tuple[str, str]:
    if key not in _EXAMPLES:
        close = get_close_matches({"include": "files", "key": "keys"}.get(key, key), _EXAMPLES, n=1)
        known = ", ".join(f"`{name}`" for name in sorted(_EXAMPLES))
        help = f"did you mean `{close[0]}`?" if close else f"the settings: {known}"
        return f"`{TABLE}` has no setting `{key}`", help
    if key == "strict":
        fits, expected = isinstance(value, bool), "`true` or `false`"
    else:
        texts = [value] if isinstance(value, str) else value
        fits = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
        expected = "a list of texts"
    if fits:
        return _unknown_codes(value) if key == "allow" else ("", "")
    from lossdsl.spec.document import kind

    return f"`{key}` is {expected}, not {kind(value)}", f"such as {_EXAMPLES[key]}"


def _unknown_codes(value: Any) -> tuple[str, str]:
    for code in [value] if isinstance(value, str) else value:
        if problem := code_problem(code):
            return problem
    return "", ""


def code_problem(code: str) -> tuple[str, str] | None:
    """Say what keeps a code from being one that can be allowed, with a help."""
    from lossdsl.diagnostics.codes import CODES

    row = CODES.get(code.upper())
    if row is None:
        close = get_close_matches(code.upper(), CODES, n=1)
        return f"there is no code `{code}`", f"did you mean `{close[0]}`?" if close else ""
    if row.severity == "error":
        return f"`{row.code}` is an error, which cannot be allowed", "warnings can: LD4xx"
    return None


def _place(file: Source, start: int, key: str) -> Span:
    """Return where a setting is written, or the file's start where it is not found."""
    for begin in (start, 0):
        pattern = rf"(?m)^[^\n#]*?(?<![\w-])({re.escape(key)})[\"']?[ \t]*="
        if match := re.compile(pattern).search(file.text, begin):
            return Span(file, *match.span(1))
    return Span(file, 0, 0)
