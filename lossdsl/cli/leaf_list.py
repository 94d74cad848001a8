"""`lossdsl leaves`: the paths and shapes of a module's parameters."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.cli.files import write_text
from lossdsl.cli.named_trees import count_of, read_tree, shapes_of, shapes_text
from lossdsl.cli.output import say
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError
from lossdsl.diagnostics.snippet import Line, printable
from lossdsl.types.types import TreeType


def list_leaves(word: str, output: str | None) -> tuple[Diagnostic, ...]:
    """List the leaves of parameters, or write them as a file; return what is wrong."""
    try:
        tree = read_tree(word)
    except LossError as error:
        return error.diagnostics
    if output is None:
        say(*_lines(tree))
    elif unwritten := write_text(output, shapes_text(tree)):
        return unwritten
    leaves = len(tree.leaves or ())
    plural = "leaf" if leaves == 1 else "leaves"
    where = "" if output is None else f"{printable(output)}: "
    say([(f"{where}{leaves} {plural}, {count_of(tree):,} numbers", "bold")], error=True)
    return ()


def _lines(tree: TreeType) -> Iterator[Line]:
    for path, type in shapes_of(tree).items():
        yield [(printable(path), "bold"), (f": {type}", "")]
    for path, reason in tree.unread:
        yield [(printable("/".join(path)), "bold"), (f": {reason.what}, which no loss reads", "")]
