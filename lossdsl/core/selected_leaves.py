"""Which leaves of the inputs each selection of a program picks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lossdsl.core.graph import Apply, Core, Input, Leaves, Node, tape
from lossdsl.core.leaves import record_tree, selected_at
from lossdsl.frozen import dataclass
from lossdsl.library.function import is_own
from lossdsl.types.types import ArrayType, Path, RecordType, TreeType


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection as it is written, and the leaves that it picks: their paths and types.

    `of` is how many leaves the input has.
    """

    text: str
    leaves: Mapping[str, str]
    of: int


def selections(core: Core, trees: Mapping[str, TreeType]) -> tuple[Selection, ...]:
    """Return the selections of the trees in a program at their types, in the order they are read.

    A tree that is read as a whole is one, too.
    """
    return tuple(_selections(core, trees))


def _selections(core: Core, trees: Mapping[str, TreeType]) -> Iterator[Selection]:
    order = tape(core.roots)
    wholes = {
        argument
        for node in order
        if isinstance(node, Apply)
        for argument in node.arguments
        if isinstance(argument, Input)
    }
    for node in order:
        if not (isinstance(node, Leaves) or node in wholes):
            continue
        picked = _picked(core, node)
        text = _written(core, node)
        if picked is None or text is None or picked[0] not in trees:
            continue
        name, positions = picked
        leaves = trees[name].leaves or ()
        shown = {"/".join(leaves[at][0]): str(leaves[at][1]) for at in positions}
        yield Selection(text, shown, len(leaves))


def _written(core: Core, node: Node) -> str | None:
    """Return a selection as the spec writes it; one within a function of lossdsl is no such."""
    if isinstance(node, Input):
        return node.name
    spans = [place.span for place in core.graph.places.get(node, ())]
    span = next((span for span in spans if not is_own(span.source)), None)
    return span and " ".join(span.text.split())


def _picked(core: Core, node: Node) -> tuple[str, tuple[int, ...]] | None:
    """Return the input of which a node has leaves, and their positions there."""
    match node:
        case Input(name):
            return name, tuple(range(len(_leaves(core, node))))
        case Leaves(tree, selector):
            below = _picked(core, tree)
            if below is None:
                return None
            name, positions = below
            chosen = selected_at(selector, _leaves(core, tree))
            return name, tuple(positions[at] for at in chosen)
        case _:
            return None


def _leaves(core: Core, node: Node) -> tuple[tuple[Path, ArrayType], ...]:
    match core.graph.types[node]:
        case TreeType(leaves=leaves):
            return leaves or ()
        case RecordType() as record:
            return record_tree(record).leaves or ()
        case _:
            return ()
