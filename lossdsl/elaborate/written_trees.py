"""Trees that are written down: `{kernel: 1, "head/**": 0.1}`, and weights by such names."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.core.leaves import selected_at
from lossdsl.elaborate import expressions, selections
from lossdsl.elaborate.context import Context, Scope, Site
from lossdsl.elaborate.usable_leaves import as_tree, cast_to
from lossdsl.infer.arguments import Value
from lossdsl.library.declare import of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.selectors import Problem, Selector, parse_selector
from lossdsl.syntax import ast
from lossdsl.types.types import (
    LITERAL,
    UNKNOWN,
    ArrayType,
    Path,
    RecordType,
    TreeType,
    Type,
    array,
    kind,
)


def tree_of(scope: Scope, expr: ast.Record) -> Value:
    """Return the tree of what is written, each leaf under its name, in the order of JAX."""
    branches: list[tuple[Path, Value]] = []
    given: set[Path] = set()
    for entry in expr.entries:
        path = tuple(entry.name.split("/"))
        value = _as_array(scope.context, expressions.elaborate(scope, entry.value))
        if isinstance(value.type, RecordType):
            value = as_tree(scope, value)
        paths = {path, *(leaf for leaf, _ in _leaves(path, value.type) or ())}
        if twice := sorted(given & paths):
            message = f"`{'/'.join(twice[0])}` is given twice"
            scope.at(entry.name_span).error("LD104", message, help="keep one of the two")
            continue
        given |= paths
        branches.append((path, value))
    if any(_leaves(path, value.type) is None for path, value in branches):
        names = {"paths": tuple(path for path, _ in branches)}
        nodes = [value.node for _, value in branches]
        form = of_form(Form.BRANCHES)
        return scope.at(expr.span).undecided(form, nodes, UNKNOWN, names)
    within = any(path[:end] in dict(branches) for path, _ in branches for end in range(len(path)))
    # A record has its fields in the order in which they are declared.
    if within or not all(_is_sorted(value.type) for _, value in branches):
        branches = [leaf for branch in branches for leaf in _single(scope.context, *branch)]
    branches.sort(key=lambda branch: _order(branch[0]))
    leaves = [leaf for path, value in branches for leaf in _leaves(path, value.type) or ()]
    type = TreeType(None, tuple(leaves))
    paths = {"paths": tuple(path for path, _ in leaves)}
    nodes = [value.node for _, value in branches]
    return scope.at(expr.span).apply(of_form(Form.BRANCHES), nodes, type, paths)


def _leaves(path: Path, type: Type) -> list[tuple[Path, ArrayType]] | None:
    """Return the leaves of what is written under a path; None where they are not known yet."""
    match type:
        case ArrayType():
            return [(path, type)]
        case TreeType(leaves=below) if below is not None:
            return [((*path, *rest), leaf) for rest, leaf in below]
        case _:
            return None


def _is_sorted(type: Type) -> bool:
    paths = [path for path, _ in _leaves((), type) or ()]
    return paths == sorted(paths, key=_order)


def _single(context: Context, path: Path, value: Value) -> list[tuple[Path, Value]]:
    """Take a branch apart, as leaves of another one stand between its own."""
    if not isinstance(value.type, TreeType):
        return [(path, value)]
    return [
        ((*path, *rest), Value(context.graph.leaves(value.node, Selector(exact=rest), leaf), leaf))
        for rest, leaf in value.type.leaves or ()
    ]


def _order(path: Path) -> list[tuple[bool, int, str]]:
    """Return what JAX sorts by: the keys of a dict, and the positions of a sequence."""
    return [
        (False, int(segment), "") if segment.isdecimal() else (True, 0, segment) for segment in path
    ]


def _as_array(context: Context, value: Value) -> Value:
    """Return a number that is written down as an array: a leaf has a dtype."""
    type = value.type
    if not isinstance(type, ArrayType) or type.strength != LITERAL:
        return value
    dtype = "bool" if kind(type.dtype) == "bool" else context.default_float
    result = array(dtype, type.dims)
    return cast_to(context, value, result)


def by_name(
    site: Site, value: Value, tree: TreeType, option: str
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
        positions = _named(site, name, tree)
        if positions is None:
            return None
        for at in positions:
            if at in chosen:
                both = f"`{'/'.join(chosen[at])}` and `{'/'.join(name)}`"
                message = f"{both} both give `{option}` to the leaf `{'/'.join(paths[at])}`"
                help = 'exclude it from one of them, such as `"kernel !head/**"`'
                site.error("LD205", message, help=help)
                return None
            chosen[at] = name
    missing = [path for at, path in enumerate(paths) if at not in chosen]
    if missing:
        shown = ", ".join(f"`{'/'.join(path)}`" for path in missing[:3])
        help = 'name it, or all that is left: `"** !bias": 1`'
        site.error("LD205", f"`{option}` has no name for {shown}", help=help)
        return None
    given = dict(type.leaves)
    return paths, [
        selections.exact(site, value, chosen[at], given[chosen[at]]) for at in range(len(paths))
    ]


def _named(site: Site, name: Path, tree: TreeType) -> Sequence[int] | None:
    """Return the positions of the leaves that a name selects, or that lie below what it does."""
    assert tree.leaves is not None
    text = "/".join(name)
    selector = parse_selector(text, site.context.limits)
    if isinstance(selector, Problem):
        site.error("LD307", selector.message, help=selector.help)
        return None
    positions = selected_at(selector.with_below(), tree.leaves)
    if not positions:
        selections.no_match(site, selector, tree, f"`{text}`")
        return None
    return positions
