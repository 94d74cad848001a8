"""What Lark makes of a text with the grammar itself: the tree, or where it stops."""

from __future__ import annotations

from typing import Any

from lark import Tree
from lark.exceptions import UnexpectedInput

from lossdsl.syntax.grammar import parser
from lossdsl.syntax.lalr import Build, Stopped, Token


def parse(text: str, start: str, build: Build) -> Any:
    """Return what `build` makes of Lark's tree; raise `Stopped` where Lark complains."""
    try:
        tree = parser().parse(text, start=start)
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
