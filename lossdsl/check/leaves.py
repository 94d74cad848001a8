"""Leaves as a loss reads them: arrays and records as trees, and what of a tree can be used."""

from __future__ import annotations

from lossdsl.check.context import Context, Scope, Value
from lossdsl.check.core import Apply, Input, Leaves, Node
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.forms import Form
from lossdsl.source import Span
from lossdsl.types.types import LITERAL, ArrayType, Path, RecordType, TreeType, Type, array, kind


def record_tree(record: RecordType, prefix: Path = ()) -> TreeType:
    """Return a record as a tree whose paths start with the fields."""
    leaves: list[tuple[Path, ArrayType]] = []
    for name, type in record.fields:
        path = (*prefix, name)
        match type:
            case ArrayType():
                leaves.append((path, type))
            case RecordType():
                leaves += record_tree(type, path).leaves or ()
            case TreeType(leaves=below) if below is not None:
                leaves += [((*path, *rest), leaf) for rest, leaf in below]
            case _:
                return TreeType()
    return TreeType(None, tuple(leaves))


def tree_leaves(type: Type) -> tuple[tuple[Path, ArrayType], ...]:
    """Return the leaves of a tree or record in the order of its values."""
    tree = record_tree(type) if isinstance(type, RecordType) else type
    assert isinstance(tree, TreeType) and tree.leaves is not None
    return tree.leaves


def as_tree(context: Context, scope: Scope, value: Value) -> Value:
    """Return an array as a tree of one leaf, and a record as a tree of its fields."""
    match value.type:
        case ArrayType() as type:
            node = value.node
            if type.strength == LITERAL and context.concrete:
                dtype = "i32" if kind(type.dtype) == "int" else context.default_float
                type = array(dtype, type.dims)
                node = context.graph.apply(of_form(Form.CAST), [node], type, {"dtype": dtype})
            tree = TreeType(None, (((), type),), type.role)
            function = of_form(Form.BRANCHES)
            return Value(context.graph.apply(function, [node], tree, {"paths": ((),)}), tree)
        case RecordType() as type:
            return Value(value.node, record_tree(type))
        case _:
            return value


def usable(
    context: Context, scope: Scope, value: Value, span: Span, integers: bool = False
) -> Value:
    """Keep the leaves of an input that a loss reads: floating ones with at least one element.

    With `integers` (spikes, and constraints) integer and boolean leaves are read too. A tree
    with leaves of which none is usable is LD209.
    """
    tree = value.type
    if not isinstance(tree, TreeType) or tree.leaves is None:
        return value
    kept = tuple(
        (path, leaf)
        for path, leaf in tree.leaves
        if (integers or kind(leaf.dtype) not in ("int", "bool")) and 0 not in (leaf.shape or ())
    )
    if tree.leaves and not kept:
        shown = ", ".join(
            f"`{'/'.join(path)}`: {leaf}" if path else str(leaf) for path, leaf in tree.leaves[:3]
        )
        return context.error(
            scope,
            "LD209",
            "no leaf of the tree can be used",
            span,
            notes=(shown,),
            help="a loss reads floating leaves with at least one element",
        )
    if len(kept) == len(tree.leaves):
        return value
    type = TreeType(tree.leaf, kept, tree.role)
    node = context.graph.apply(
        of_form(Form.USABLE), [value.node], type, {"paths": tuple(path for path, _ in kept)}
    )
    return context.value(node, type, span, scope)


def as_read(context: Context, scope: Scope, value: Value, span: Span) -> Value:
    """Return a value as an operation reads it: of an input's tree the usable leaves.

    A computed tree is made of usable leaves already, and may hold counts or truth values.
    """
    if isinstance(value.type, TreeType) and is_selection_of_input(value.node):
        return usable(context, scope, value, span)
    return value


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
