"""Constraints: comparisons that are not evaluated but priced, projected onto and reported.

In a constraint position the subject is a selector into the tree and the other sides are
expressions; a bare constraint (`penalty`) has expressions on both sides.
"""

from __future__ import annotations

from dataclasses import replace

from lossdsl.elaborate import expressions, primitives, selections
from lossdsl.elaborate.apply_elementwise import apply_elementwise
from lossdsl.elaborate.bounds import SIDES, has_shape_of_leaf, hold_apart
from lossdsl.elaborate.context import Call, Context, Limit, Scope, Site
from lossdsl.elaborate.usable_leaves import as_tree, cast_to, usable
from lossdsl.infer.arguments import Static, Value, Written
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.selectors import Selector
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import (
    ArrayType,
    Path,
    TreeType,
    UnknownType,
    array,
    arrays_of,
    kind,
)

MIRRORED = {">=": "<=", ">": "<", "<=": ">=", "<": ">", "==": "=="}


def apply(call: Call) -> Value:
    """Return the cost of the constraints of one call."""
    tree = _tree(call)
    law = of_form(Form.LIMIT)
    own, options = _options(call, law)
    scales = _scales(call)
    limits: list[Limit] = []
    for parameter in call.signature.parameters:
        for expr in call.bound.constraints.get(parameter.name, ()):
            limits += _limits(call.scope, expr, tree)
    if not limits:
        if not any(call.bound.constraints.values()):
            call.error(
                "LD104",
                f"`{call.function.name}` needs a constraint",
                help=f"such as `{call.function.name}(params, tau >= 0.01)`"
                if tree is not None
                else "such as `penalty(mean(out) <= 0.2)`",
            )
        return call.scope.unknown()
    hold_apart(call.scope, limits)
    costs = [_cost(call.scope, law, limit, scales, options) for limit in limits]
    type = array(_dtype(call.context, costs), ())
    node = call.graph.apply(call.function, [cost.node for cost in costs], type, own)
    call.context.constraints[node] = limits
    return call.value(node, type)


def _tree(call: Call) -> tuple[Value, Span] | None:
    """Return the tree that the subjects select from; None for a bare constraint."""
    for parameter in call.signature.parameters:
        entry = call.bound.values.get(parameter.name)
        if isinstance(parameter.type, ast.TreeTypeExpr) and entry is not None:
            value, span = entry
            assert isinstance(value, Value)
            whole = as_tree(call.scope, value)
            return usable(call.at(span), whole, integers=True, reads=False), span
    return None


def _options(call: Call, law: Builtin) -> tuple[dict[str, object], dict[str, object]]:
    """Return the choices that a call makes: the function's own, and those that its law takes."""
    taken = {parameter.name for parameter in law.signatures[0].parameters}
    own: dict[str, object] = {}
    options: dict[str, object] = {}
    for parameter in call.signature.parameters:
        if isinstance(parameter.type, ast.ChoiceTypeExpr):
            value, _ = primitives.given(call, parameter)
            chosen = options if parameter.name in taken else own
            chosen[parameter.name] = value.value if isinstance(value, Static) else None
    return own, options


def _scales(call: Call) -> list[tuple[Value, Span]]:
    """Return the numbers of a call, which the law takes after the subject and its bound."""
    numbers = [
        parameter
        for parameter in call.signature.parameters
        if isinstance(parameter.type, ast.ArrayTypeExpr)
    ]
    given = [primitives.given(call, parameter) for parameter in numbers]
    return [(value, span) for value, span in given if isinstance(value, Value)]


def _limits(scope: Scope, expr: Written, tree: tuple[Value, Span] | None) -> list[Limit]:
    if not isinstance(expr, ast.Comparison):
        what = (
            "`and`; write several constraints" if isinstance(expr, ast.Logical) else "no comparison"
        )
        scope.at(expr.span).error(
            "LD305",
            f"a constraint is a comparison; this has {what}",
            help="such as `tau >= 0.01` or `0.01 <= tau <= 0.1`",
        )
        return []
    for link in expr.rest:
        if link.operator not in SIDES:
            scope.at(link.operator_span).error(
                "LD305",
                f"`{link.operator}` is no constraint",
                help="constraints are `>=`, `>`, `<=`, `<` and `==`",
            )
            return []
    sides = [expr.first, *(link.value for link in expr.rest)]
    operators = [link.operator for link in expr.rest]
    if len(sides) > 3:
        scope.at(expr.span).error("LD305", "a constraint has at most two bounds")
        return []
    at = _subject_at(scope, sides, tree is not None)
    if at is None:
        return []
    subject = (
        expressions.elaborate(scope, sides[at]) if tree is None else _select(scope, sides[at], tree)
    )
    if isinstance(subject.type, UnknownType) and tree is not None and tree[0].type != subject.type:
        return []
    limits: list[Limit] = []
    for place, symbol in enumerate(operators):
        other = sides[place + 1] if place == at else sides[place]
        pointed = symbol if place == at else MIRRORED[symbol]
        value = expressions.elaborate(scope, other)
        limits.append(Limit(subject, sides[at].span, pointed, symbol, value, other.span))
    return limits


