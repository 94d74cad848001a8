"""`map(f, tree, …)`: a function applied to each leaf, or to each subtree that a pattern names."""

from __future__ import annotations

from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.elaborate import calls, expressions, selections
from lossdsl.elaborate.binding import function_named
from lossdsl.elaborate.context import Scope, Site
from lossdsl.elaborate.usable_leaves import as_tree, usable
from lossdsl.infer.arguments import Value
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.selectors import Problem, parse_selector, select
from lossdsl.syntax import ast
from lossdsl.types.types import UNKNOWN, ArrayType, Path, TreeType


def is_map(function: Builtin) -> bool:
    """Say whether a function is the form that maps another over a tree."""
    return function.form is Form.MAP


def map_leaves(scope: Scope, expr: ast.Call) -> Value:
    """Apply a function to the leaves of a tree; further trees are zipped by path."""
    if len(expr.arguments) < 2:
        return scope.at(expr.span).error(
            "LD104", "`map` needs a function and a tree", help="such as `map(huber, params)`"
        )
    function = function_named(scope, expr.arguments[0], 1)
    values = [expressions.placed(scope, argument) for argument in expr.arguments[1:]]
    keywords = tuple(keyword for keyword in expr.keywords if keyword.name != "at")
    pattern = next((keyword.value for keyword in expr.keywords if keyword.name == "at"), None)
    if isinstance(function, Diagnostic):
        return scope.report(function)
    first, span = values[0]
    first = usable(scope.at(span), as_tree(scope, first))
    if not isinstance(first.type, TreeType) or first.type.leaves is None:
        nodes = [value.node for value, _ in values]
        at = {} if pattern is None else {"at": pattern.span.text}
        given = {"f": function.function.name, **at}
        return scope.at(expr.span).undecided(of_form(Form.MAP), nodes, UNKNOWN, given)
    places = _places(scope, first.type, pattern)
    if places is None:
        return scope.unknown()
    results: list[tuple[Path, Value]] = []
    trees = [(value, _leaves(value), span) for value, span in [(first, span), *values[1:]]]
    for path in places:
        operands = [
            (_at(scope.at(span), value, path, leaves.get(path)), span)
            for value, leaves, span in trees
        ]
        result = calls.apply_given(scope.at(expr.span), function, operands, keywords)
        results.append((path, result))
    return _joined(scope.at(expr.span), results)


def _places(scope: Scope, tree: TreeType, pattern: ast.Expr | None) -> list[Path] | None:
    """Return the paths at which the function is applied."""
    paths = [path for path, _ in tree.leaves or ()]
    if pattern is None:
        return paths
    if not isinstance(pattern, ast.Text):
        scope.at(pattern.span).error("LD307", "`at=` is a quoted selector")
        return None
    selector = parse_selector(pattern.value, scope.context.limits)
    if isinstance(selector, Problem):
        scope.at(pattern.span).error("LD307", selector.message, help=selector.help)
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
        selections.no_match(scope.at(pattern.span), selector, tree, f"`{pattern.value}`")
        return None
    return outer


def _leaves(value: Value) -> dict[Path, ArrayType]:
    """Return the leaves of an operand by path: to search for each among all takes their square."""
    return dict(value.type.leaves or ()) if isinstance(value.type, TreeType) else {}


def _at(site: Site, value: Value, path: Path, leaf: ArrayType | None) -> Value:
    """Return what an operand holds at a path, its leaf if one is there; an array is for every."""
    match value.type:
        case ArrayType():
            return value
        case TreeType(leaves=leaves) if leaves is not None and path:
            return selections.exact(site, value, path, leaf)
        case TreeType(leaves=((_, leaf),)):
            return selections.exact(site, value, (), leaf)
        case TreeType(leaves=leaves) if leaves is not None:
            return site.error(
                "LD205",
                f"`map` goes over one array; this tree has {len(leaves)} leaves",
                help="map over the tree; an array beside it is for every leaf",
            )
        case _:
            return site.scope.unknown()


def _joined(site: Site, results: list[tuple[Path, Value]]) -> Value:
    """Return one tree of the results, each under the path it was computed for."""
    leaves: list[tuple[Path, ArrayType]] = []
    for path, value in results:
        match value.type:
            case ArrayType() as type:
                leaves.append((path, type))
            case TreeType(leaves=below) if below is not None:
                leaves += [((*path, *rest), type) for rest, type in below]
            case _:
                return site.scope.unknown()
    tree = TreeType(None, tuple(leaves))
    nodes = [value.node for _, value in results]
    paths = tuple(path for path, _ in leaves)
    return site.apply(of_form(Form.BRANCHES), nodes, tree, {"paths": paths})
