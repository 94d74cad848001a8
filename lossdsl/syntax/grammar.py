"""Where the grammar is, and Lark's parser of it, which explains where a text stops.

Texts are parsed by the tables that Lark made of the grammar (`tables.py`, `lalr.py`): building them
anew takes longer than all else that a check does, so Lark is imported for what is wrong alone.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark

STARTS = ("program", "signature", "given_type")


def grammar_text() -> str:
    """Return the text of `loss.lark`, from the installed package or the checkout."""
    package = files("lossdsl")
    installed = package / "_grammar"
    folder: Traversable = installed if installed.is_dir() else package / ".." / "grammar"
    return (folder / "loss.lark").read_text(encoding="utf-8")


@cache
def parser() -> Lark:
    """Return Lark's parser, which makes trees of the names of rules."""
    from lark import Lark

    return Lark(
        grammar_text(),
        parser="lalr",
        start=list(STARTS),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


def stop(text: str, start: str, position: int) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the tokens before a position that are of no complete rule, and what could follow."""
    from lark.exceptions import UnexpectedInput

    run: Any = parser().parse_interactive(text, start=start)
    state = run.parser_state
    # Nothing is made of what is read: Lark's trees would take the tokens from the stack.
    state.parse_conf = copy(state.parse_conf)
    state.parse_conf.callbacks = {}
    with suppress(UnexpectedInput):
        for token in run.lexer_thread.lex(state):
            if token.start_pos >= position:
                break
            run.feed_token(token)
    pending = tuple(item.type for item in state.value_stack if hasattr(item, "type"))
    return pending, frozenset(run.accepts())
