"""Leaves of trees in core: those of a type, of a selection, and conversions leaf by leaf."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.core.graph import Apply, Graph, Input, Leaves, Node
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.selectors import Selector, select
from lossdsl.types.types import ArrayType, Path, RecordType, TreeType, Type
from lossdsl.types.unread_leaves import Unread


def record_tree(record: RecordType, prefix: Path = ()) -> TreeType:
    """Return a record as a tree whose paths start with the fields."""
    leaves: list[tuple[Path, ArrayType]] = []
    unread: list[tuple[Path, Unread]] = []
    for name, type in record.fields:
        path = (*prefix, name)
        match type:
            case ArrayType():
                leaves.append((path, type))
            case RecordType():
                inner = record_tree(type, path)
                leaves += inner.leaves or ()
                unread += inner.unread
            case TreeType(leaves=below) if below is not None:
                leaves += [((*path, *rest), leaf) for rest, leaf in below]
                unread += [((*path, *rest), leaf) for rest, leaf in type.unread]
            case _:
                return TreeType()
    return TreeType(None, tuple(leaves), unread=tuple(unread))


def tree_leaves(type: Type) -> tuple[tuple[Path, ArrayType], ...]:
    """Return the leaves of a tree or record in the order of its values."""
    tree = record_tree(type) if isinstance(type, RecordType) else type
    assert isinstance(tree, TreeType) and tree.leaves is not None
    return tree.leaves


def cast_node(graph: Graph, node: Node, type: Type) -> Node:
    """Return a node converted to the dtype of a type, a tree leaf by leaf."""
    dtypes: str | tuple[str, ...] = (
        type.dtype
        if isinstance(type, ArrayType)
        else tuple(leaf.dtype for _, leaf in tree_leaves(type))
    )
    return graph.apply(of_form(Form.CAST), [node], type, {"dtype": dtypes})


def is_selection_of_input(node: Node) -> bool:
    """Say whether a node is an input or leaves selected from one."""
    while True:
        match node:
            case Input():
                return True
            case Leaves(tree):
                node = tree
            case Apply(Builtin(form=Form.USABLE), (inner,)) if inner is not None:
                node = inner
            case _:
                return False


def selected_at(selector: Selector, leaves: Sequence[tuple[Path, ArrayType]]) -> tuple[int, ...]:
    """Return the positions of the leaves that a selector picks."""
    return select(
        selector,
        [path for path, _ in leaves],
        [leaf.rank or 0 for _, leaf in leaves],
        [leaf.dtype for _, leaf in leaves],
    )
