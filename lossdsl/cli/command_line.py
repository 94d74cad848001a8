"""How a command is written on the command line, and the reading of one that is written well.

The parameters of a command are declared once, in its signature. What is no command line as it
should be is left to typer (`app.py`), which knows the same declarations, and says what is wrong.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, get_args, get_origin

Command = Callable[..., int]


class Option:
    """What a parameter of a command is called and for; with no `names` it stands in its place.

    A flag may have a second name, which begins with `--no-` and turns it off.
    """

    def __init__(self, help: str, *names: str, metavar: str | None = None):
        self.help, self.names, self.metavar = help, names, metavar


class Usage(Exception):
    """A command line that asks for nothing that can be done."""


def parameters(command: Command) -> Iterator[tuple[inspect.Parameter, Any, Option]]:
    """Yield the parameters of a command, each with the type of its value and its option."""
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        kind, option = get_args(parameter.annotation)
        yield parameter, kind, option


def read(
    commands: Mapping[str, Command], words: Iterable[str]
) -> tuple[Command, Mapping[str, Any]] | None:
    """Return the command that words ask for and its arguments, or None if typer has to look.

    >>> from lossdsl.cli.commands import COMMANDS
    >>> read(COMMANDS, ["fmt", "a.loss", "--check"])[1]
    {'files': ['a.loss'], 'check': True}
    >>> read(COMMANDS, ["fmt", "--help"])
    """
    rest = iter(words)
    command = commands.get(next(rest, ""))
    if command is None or os.name == "nt":  # where typer expands `*`
        return None
    declared = list(parameters(command))
    values: dict[str, Any] = {}
    for word in rest:
        named = word.startswith("-") and word != "-"
        fitting = [
            (parameter.name, kind)
            for parameter, kind, option in declared
            if (word in option.names if named else not option.names)
        ]
        if not fitting:
            return None
        ((name, kind),) = fitting
        value = _value(kind, next(rest, None) if named and not _is_flag(kind) else word)
        if value is None or (name in values and not _repeats(kind)):
            return None
        values[name] = [*values.get(name, []), value] if _repeats(kind) else value
    needed = {each.name for each, _, _ in declared if each.default is each.empty}
    return (command, values) if needed <= values.keys() else None


def _repeats(kind: Any) -> bool:
    return any(get_origin(each) is list for each in (kind, *get_args(kind)))


def _is_flag(kind: Any) -> bool:
    return kind is bool or bool in get_args(kind)


def _value(kind: Any, word: str | None) -> Any:
    if _is_flag(kind):
        return not (word or "").startswith("--no-")
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {choice.value: choice for choice in kind}.get(word or "")
    return word
