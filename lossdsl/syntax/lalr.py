"""A parser over the tables of the grammar: it lexes by what a state accepts, reduces and shifts.

The tables are Lark's, and so is what they mean: a test holds it to the trees that Lark makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lossdsl.syntax import tables

END = "$END"

Build = Callable[[str, list[Any]], Any]
"""What makes a node of the children of a rule."""


class Token(str):
    """A piece of the text: its terminal, and where it stands."""

    __slots__ = ("end", "start", "type")
    type: str
    start: int
    end: int

    def __new__(cls, type: str, text: str, start: int) -> Token:
        token = super().__new__(cls, text)
        token.type, token.start, token.end = type, start, start + len(text)
        return token


class Stopped(Exception):
    """The text cannot go on as it does at a position."""

    def __init__(self, position: int):
        self.position = position
        super().__init__(position)


Actions = Mapping[str, int]
"""What a state does by symbol: a state that follows, or `~rule`."""


def _state(row: int, *rules: int) -> Actions:
    actions = {tables.SYMBOLS[symbol]: state for symbol, state in tables.ROWS[row].items()}
    for rule, before in zip(rules[::2], rules[1::2], strict=True):
        actions.update((tables.SYMBOLS[symbol], ~rule) for symbol in tables.SETS[before])
    return actions


_STATES = tuple(_state(*state) for state in tables.STATES)
_RULES = tuple((tables.SYMBOLS[symbol], size, single) for symbol, size, single in tables.RULES)
_ANY = re.compile("|".join(f"(?P<{kind}>{text})" for kind, text in tables.TERMINALS.items()))


def parse(text: str, start: str, build: Build, begin: int = 0, end: int | None = None) -> Any:
    """Return what `build` makes of a text or a part of it; raise `Stopped` where it is wrong."""
    states, values = [tables.STARTS[start]], list[Any]()
    for token in _tokens(text, states, begin, len(text) if end is None else end):
        _feed(states, values, token, build)
    return values[0]


def _tokens(text: str, states: list[int], position: int, end: int) -> Iterator[Token]:
    """Yield the tokens of a text, each as the state accepts it that is the last when it is read."""
    while position < end:
        match, accepted = _ANY.match(text, position, end), _STATES[states[-1]]
        if match is None:
            raise Stopped(position)
        kind = str(match.lastgroup)
        ignored = kind in tables.IGNORED
        if kind not in accepted and not ignored:
            kind, match = _next_best(text, position, end, accepted)
        if not ignored:
            yield Token(kind, match[0], position)
        position = match.end()
    yield Token(END, "", end)


def _next_best(
    text: str, position: int, end: int, accepted: Mapping[str, int]
) -> tuple[str, re.Match[str]]:
    """Return the first terminal that a state accepts: `labels` is a name where no type is due."""
    for kind, pattern in tables.TERMINALS.items():
        if kind in accepted and (match := re.compile(pattern).match(text, position, end)):
            return kind, match
    raise Stopped(position)


def _feed(states: list[int], values: list[Any], token: Token, build: Build) -> None:
    """Complete the rules that end before a token, then take it.

    The children of a rule whose name begins with `_` become those of the rule that it is part of.
    """
    while True:
        action = _STATES[states[-1]].get(token.type)
        if action is None:
            raise Stopped(token.start)
        if action >= 0:
            states.append(action)
            values.append(token)
            return
        rule, size, single = _RULES[~action]
        if size == 1 and rule[0] == "_":  # most rules that are completed: `_sum` is a `_product`
            states[-1] = _STATES[states[-2]][rule]
            if type(values[-1]) is not list:
                values[-1] = [values[-1]]
            continue
        first = len(values) - size
        children: list[Any] = []
        for value in values[first:]:
            if type(value) is list:
                children += value
            else:
                children.append(value)
        del states[first + 1 :], values[first:]
        if rule[0] == "_":
            values.append(children)
        elif single and len(children) == 1:
            values.append(children[0])
        else:
            values.append(build(rule, children))
        states.append(_STATES[states[-1]][rule])