def _subject_at(scope: Scope, sides: list[ast.Expr], selects: bool) -> int | None:
    """Return which side is the subject: the middle of three, else the side shaped like one."""
    if len(sides) == 3:
        return 1
    if not selects:
        return 0
    left, right = _is_selector(sides[0]), _is_selector(sides[1])
    if left and right and isinstance(sides[0], ast.Name) and sides[0].id in scope.values:
        scope.at(sides[0].span).error(
            "LD305",
            f"is `{sides[0].id}` the input or a leaf of the tree?",
            help=f'write a leaf in quotes, `"{sides[0].id}"`, or put it first: '
            f"`{sides[1].span.text} … {sides[0].id}`",
        )
        return None
    if left or right:
        return 0 if left else 1
    scope.at(sides[0].span).error(
        "LD305",
        "a constraint bounds a parameter, not a function of parameters",
        help="`penalty(…)` takes constraints between expressions",
    )
    return None


def _is_selector(expr: ast.Expr) -> bool:
    match expr:
        case ast.Name() | ast.Text():
            return True
        case ast.Attribute(value):
            return _is_selector(value)
        case ast.Index(value, (position,)):
            return _position(position) is not None and _is_selector(value)
        case _:
            return False


def _select(scope: Scope, expr: ast.Expr, tree: tuple[Value, Span]) -> Value:
    subject = _selected(scope, expr, tree[0])
    return usable(scope.at(expr.span), subject, integers=True)


def _selected(scope: Scope, expr: ast.Expr, base: Value) -> Value:
    if isinstance(expr, (ast.Name, ast.Text)):
        text = expr.id if isinstance(expr, ast.Name) else expr.value
        selector = selections.selector_of(scope.at(expr.span), text, ())
        if selector is None:
            return scope.unknown()
        return selections.selected(scope.at(expr.span), base, selector)
    path = _path(expr)
    if path is None:
        return scope.at(expr.span).error("LD305", "the subject of a constraint is a selector")
    selector = Selector(exact=path)
    return selections.selected(scope.at(expr.span), base, selector)


def _path(expr: ast.Expr) -> Path | None:
    match expr:
        case ast.Name(name):
            return (name,)
        case ast.Attribute(value, name):
            before = _path(value)
            return None if before is None else (*before, name)
        case ast.Index(value, (position,)):
            before, at = _path(value), _position(position)
            return None if before is None or at is None else (*before, str(at))
        case _:
            return None


def _position(item: ast.Expr | ast.Slice | ast.Dots) -> int | None:
    """Return a literal position in a sequence, counted from either end."""
    match item:
        case ast.Literal(int() as at) if not isinstance(at, bool):
            return at
        case ast.Unary("-", ast.Literal(int() as at)) if not isinstance(at, bool):
            return -at
        case _:
            return None


def _cost(
    scope: Scope,
    law: Builtin,
    limit: Limit,
    scales: list[tuple[Value, Span]],
    options: dict[str, object],
) -> Value:
    """Return the elementwise cost of one side."""
    if not has_shape_of_leaf(scope, limit):
        return scope.unknown()
    side, strict = SIDES[limit.operator]
    operands = [
        (_floating(scope.at(limit.subject_span), limit.subject), limit.subject_span),
        (limit.bound, limit.bound_span),
        *scales,
    ]
    static = {**options, "side": side, "strict": strict}
    return apply_elementwise(
        scope.at(limit.subject_span), law, operands, static, True, limit.written
    )


def _floating(site: Site, value: Value) -> Value:
    """Return integer leaves as floats, which the laws compute in."""
    match value.type:
        case TreeType(leaves=leaves) if leaves is not None and any(
            kind(leaf.dtype) != "float" for _, leaf in leaves
        ):
            dtypes = tuple(
                leaf.dtype if kind(leaf.dtype) == "float" else site.context.default_float
                for _, leaf in leaves
            )
            kept = tuple(
                (path, replace(leaf, dtype=dtype))
                for (path, leaf), dtype in zip(leaves, dtypes, strict=True)
            )
            type = replace(value.type, leaves=kept)
            return cast_to(site.context, value, type)
        case ArrayType(dtype=dtype) if kind(dtype) == "int":
            return primitives.convert(site, value, site.context.default_float)
        case _:
            return value


def _dtype(context: Context, costs: list[Value]) -> str:
    dtypes = {type.dtype for cost in costs for type in arrays_of(cost.type)}
    if "f64" in dtypes:
        return "f64"
    return "f32" if dtypes & {"f16", "bf16", "f32"} else context.default_float
