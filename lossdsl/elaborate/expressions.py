"""From expressions to core: one case for each node of the AST."""

from __future__ import annotations

from typing import assert_never

from lossdsl.core.graph import Const
from lossdsl.diagnostics.diagnostic import Meant, has_errors
from lossdsl.elaborate import calls, indexing, selections, written_trees
from lossdsl.elaborate.apply_elementwise import apply_elementwise
from lossdsl.elaborate.constants import FOLDS, constant, dim_value, fold, is_size, literal, vector
from lossdsl.elaborate.context import Scope, Site
from lossdsl.infer.arguments import FunctionValue, Static, Value
from lossdsl.infer.statics import static_dim
from lossdsl.library.declare import of_operator
from lossdsl.library.suggest import did_you_mean
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import CONSTANTS
from lossdsl.types.types import (
    LITERAL,
    UNKNOWN,
    ArrayType,
    Dim,
    UnknownType,
    combine_dims,
    literal_dim,
)

_WITHOUT_PARTS = (ast.Literal, ast.Text, ast.Name)


def elaborate(scope: Scope, expr: ast.Expr) -> Value:
    """Return the value of an expression; a wrong one is reported and has no type."""
    return as_value(scope.at(expr.span), argument(scope, expr))


def placed(scope: Scope, expr: ast.Expr) -> tuple[Value, Span]:
    """Return the value of an expression, and where it stands."""
    return as_value(scope.at(expr.span), argument(scope, expr)), expr.span


def as_value(site: Site, evaluated: Value | Static | FunctionValue) -> Value:
    """Return what can be computed with; a function, a string, a shape or `none` is reported."""
    if isinstance(evaluated, Value):
        return evaluated
    if isinstance(evaluated, Static) and isinstance(evaluated.value, tuple):
        return vector(site, evaluated.value)
    if isinstance(evaluated, FunctionValue):
        message = f"`{evaluated.function.name}` is a function, not a value"
        return site.error("LD113", message)
    shown = "`none`" if evaluated.value is None else "a string"
    return site.error(
        "LD113",
        f"{shown} cannot be computed with",
        help='strings are for selectors, `params["kernel"]`, and options, `reduce="sum"`',
    )


def argument(scope: Scope, expr: ast.Expr) -> Value | Static | FunctionValue:
    """Return what an expression stands for, which may also be a string or `none`."""
    most = scope.context.limits.expansion
    if scope.depth > most:
        message = f"expressions nest more than {most} levels through definitions"
        return scope.at(expr.span).error("LD608", message, help="bind inner parts to names")
    if not isinstance(expr, _WITHOUT_PARTS):
        scope = scope.deeper()
    match expr:
        case ast.Literal(value, span):
            return Static(None) if value is None else literal(scope.at(span), value)
        case ast.Text(value):
            return Static(value)
        case ast.Name():
            return _name(scope, expr)
        case ast.Call():
            return calls.call(scope, expr)
        case ast.Tuple():
            return _tuple(scope, expr)
        case ast.Record():
            return written_trees.tree_of(scope, expr)
        case ast.Sum():
            return _sum(scope, expr)
        case ast.Product():
            return _product(scope, expr)
        case ast.Unary(symbol, operand, span):
            value = elaborate(scope, operand)
            return value if symbol == "+" else unary(scope.at(span), symbol, (value, operand.span))
        case ast.Power(base, exponent, span):
            return binary(scope.at(span), "**", placed(scope, base), placed(scope, exponent))
        case ast.Comparison():
            return _comparison(scope, expr)
        case ast.Logical():
            return _logical(scope, expr)
        case ast.Conditional():
            return _conditional(scope, expr)
        case ast.Index():
            return indexing.index(scope, expr)
        case ast.Attribute():
            return selections.attribute(scope, expr)
        case _:
            assert_never(expr)


