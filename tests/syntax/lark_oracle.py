"""What Lark makes of a text with the grammar itself: the tree, and where and why it stops."""

from __future__ import annotations

from copy import copy
from functools import cache
from typing import Any

from lalr_tables import lark
from lark import Lark, Tree
from lark.exceptions import UnexpectedInput

from lossdsl.syntax.lalr import Build, Stopped, Token


@cache
def reader() -> Lark:
    """Return Lark's parser."""
    return lark()


def parse(text: str, start: str, build: Build) -> Any:
    """Return what `build` makes of Lark's tree; raise `Stopped` where Lark complains."""
    try:
        tree = reader().parse(text, start=start)
    except UnexpectedInput as problem:
        token = getattr(problem, "token", None)
        ended = problem.pos_in_stream is None or (token is not None and token.type == "$END")
        raise Stopped(len(text) if ended else problem.pos_in_stream) from None
    return built(tree, build)


def built(node: Any, build: Build) -> Any:
    """Return what `build` makes of a tree, from its leaves up."""
    if isinstance(node, Tree):
        return build(str(node.data), [built(child, build) for child in node.children])
    return Token(node.type, str(node), node.start_pos)


def stop(text: str, start: str, position: int) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the tokens before a position that are of no complete rule, and what could follow."""
    run: Any = reader().parse_interactive(text, start=start)
    state = run.parser_state
    state.parse_conf = copy(state.parse_conf)
    state.parse_conf.callbacks = {}
    try:
        for token in run.lexer_thread.lex(state):
            if token.start_pos >= position:
                break
            run.feed_token(token)
    except UnexpectedInput:
        pass
    pending = tuple(item.type for item in state.value_stack if hasattr(item, "type"))
    return pending, frozenset(run.accepts())
