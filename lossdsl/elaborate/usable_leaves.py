"""Leaves as a loss reads them: arrays and records as trees, and what of a tree can be used."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.core.leaves import cast_node, is_selection_of_input, record_tree
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.elaborate.context import Context, Scope, Site
from lossdsl.infer.arguments import Value
from lossdsl.library.declare import of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Span
from lossdsl.types.types import LITERAL, ArrayType, RecordType, TreeType, array, kind
from lossdsl.types.unread_leaves import Unread


def as_tree(scope: Scope, value: Value) -> Value:
    """Return an array as a tree of one leaf, and a record as a tree of its fields."""
    match value.type:
        case ArrayType() as type:
            node = value.node
            if type.strength == LITERAL and scope.context.concrete:
                known = {"int": "i32", "bool": "bool"}
                dtype = known.get(kind(type.dtype), scope.context.default_float)
                type = array(dtype, type.dims)
                node = cast_to(scope.context, value, type).node
            tree = TreeType(None, (((), type),), type.role)
            function = of_form(Form.BRANCHES)
            return Value(scope.graph.apply(function, [node], tree, {"paths": ((),)}), tree)
        case RecordType() as type:
            return Value(value.node, record_tree(type))
        case _:
            return value


def cast_to(context: Context, value: Value, type: ArrayType | TreeType) -> Value:
    """Return a value converted to the dtype of a type, a tree leaf by leaf."""
    return Value(cast_node(context.graph, value.node, type), type)


def usable(site: Site, value: Value, integers: bool = False, reads: bool = True) -> Value:
    """Keep the leaves of an input that a loss reads: floating ones with at least one element.

    With `integers` (spikes, and constraints) integer and boolean leaves are read too. A tree
    with leaves of which none is usable is LD209, and a number that cannot be read LD219. Where
    nothing `reads` the leaves yet, since a selection may follow, what cannot be read stays.
    """
    tree = value.type
    if not isinstance(tree, TreeType) or tree.leaves is None:
        return value
    if reads and (wrong := _unreadable(tree, integers)) is not None:
        return site.scope.report(unreadable(wrong, site.span))
    kept = tuple(
        (path, leaf)
        for path, leaf in tree.leaves
        if (integers or kind(leaf.dtype) not in ("int", "bool"))
        and all(dim.carried != 0 for dim in leaf.dims or ())
    )
    if tree.leaves and not kept:
        shown = ", ".join(
            f"`{'/'.join(path)}`: {leaf}" if path else str(leaf) for path, leaf in tree.leaves[:3]
        )
        return site.error(
            "LD209",
            "no leaf of the tree can be used",
            notes=(shown,),
            help="a loss reads floating leaves with at least one element",
        )
    type = replace(tree, leaves=kept, unread=() if reads else tree.unread)
    if len(kept) == len(tree.leaves):
        return Value(value.node, type)
    return site.apply(
        of_form(Form.USABLE), [value.node], type, {"paths": tuple(path for path, _ in kept)}
    )


def _unreadable(tree: TreeType, integers: bool) -> Unread | None:
    """Return the first leaf that may not be passed over where a tree is read; None if all may."""
    counted = ("object", "float", "int") if integers else ("object", "float")
    wrong = (leaf for _, leaf in tree.unread if not tree.leaves or leaf.counts in counted)
    return next(wrong, None)


def unreadable(leaf: Unread, span: Span | None) -> Diagnostic:
    """Return the finding that a leaf is selected which no loss can read."""
    if leaf.dtype:
        message = f"`{leaf.name}` is {leaf.what}, which is no dtype of the language"
        help = 'convert it with `astype`, or select other leaves, such as `params["kernel"]`'
        return at("LD219", message, span, help=help)
    tree = leaf.name.partition("/")[0]
    help = leaf.help or f"pass the arrays only, such as `eqx.filter({tree}, eqx.is_array)`"
    what = leaf.what if leaf.help else f"{leaf.what}, not an array"
    return at("LD213", f"`{leaf.name}` is {what}", span, help=help)


def as_read(site: Site, value: Value) -> Value:
    """Return a value as an operation reads it: of an input's tree the usable leaves.

    A computed tree is made of usable leaves already, and may hold counts or truth values.
    """
    if isinstance(value.type, TreeType) and is_selection_of_input(value.node):
        return usable(site, value)
    return value
