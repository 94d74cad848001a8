"""Selections of trees: fields of records, exact paths, selectors, and usable leaves."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.core.graph import Leaves
from lossdsl.core.leaves import record_tree, selected_at
from lossdsl.elaborate import expressions
from lossdsl.elaborate.context import Scope, Site
from lossdsl.elaborate.usable_leaves import as_tree, unreadable
from lossdsl.infer.arguments import Value
from lossdsl.library.suggest import did_you_mean
from lossdsl.selectors import Problem, Selector, close, parse_selector, relative, select
from lossdsl.selectors.printed import BOX_FIELDS, printed_paths
from lossdsl.syntax import ast
from lossdsl.types.types import (
    CLASSES,
    DTYPES,
    UNKNOWN,
    ArrayType,
    Path,
    RecordType,
    TreeType,
    Type,
    UnknownType,
)
from lossdsl.types.unread_leaves import Unread


def attribute(scope: Scope, expr: ast.Attribute) -> Value:
    """Return a field of a record or what lies at a path of a tree."""
    base = expressions.elaborate(scope, expr.value)
    return step(scope.at(expr.span), base, expr.name)


def step(site: Site, base: Value, name: str) -> Value:
    """Go one segment down: a record's field, or one exact path of a tree."""
    match base.type:
        case RecordType(fields):
            field_type = dict(fields).get(name)
            if field_type is None:
                return site.error(
                    "LD217",
                    f"the record has no field `{name}`",
                    help=did_you_mean(name, dict(fields))
                    or f"its fields: {', '.join(f'`{field}`' for field, _ in fields)}",
                )
            return exact(site, base, (name,), field_type)
        case TreeType():
            return exact(site, base, (name,), None)
        case UnknownType():
            return exact(site, base, (name,), UNKNOWN)
        case ArrayType():
            return site.error(
                "LD217",
                f"an array has no `.{name}`",
                str(base.type),
                help=f"a function is written in front: `{name}(…)`"
                if name in site.scope.functions
                else "the value of a box is the leaf itself; leave it out"
                if name in BOX_FIELDS
                else None,
            )


def exact(site: Site, base: Value, segments: Path, field: Type | None) -> Value:
    """Select one exact path: an array where it ends at a leaf, else the tree below it."""
    node, path = base.node, segments
    above = node.selector.exact if isinstance(node, Leaves) else None
    if isinstance(node, Leaves) and above and node.selector == Selector(exact=above):
        node, path = node.tree, (*above, *segments)
    selector = Selector(exact=path)
    type = field
    if type is None:
        assert isinstance(base.type, TreeType)
        if base.type.leaves is None:
            type = TreeType(base.type.leaf, None, base.type.role)
            if base.type.leaf is None:
                type = UNKNOWN
        else:
            local = Selector(exact=segments)
            positions = selected_at(local, base.type.leaves)
            if not positions and (wrong := _unread(local, base.type)):
                return site.scope.report(unreadable(wrong[0][1], site.span))
            if not positions:
                return no_match(site, local, base.type, f"`{site.span.text}`")
            chosen = _selected_type(local, base.type, positions)
            match chosen.leaves:
                case (((), leaf),):
                    type = leaf
                case _:
                    type = chosen
    return site.value(site.graph.leaves(node, selector, type), type)


def _selected_type(selector: Selector, tree: TreeType, positions: tuple[int, ...]) -> TreeType:
    leaves = tree.leaves or ()
    paths = relative([leaves[at][0] for at in positions], selector)
    chosen = tuple((path, leaves[at][1]) for path, at in zip(paths, positions, strict=True))
    return TreeType(tree.leaf, chosen, tree.role, _unread(selector, tree))


def _unread(selector: Selector, tree: TreeType) -> tuple[tuple[Path, Unread], ...]:
    """Return the leaves that a selector picks though no loss can read them.

    One without a rank passes no comparison of ranks, and none has a dtype to ask for.
    """
    if not tree.unread or selector.dtype is not None:
        return ()
    known = [entry for entry in tree.unread if not selector.ndim or entry[1].rank is not None]
    ranks = [leaf.rank or 0 for _, leaf in known]
    positions = select(selector, [path for path, _ in known], ranks, [""] * len(known))
    paths = relative([known[at][0] for at in positions], selector)
    return tuple((path, known[at][1]) for path, at in zip(paths, positions, strict=True))


