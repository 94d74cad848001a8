"""Where the grammar is, and the one parser that is built from it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from lark import Lark

from lossdsl.syntax.transform import ToAst

STARTS = ("program", "signature", "given_type")


def grammar_text() -> str:
    """Return the text of `loss.lark`, from the installed package or the checkout."""
    package = files("lossdsl")
    installed = package / "_grammar"
    folder: Traversable = installed if installed.is_dir() else package / ".." / "grammar"
    return (folder / "loss.lark").read_text(encoding="utf-8")


@cache
def parser() -> Lark:
    """Return the parser; it makes the syntax tree as it reads.

    Building it takes about a tenth of a second, once a process. Lark's cache is a pickle: keeping
    one between processes would have every run trust a file that others may have written.
    """
    return Lark(
        grammar_text(),
        parser="lalr",
        start=list(STARTS),
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=ToAst(),
    )
