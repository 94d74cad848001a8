"""`map(f, tree, …)`: a function applied to each leaf, or to each subtree that a pattern names."""

from __future__ import annotations

from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.elaborate import calls, expressions, selections
from lossdsl.elaborate.binding import function_named
from lossdsl.elaborate.context import Context, Scope
from lossdsl.elaborate.usable_leaves import as_tree, usable
from lossdsl.infer.arguments import Value
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.forms import Form
from lossdsl.selectors import Problem, parse_selector, select
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import UNKNOWN, ArrayType, Path, TreeType


def is_map(function: Builtin) -> bool:
    """Say whether a function is the form that maps another over a tree."""
    return function.form is Form.MAP


def map_leaves(context: Context, scope: Scope, expr: ast.Call) -> Value:
    """Apply a function to the leaves of a tree; further trees are zipped by path."""
    if len(expr.arguments) < 2:
        return context.error(
            scope,
            "LD104",
            "`map` needs a function and a tree",
            expr.span,
            help="such as `map(huber, params)`",
        )
    function = function_named(scope, expr.arguments[0], 1)
    values = [
        (expressions.elaborate(context, scope, argument), argument.span)
        for argument in expr.arguments[1:]
    ]
    keywords = tuple(keyword for keyword in expr.keywords if keyword.name != "at")
    pattern = next((keyword.value for keyword in expr.keywords if keyword.name == "at"), None)
    if isinstance(function, Diagnostic):
        return context.report(function, scope)
    first, span = values[0]
    first = usable(context, scope, as_tree(context, scope, first), span)
    if not isinstance(first.type, TreeType) or first.type.leaves is None:
        nodes = [value.node for value, _ in values]
        at = {} if pattern is None else {"at": pattern.span.text}
        given = {"f": function.function.name, **at}
        node = context.graph.apply(of_form(Form.MAP), nodes, UNKNOWN, given, undecided=True)
        return context.value(node, UNKNOWN, expr.span, scope)
    places = _places(context, scope, first.type, pattern)
    if places is None:
        return context.unknown()
    results: list[tuple[Path, Value]] = []
    for path in places:
        operands = [
            (_at(context, scope, value, path, span), span)
            for value, span in [(first, span), *values[1:]]
        ]
        result = calls.apply_given(context, scope, function, operands, expr.span, keywords)
        results.append((path, result))
    return _joined(context, scope, results, expr.span)


def _places(
    context: Context, scope: Scope, tree: TreeType, pattern: ast.Expr | None
) -> list[Path] | None:
    """Return the paths at which the function is applied."""
    paths = [path for path, _ in tree.leaves or ()]
    if pattern is None:
        return paths
    if not isinstance(pattern, ast.Text):
        context.error(scope, "LD307", "`at=` is a quoted selector", pattern.span)
        return None
    selector = parse_selector(pattern.value, context.limits)
    if isinstance(selector, Problem):
        context.error(scope, "LD307", selector.message, pattern.span, help=selector.help)
        return None
    prefixes = list(dict.fromkeys(path[:end] for path in paths for end in range(1, len(path) + 1)))
    chosen = [
        prefixes[at]
        for at in select(selector, prefixes, [0] * len(prefixes), ["any"] * len(prefixes))
    ]
    outer = [
        path
        for path in chosen
        if not any(path[: len(other)] == other for other in chosen if other != path)
    ]
    if not outer:
        selections.no_match(context, scope, selector, tree, pattern.span, f"`{pattern.value}`")
        return None
    return outer


def _at(context: Context, scope: Scope, value: Value, path: Path, span: Span) -> Value:
    """Return what an operand holds at a path; an array is for every leaf."""
    match value.type:
        case ArrayType():
            return value
        case TreeType(leaves=leaves) if leaves is not None and path:
            return selections.exact(context, scope, value, path, None, span)
        case TreeType(leaves=((_, leaf),)):
            return selections.exact(context, scope, value, (), leaf, span)
        case TreeType(leaves=leaves) if leaves is not None:
            return context.error(
                scope,
                "LD205",
                f"`map` goes over one array; this tree has {len(leaves)} leaves",
                span,
                help="map over the tree; an array beside it is for every leaf",
            )
        case _:
            return context.unknown()


def _joined(context: Context, scope: Scope, results: list[tuple[Path, Value]], span: Span) -> Value:
    """Return one tree of the results, each under the path it was computed for."""
    leaves: list[tuple[Path, ArrayType]] = []
    for path, value in results:
        match value.type:
            case ArrayType() as type:
                leaves.append((path, type))
            case TreeType(leaves=below) if below is not None:
                leaves += [((*path, *rest), type) for rest, type in below]
            case _:
                return context.unknown()
    tree = TreeType(None, tuple(leaves))
    nodes = [value.node for _, value in results]
    paths = tuple(path for path, _ in leaves)
    node = context.graph.apply(of_form(Form.BRANCHES), nodes, tree, {"paths": paths})
    return context.value(node, tree, span, scope)
