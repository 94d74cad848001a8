"""What several parts of a large program read: each is written once, under a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from lossdsl.core.graph import Apply, Node, operands, tape
from lossdsl.formula.abbreviate import Equation
from lossdsl.formula.math import Symbol
from lossdsl.formula.reader import Place, Reader, placed
from lossdsl.formula.tidy import tidied

MANY = 400
"""Operations, each counted as often as it is read, from which on shared ones have names."""
_LEAST = 12
LONG = 120
"""Operations of what has a name however often it is read: deeper ones nest too deep to read."""


def sharing(reader: Reader, root: Node) -> Reader:
    """Return a reader that reads shared parts of a large value by name."""
    order = tape((root,))
    readers = Counter(operand for node in order for operand in operands(node))
    if _sizes(order, {})[root] <= MANY:
        return reader
    names = (Symbol(f"v{at}") for at in count(1) if f"v{at}" not in reader.letters)
    named: dict[Node, Symbol] = {}
    sizes: dict[Node, int] = {}
    for node in order:
        sizes[node] = 1 + sum(1 if o in named else sizes[o] for o in operands(node))
        often = readers[node] > 1 and sizes[node] >= _LEAST
        if isinstance(node, Apply) and node is not root and (often or sizes[node] >= LONG):
            named[node] = next(names)
    return replace(reader, shared=named)


def _sizes(order: list[Node], sizes: dict[Node, int]) -> dict[Node, int]:
    for node in order:
        sizes[node] = 1 + sum(sizes[operand] for operand in operands(node))
    return sizes


def shared_equations(reader: Reader, root: Node) -> Iterator[Equation]:
    """Yield what the names of a reader stand for, from the root on."""
    for node in reversed(tape((root,))):
        name = reader.shared.get(node)
        if name is None:
            continue
        within, places = reader, list[Place]()
        for dim in reader.dims(node) or ():
            index, _, within = within.fresh(dim)
            places.append(index)
        yield placed(name, places, None), tidied(within.body(node, places))
