"""Trees that are written down: `{kernel: 1, "head/**": 0.1}`, and weights by such names."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.check import expressions, trees
from lossdsl.check.context import Context, Scope, Value
from lossdsl.check.core import Node
from lossdsl.check.leaves import record_tree
from lossdsl.library.declare import of_form
from lossdsl.library.forms import Form
from lossdsl.selectors import Problem, parse_selector
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import (
    LITERAL,
    UNKNOWN,
    ArrayType,
    Path,
    RecordType,
    TreeType,
    array,
    kind,
)


def tree_of(context: Context, scope: Scope, expr: ast.Record) -> Value:
    """Return the tree of what is written, each leaf under its name."""
    given: set[str] = set()
    leaves: list[tuple[Path, ArrayType]] = []
    nodes: list[Node] = []
    known = True
    for entry in expr.entries:
        if entry.name in given:
            message = f"`{entry.name}` is given twice"
            context.error(scope, "LD104", message, entry.name_span, help="keep one of the two")
        given.add(entry.name)
        value = _as_array(context, expressions.elaborate(context, scope, entry.value))
        path = tuple(entry.name.split("/"))
        type = record_tree(value.type) if isinstance(value.type, RecordType) else value.type
        nodes.append(value.node)
        match type:
            case ArrayType():
                leaves.append((path, type))
            case TreeType(leaves=below) if below is not None:
                leaves += [((*path, *rest), leaf) for rest, leaf in below]
            case _:
                known = False
    if not known:
        text = {"at": expr.span.text}
        node = context.graph.apply(of_form(Form.UNRESOLVED), nodes, UNKNOWN, text)
        return context.value(node, UNKNOWN, expr.span, scope)
    type = TreeType(None, tuple(leaves))
    paths = {"paths": tuple(path for path, _ in leaves)}
    node = context.graph.apply(of_form(Form.BRANCHES), nodes, type, paths)
    return context.value(node, type, expr.span, scope)


def _as_array(context: Context, value: Value) -> Value:
    """Return a number that is written down as an array: a leaf has a dtype."""
    type = value.type
    if not isinstance(type, ArrayType) or type.strength != LITERAL:
        return value
    dtype = "bool" if kind(type.dtype) == "bool" else context.default_float
    result = array(dtype, type.dims)
    node = context.graph.apply(of_form(Form.CAST), [value.node], result, {"dtype": dtype})
    return Value(node, result)


def by_name(
    context: Context,
    scope: Scope,
    value: Value,
    tree: TreeType,
    span: Span,
    option: str,
) -> tuple[list[Path], list[Value]] | None:
    """Return for each leaf of a tree what a smaller tree of numbers has under its name.

    A name selects as in brackets, and what lies below it. None after a diagnostic.
    """
    type = value.type
    assert isinstance(type, TreeType)
    assert type.leaves is not None
    assert tree.leaves is not None
    paths = [path for path, _ in tree.leaves]
    chosen: dict[int, Path] = {}
    for name, _ in type.leaves:
        found = _named(context, scope, name, tree, span)
        if found is None:
            return None
        for at in found:
            if at in chosen:
                both = f"`{'/'.join(chosen[at])}` and `{'/'.join(name)}`"
                message = f"{both} both give `{option}` to the leaf `{'/'.join(paths[at])}`"
                help = 'exclude it from one of them, such as `"kernel !head/**"`'
                context.error(scope, "LD205", message, span, help=help)
                return None
            chosen[at] = name
    missing = [path for at, path in enumerate(paths) if at not in chosen]
    if missing:
        shown = ", ".join(f"`{'/'.join(path)}`" for path in missing[:3])
        help = 'name it, or all that is left: `"** !bias": 1`'
        context.error(scope, "LD205", f"`{option}` has no name for {shown}", span, help=help)
        return None
    given = dict(type.leaves)
    return paths, [
        trees.exact(context, scope, value, chosen[at], given[chosen[at]], span)
        for at in range(len(paths))
    ]


def _named(
    context: Context, scope: Scope, name: Path, tree: TreeType, span: Span
) -> Sequence[int] | None:
    """Return the positions of the leaves that a name selects, or that lie below what it does."""
    assert tree.leaves is not None
    text = "/".join(name)
    found: set[int] = set()
    for pattern in (text, f"{text}/**"):
        selector = parse_selector(pattern, context.limits)
        if isinstance(selector, Problem):
            if pattern == text:
                context.error(scope, "LD307", selector.message, span, help=selector.help)
                return None
            continue
        found |= set(trees.selected_at(selector, tree.leaves))
    if not found:
        selector = parse_selector(text, context.limits)
        assert not isinstance(selector, Problem)
        trees.no_match(context, scope, selector, tree, span, f"`{text}`")
        return None
    return sorted(found)