def _product(scope: Scope, expr: ast.Product) -> Value:
    value, span = placed(scope, expr.first)
    for factor in expr.rest:
        right = placed(scope, factor.value)
        whole = span.to(factor.value.span)
        value = binary(scope.at(whole), factor.operator, (value, span), right)
        span = whole
    return value


def _name(scope: Scope, expr: ast.Name) -> Value | Static | FunctionValue:
    value = scope.values.get(expr.id)
    if value is not None:
        if isinstance(value, Value):
            return scope.at(expr.span).value(value.node, value.type)
        return value
    if expr.id in scope.dims:
        return _size(scope, expr)
    if expr.id in CONSTANTS:
        return constant(scope.at(expr.span), CONSTANTS[expr.id])
    if scope.context.free_names and not scope.calls:
        scope.context.inferred.setdefault(expr.id, "unknown")
        return scope.at(expr.span).value(scope.graph.input(expr.id, UNKNOWN), UNKNOWN)
    names = [name for name in (*scope.values, *scope.dims) if name.isidentifier()]
    help = did_you_mean(expr.id, [*names, *CONSTANTS])
    closed = scope.context.closed or bool(scope.calls)
    if closed:
        parameter = f"a definition reads its parameters only: make `{expr.id}` one of them"
        help = f"{help} {parameter}" if help else parameter
    elif help or names:
        known = ", ".join(f"`{name}`" for name in sorted(names)[:8])
        text = f"{help or f'known here: {known}'}; once one input is declared, all are"
        help = Meant.of(help.written, help.name, text) if isinstance(help, Meant) else text
    if expr.id in scope.functions:
        help = f"`{expr.id}` is a function: call it, `{expr.id}(…)`"
    return scope.at(expr.span).error(
        "LD103",
        f"unknown name `{expr.id}`",
        "not a parameter" if closed else "not an input, binding or dim",
        help=help,
    )


def _size(scope: Scope, expr: ast.Name) -> Value:
    """Return the size of a dim, which something has to show."""
    dim = scope.dims[expr.id]
    # Where types are not known something else is wrong, or not all inputs are passed.
    open_call = (
        scope.context.concrete and scope.graph.size(dim) is None and not scope.context.partial
    )
    if expr.id in scope.undetermined or (open_call and not has_errors(scope.context.diagnostics)):
        of = "a parameter" if scope.calls else "an input"
        return scope.at(expr.span).error(
            "LD224",
            f"nothing determines the size `{expr.id}`",
            help=f"give {of} a dim that is `{expr.id}` and nothing else",
        )
    return dim_value(scope.at(expr.span), dim)


def _tuple(scope: Scope, expr: ast.Tuple) -> Value | Static:
    items = [elaborate(scope, item) for item in expr.items]
    dims = [static_dim(item) for item in items]
    if None not in dims and any(map(is_size, items)):
        return Static(tuple(dim for dim in dims if dim is not None))
    numbers: list[int | float] = []
    sizes = frozenset[Dim]()
    for item, written in zip(items, expr.items, strict=True):
        match item.node:
            case Const(int() | float() as number, of) if not isinstance(item.type, UnknownType):
                numbers.append(number)
                sizes |= of
            case _:
                if isinstance(item.type, UnknownType):
                    return scope.unknown()
                return scope.at(written.span).error(
                    "LD113",
                    "a tuple holds numbers; this is computed",
                    str(item.type),
                    help="`stack(a, b)` makes an array of values",
                )
    dtype = "int" if all(isinstance(number, int) for number in numbers) else "float"
    type = ArrayType(dtype, (literal_dim(len(numbers)),), LITERAL)
    node = scope.graph.const(tuple(numbers), type, sizes)
    return scope.at(expr.span).value(node, type)


def _sum(scope: Scope, expr: ast.Sum) -> Value:
    first, *others = expr.addends
    total = elaborate(scope, first.value)
    if first.sign == "-":
        total = unary(scope.at(first.span), "neg", (total, first.value.span))
    before = first.span
    for addend in others:
        right = placed(scope, addend.value)
        whole = expr.span if addend is others[-1] else first.span.to(addend.span)
        total = binary(scope.at(whole), addend.sign, (total, before), right)
        before = first.span.to(addend.span)
    return total


