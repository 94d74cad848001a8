"""Selections of trees: fields of records, exact paths, selectors, and usable leaves."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.core.graph import Leaves
from lossdsl.core.leaves import record_tree, selected_at
from lossdsl.elaborate import expressions
from lossdsl.elaborate.context import Context, Scope
from lossdsl.elaborate.usable_leaves import as_tree, unreadable
from lossdsl.infer.arguments import Value
from lossdsl.library.suggest import did_you_mean
from lossdsl.selectors import Problem, Selector, close, parse_selector, relative, select
from lossdsl.selectors.printed import BOX_FIELDS, printed_paths
from lossdsl.source import Span
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
from lossdsl.types.unread import Unread


def attribute(context: Context, scope: Scope, expr: ast.Attribute) -> Value:
    """Return a field of a record or what lies at a path of a tree."""
    base = expressions.elaborate(context, scope, expr.value)
    return step(context, scope, base, expr.name, expr.span)


def step(context: Context, scope: Scope, base: Value, name: str, span: Span) -> Value:
    """Go one segment down: a record's field, or one exact path of a tree."""
    match base.type:
        case RecordType(fields):
            field_type = dict(fields).get(name)
            if field_type is None:
                return context.error(
                    scope,
                    "LD217",
                    f"the record has no field `{name}`",
                    span,
                    help=did_you_mean(name, dict(fields))
                    or f"its fields: {', '.join(f'`{field}`' for field, _ in fields)}",
                )
            return exact(context, scope, base, (name,), field_type, span)
        case TreeType():
            return exact(context, scope, base, (name,), None, span)
        case UnknownType():
            return exact(context, scope, base, (name,), UNKNOWN, span)
        case ArrayType():
            return context.error(
                scope,
                "LD217",
                f"an array has no `.{name}`",
                span,
                str(base.type),
                help=f"a function is written in front: `{name}(…)`"
                if name in scope.functions
                else "the value of a box is the leaf itself; leave it out"
                if name in BOX_FIELDS
                else None,
            )


def exact(
    context: Context, scope: Scope, base: Value, segments: Path, field: Type | None, span: Span
) -> Value:
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
                return context.report(unreadable(wrong[0][1], span), scope)
            if not positions:
                return no_match(context, scope, local, base.type, span, f"`{span.text}`")
            chosen = _selected_type(local, base.type, positions)
            match chosen.leaves:
                case (((), leaf),):
                    type = leaf
                case _:
                    type = chosen
    return context.value(context.graph.leaves(node, selector, type), type, span, scope)


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


def no_match(
    context: Context, scope: Scope, selector: Selector, tree: TreeType, span: Span, shown: str
) -> Value:
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
    return context.error(
        scope,
        "LD301",
        f"selector {shown} matches no leaf",
        span,
        f"0 of {len(paths)} leaves",
        help=help,
    )


def selected(context: Context, scope: Scope, base: Value, selector: Selector, span: Span) -> Value:
    """Select leaves of a tree by a pattern."""
    if isinstance(base.type, RecordType):
        base = Value(base.node, record_tree(base.type))
    if isinstance(base.type, UnknownType):
        base = Value(base.node, TreeType())
    if isinstance(base.type, ArrayType):
        base = as_tree(context, scope, base)
    assert isinstance(base.type, TreeType)
    if base.type.leaves is None:
        type = TreeType(base.type.leaf, None, base.type.role)
    else:
        positions = selected_at(selector, base.type.leaves)
        if not positions and not selector.optional:
            wrong = _unread(selector, base.type)
            if wrong:
                return context.report(unreadable(wrong[0][1], span), scope)
            return no_match(context, scope, selector, base.type, span, f"`{selector.pattern_text}`")
        type = _selected_type(selector, base.type, positions)
        if not positions:
            type = replace(type, unread=tuple(entry for entry in type.unread if entry[1].counts))
    return context.value(context.graph.leaves(base.node, selector, type), type, span, scope)


def selector_of(
    context: Context,
    scope: Scope,
    text: str,
    keywords: tuple[ast.Keyword, ...],
    span: Span,
    filters: tuple[ast.Comparison, ...] = (),
) -> Selector | None:
    """Return the selector of a quoted text with its filters; None after a diagnostic."""
    selector = parse_selector(text, context.limits)
    if isinstance(selector, Problem):
        code = "LD606" if selector.limit else "LD307"
        path = next(printed_paths(text), None) if text[:1] in "([" else None
        help = selector.help if path is None else f'a path is written with slashes: `"{path}"`'
        context.error(scope, code, selector.message, span, help=help)
        return None
    for test in filters:
        match test:
            case ast.Comparison(ast.Name("ndim"), (ast.Link(symbol, ast.Literal(int() as rank)),)):
                selector = replace(selector, ndim=_ranks(selector, symbol, rank))
            case _:
                return _bad_filter(context, scope, test.span)
    given = [keyword.name for keyword in keywords]
    for at, keyword in enumerate(keywords):
        if keyword.name in given[:at] and keyword.name != "ndim":
            message = f"the filter `{keyword.name}` is given twice"
            context.error(scope, "LD308", message, keyword.span, help="keep one of the two")
            return None
        match keyword.name, keyword.value:
            case "dtype", ast.Name(dtype) if dtype in (*DTYPES, *CLASSES):
                selector = replace(selector, dtype=dtype)
            case "ndim", ast.Literal(int() as rank):
                selector = replace(selector, ndim=_ranks(selector, "==", rank))
            case "optional", ast.Literal(bool() as optional):
                selector = replace(selector, optional=optional)
            case _:
                return _bad_filter(context, scope, keyword.span)
    return selector


def _ranks(selector: Selector, comparison: str, rank: int) -> tuple[tuple[str, int], ...]:
    """Return the comparisons of a selector with one more, in an order that equal ones share."""
    return tuple(sorted({*selector.ndim, (comparison, rank)}))


def _bad_filter(context: Context, scope: Scope, span: Span) -> None:
    context.error(
        scope,
        "LD308",
        "this is no filter of a selector",
        span,
        help="filters: `ndim >= 2`, `dtype=f32`, `optional=true`",
    )