def no_match(site: Site, selector: Selector, tree: TreeType, shown: str) -> Value:
    """Report a selector that matches nothing, naming paths close to it."""
    paths = [path for path, _ in tree.leaves or ()]
    near = close(selector, paths)
    help = f"close: {', '.join(f'`{path}`' for path in near)}" if near else None
    subtree = selector.patterns[0][-1] if len(selector.patterns) == 1 else None
    if any(subtree in path[:-1] for path in paths):
        help = f'`{subtree}` is no leaf; `"{subtree}/**"` selects what is below it'
    written = "/".join(selector.exact or ()) or selector.pattern_text
    for path in printed_paths(written):
        plain = parse_selector(path)
        if isinstance(plain, Selector) and selected_at(plain, tree.leaves or ()):
            help = f'a path is written with slashes, and without the box of a value: `"{path}"`'
            break
    return site.error(
        "LD301", f"selector {shown} matches no leaf", f"0 of {len(paths)} leaves", help=help
    )


def selected(site: Site, base: Value, selector: Selector) -> Value:
    """Select leaves of a tree by a pattern."""
    if isinstance(base.type, RecordType):
        base = Value(base.node, record_tree(base.type))
    if isinstance(base.type, UnknownType):
        base = Value(base.node, TreeType())
    if isinstance(base.type, ArrayType):
        base = as_tree(site.scope, base)
    assert isinstance(base.type, TreeType)
    if base.type.leaves is None:
        type = TreeType(base.type.leaf, None, base.type.role)
    else:
        positions = selected_at(selector, base.type.leaves)
        if not positions and not selector.optional:
            wrong = _unread(selector, base.type)
            if wrong:
                return site.scope.report(unreadable(wrong[0][1], site.span))
            return no_match(site, selector, base.type, f"`{selector.pattern_text}`")
        type = _selected_type(selector, base.type, positions)
        if not positions:
            type = replace(type, unread=tuple(entry for entry in type.unread if entry[1].counts))
    return site.value(site.graph.leaves(base.node, selector, type), type)


def selector_of(
    site: Site,
    text: str,
    keywords: tuple[ast.Keyword, ...],
    filters: tuple[ast.Comparison, ...] = (),
) -> Selector | None:
    """Return the selector of a quoted text with its filters; None after a diagnostic."""
    selector = parse_selector(text, site.context.limits)
    if isinstance(selector, Problem):
        code = "LD606" if selector.limit else "LD307"
        path = next(printed_paths(text), None) if text[:1] in "([" else None
        help = selector.help if path is None else f'a path is written with slashes: `"{path}"`'
        site.error(code, selector.message, help=help)
        return None
    for test in filters:
        match test:
            case ast.Comparison(ast.Name("ndim"), (ast.Link(symbol, ast.Literal(int() as rank)),)):
                selector = replace(selector, ndim=_ranks(selector, symbol, rank))
            case _:
                return _bad_filter(site.at(test.span))
    given = [keyword.name for keyword in keywords]
    for at, keyword in enumerate(keywords):
        if keyword.name in given[:at] and keyword.name != "ndim":
            message = f"the filter `{keyword.name}` is given twice"
            site.at(keyword.span).error("LD308", message, help="keep one of the two")
            return None
        match keyword.name, keyword.value:
            case "dtype", ast.Name(dtype) if dtype in (*DTYPES, *CLASSES):
                selector = replace(selector, dtype=dtype)
            case "ndim", ast.Literal(int() as rank):
                selector = replace(selector, ndim=_ranks(selector, "==", rank))
            case "optional", ast.Literal(bool() as optional):
                selector = replace(selector, optional=optional)
            case _:
                return _bad_filter(site.at(keyword.span))
    return selector


def _ranks(selector: Selector, comparison: str, rank: int) -> tuple[tuple[str, int], ...]:
    """Return the comparisons of a selector with one more, in an order that equal ones share."""
    return tuple(sorted({*selector.ndim, (comparison, rank)}))


def _bad_filter(site: Site) -> None:
    site.error(
        "LD308",
        "this is no filter of a selector",
        help="filters: `ndim >= 2`, `dtype=f32`, `optional=true`",
    )