def unary(site: Site, symbol: str, operand: tuple[Value, Span]) -> Value:
    """Apply a prefix operator."""
    value, _ = operand
    name = "neg" if symbol == "-" else symbol
    dim = static_dim(value)
    if name == "neg" and dim is not None and (dim.terms or dim.constant is None):
        return dim_value(site, combine_dims([(-1, dim)]))
    match value.node:
        case Const(int() | float() as number, sizes):
            if not isinstance(value.type, UnknownType) and (
                isinstance(number, bool) == (name == "not")
            ):
                return constant(site, FOLDS[name](number), sizes)
        case _:
            pass
    return apply_elementwise(site, of_operator(name), [operand])


def binary(site: Site, symbol: str, left: tuple[Value, Span], right: tuple[Value, Span]) -> Value:
    """Apply an operator between two values; two literals are folded."""
    folded = fold(site, symbol, left, right)
    if folded is not None:
        return folded
    function = of_operator(symbol)
    if not function.elementwise:
        return calls.apply_function(site, function, [left, right])
    return apply_elementwise(site, function, [left, right])


def _comparison(scope: Scope, expr: ast.Comparison) -> Value:
    result: Value | None = None
    left, left_span = argument(scope, expr.first), expr.first.span
    for link in expr.rest:
        right = argument(scope, link.value)
        whole = left_span.to(link.value.span)
        comparison = _compare(scope.at(whole), link, (left, left_span), right)
        result = (
            comparison
            if result is None
            else binary(scope.at(expr.span), "and", (result, expr.span), (comparison, whole))
        )
        left, left_span = right, link.value.span
    assert result is not None
    return result


def _compare(
    site: Site,
    link: ast.Link,
    left: tuple[Value | Static | FunctionValue, Span],
    right: Value | Static | FunctionValue,
) -> Value:
    a, b = left[0], right
    if isinstance(a, Value) and isinstance(b, Value):
        return binary(site, link.operator, (a, left[1]), (b, link.value.span))
    statics = [side for side in (a, b) if isinstance(side, Static)]
    options = next((static.options for static in statics if static.options), ())
    foreign = [
        static.value for static in statics if options and static.value not in (None, *options)
    ]
    if foreign:
        listed = " or ".join(f'"{option}"' for option in options)
        place = link.value.span if isinstance(b, Static) and not b.options else left[1]
        message = f'"{foreign[0]}" is never given: it is {listed}'
        return site.at(place).error("LD112", message)
    none = any(static.value is None for static in statics)
    if link.operator in ("==", "!=") and (none or (options and len(statics) == 2)):
        equal = len(statics) == 2 and statics[0].value == statics[1].value
        return constant(site, equal == (link.operator == "=="))
    return site.at(link.value.span if isinstance(b, Static) else left[1]).error(
        "LD113",
        "a string compares only with a parameter that is a choice",
        help='such as `kind: "a" | "b"` of a definition',
    )


def _logical(scope: Scope, expr: ast.Logical) -> Value:
    first, *others = expr.operands
    result = elaborate(scope, first)
    for operand in others:
        right = placed(scope, operand)
        result = binary(scope.at(expr.span), expr.operator, (result, first.span), right)
    return result


def _conditional(scope: Scope, expr: ast.Conditional) -> Value | Static | FunctionValue:
    condition = elaborate(scope, expr.condition)
    match condition.node:
        case Const(bool() as chosen) if not isinstance(condition.type, UnknownType):
            return argument(scope, expr.value if chosen else expr.otherwise)
        case _:
            pass
    branches = placed(scope, expr.value), placed(scope, expr.otherwise)
    parts = ((condition, expr.condition.span), *branches)
    return apply_elementwise(scope.at(expr.span), of_operator("if"), parts)
