"""From expressions to core: one case for each node of the AST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from lossdsl.core.graph import Const
from lossdsl.diagnostics.diagnostic import has_errors
from lossdsl.elaborate import calls, indexing, selections, written_trees
from lossdsl.elaborate.apply_elementwise import apply_elementwise
from lossdsl.elaborate.constants import FOLDS, constant, dim_value, fold, is_size, literal, vector
from lossdsl.elaborate.context import Context, Scope
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


def elaborate(context: Context, scope: Scope, expr: ast.Expr) -> Value:
    """Return the value of an expression; a wrong one is reported and has no type."""
    return as_value(context, scope, argument(context, scope, expr), expr.span)


def as_value(
    context: Context, scope: Scope, evaluated: Value | Static | FunctionValue, span: Span
) -> Value:
    """Return what can be computed with; a function, a string, a shape or `none` is reported."""
    if isinstance(evaluated, Value):
        return evaluated
    if isinstance(evaluated, Static) and isinstance(evaluated.value, tuple):
        return vector(context, scope, evaluated.value, span)
    if isinstance(evaluated, FunctionValue):
        message = f"`{evaluated.function.name}` is a function, not a value"
        return context.error(scope, "LD113", message, span)
    shown = "`none`" if evaluated.value is None else "a string"
    return context.error(
        scope,
        "LD113",
        f"{shown} cannot be computed with",
        span,
        help='strings are for selectors, `params["kernel"]`, and options, `reduce="sum"`',
    )


_LEAVES = (ast.Literal, ast.Text, ast.Name)


def argument(context: Context, scope: Scope, expr: ast.Expr) -> Value | Static | FunctionValue:
    """Return what an expression stands for, which may also be a string or `none`."""
    if scope.depth > context.limits.expansion:
        return context.error(
            scope,
            "LD608",
            f"expressions nest more than {context.limits.expansion} levels through definitions",
            expr.span,
            help="bind inner parts to names",
        )
    inner = scope if isinstance(expr, _LEAVES) else scope.deeper()
    match expr:
        case ast.Literal(value, span):
            return Static(None) if value is None else literal(context, scope, value, span)
        case ast.Text(value):
            return Static(value)
        case ast.Name():
            return _name(context, scope, expr)
        case ast.Call():
            return calls.call(context, inner, expr)
        case ast.Tuple():
            return _tuple(context, inner, expr)
        case ast.Record():
            return written_trees.tree_of(context, inner, expr)
        case ast.Sum(addends, span):
            return _sum(context, inner, addends, span)
        case ast.Product():
            return _product(context, inner, expr)
        case ast.Unary(symbol, operand, span):
            value = elaborate(context, inner, operand)
            if symbol == "+":
                return value
            return unary(context, scope, symbol, (value, operand.span), span)
        case ast.Power(base, exponent, span):
            left = elaborate(context, inner, base)
            right = elaborate(context, inner, exponent)
            return binary(context, scope, "**", (left, base.span), (right, exponent.span), span)
        case ast.Comparison():
            return _comparison(context, inner, expr)
        case ast.Logical(symbol, operands, span):
            return _logical(context, inner, symbol, operands, span)
        case ast.Conditional():
            return _conditional(context, inner, expr)
        case ast.Index():
            return indexing.index(context, inner, expr)
        case ast.Attribute():
            return selections.attribute(context, inner, expr)
        case _:
            assert_never(expr)


def _product(context: Context, scope: Scope, expr: ast.Product) -> Value:
    value, span = elaborate(context, scope, expr.first), expr.first.span
    for factor in expr.rest:
        right = (elaborate(context, scope, factor.value), factor.value.span)
        whole = span.to(factor.value.span)
        value = binary(context, scope, factor.operator, (value, span), right, whole)
        span = whole
    return value


def _name(context: Context, scope: Scope, expr: ast.Name) -> Value | Static | FunctionValue:
    value = scope.values.get(expr.id)
    if value is not None:
        if isinstance(value, Value):
            return context.value(value.node, value.type, expr.span, scope)
        return value
    if expr.id in scope.dims:
        return _size(context, scope, expr)
    if expr.id in CONSTANTS:
        return constant(context, scope, CONSTANTS[expr.id], expr.span)
    if context.free_names and not scope.calls:
        context.inferred.setdefault(expr.id, "unknown")
        return context.value(context.graph.input(expr.id, UNKNOWN), UNKNOWN, expr.span, scope)
    names = [name for name in (*scope.values, *scope.dims) if name.isidentifier()]
    help = did_you_mean(expr.id, [*names, *CONSTANTS])
    closed = context.closed or bool(scope.calls)
    if closed:
        parameter = f"a definition reads its parameters only: make `{expr.id}` one of them"
        help = f"{help} {parameter}" if help else parameter
    elif help or names:
        known = ", ".join(f"`{name}`" for name in sorted(names)[:8])
        help = f"{help or f'known here: {known}'}; once one input is declared, all are"
    if expr.id in scope.functions:
        help = f"`{expr.id}` is a function: call it, `{expr.id}(…)`"
    return context.error(
        scope,
        "LD103",
        f"unknown name `{expr.id}`",
        expr.span,
        "not a parameter" if closed else "not an input, binding or dim",
        help=help,
    )


def _size(context: Context, scope: Scope, expr: ast.Name) -> Value:
    """Return the size of a dim, which something has to show."""
    dim = scope.dims[expr.id]
    # Where types are not known something else is wrong, or not all inputs are passed.
    open_call = context.concrete and context.graph.size(dim) is None and not context.partial
    if expr.id in scope.undetermined or (open_call and not has_errors(context.diagnostics)):
        of = "a parameter" if scope.calls else "an input"
        return context.error(
            scope,
            "LD224",
            f"nothing determines the size `{expr.id}`",
            expr.span,
            help=f"give {of} a dim that is `{expr.id}` and nothing else",
        )
    return dim_value(context, scope, dim, expr.span)


def _tuple(context: Context, scope: Scope, expr: ast.Tuple) -> Value | Static:
    items = [elaborate(context, scope, item) for item in expr.items]
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
                    return context.unknown()
                return context.error(
                    scope,
                    "LD113",
                    "a tuple holds numbers; this is computed",
                    written.span,
                    str(item.type),
                    help="`stack(a, b)` makes an array of values",
                )
    dtype = "int" if all(isinstance(number, int) for number in numbers) else "float"
    type = ArrayType(dtype, (literal_dim(len(numbers)),), LITERAL)
    node = context.graph.const(tuple(numbers), type, sizes)
    return context.value(node, type, expr.span, scope)


def _sum(context: Context, scope: Scope, addends: Sequence[ast.Addend], span: Span) -> Value:
    first = addends[0]
    total = elaborate(context, scope, first.value)
    if first.sign == "-":
        total = unary(context, scope, "neg", (total, first.value.span), first.span)
    before = first.span
    for addend in addends[1:]:
        value = elaborate(context, scope, addend.value)
        whole = span if addend is addends[-1] else first.span.to(addend.span)
        total = binary(
            context, scope, addend.sign, (total, before), (value, addend.value.span), whole
        )
        before = first.span.to(addend.span)
    return total


def unary(
    context: Context, scope: Scope, symbol: str, operand: tuple[Value, Span], span: Span
) -> Value:
    """Apply a prefix operator."""
    value, _ = operand
    name = "neg" if symbol == "-" else symbol
    dim = static_dim(value)
    if name == "neg" and dim is not None and (dim.terms or dim.constant is None):
        return dim_value(context, scope, combine_dims([(-1, dim)]), span)
    match value.node:
        case Const(int() | float() as number, sizes):
            if not isinstance(value.type, UnknownType) and (
                isinstance(number, bool) == (name == "not")
            ):
                return constant(context, scope, FOLDS[name](number), span, sizes)
        case _:
            pass
    return apply_elementwise(context, scope, of_operator(name), [operand], span)


def binary(
    context: Context,
    scope: Scope,
    symbol: str,
    left: tuple[Value, Span],
    right: tuple[Value, Span],
    span: Span,
) -> Value:
    """Apply an operator between two values; two literals are folded."""
    folded = fold(context, scope, symbol, left, right, span)
    if folded is not None:
        return folded
    function = of_operator(symbol)
    if not function.elementwise:
        return calls.apply_function(context, scope, function, [left, right], span)
    return apply_elementwise(context, scope, function, [left, right], span)


def _comparison(context: Context, scope: Scope, expr: ast.Comparison) -> Value:
    result: Value | None = None
    left, left_span = argument(context, scope, expr.first), expr.first.span
    for link in expr.rest:
        right = argument(context, scope, link.value)
        whole = left_span.to(link.value.span)
        comparison = _compare(context, scope, link, (left, left_span), right, whole)
        result = (
            comparison
            if result is None
            else binary(context, scope, "and", (result, expr.span), (comparison, whole), expr.span)
        )
        left, left_span = right, link.value.span
    assert result is not None
    return result


def _compare(
    context: Context,
    scope: Scope,
    link: ast.Link,
    left: tuple[Value | Static | FunctionValue, Span],
    right: Value | Static | FunctionValue,
    span: Span,
) -> Value:
    a, b = left[0], right
    if isinstance(a, Value) and isinstance(b, Value):
        return binary(context, scope, link.operator, (a, left[1]), (b, link.value.span), span)
    statics = [side for side in (a, b) if isinstance(side, Static)]
    options = next((static.options for static in statics if static.options), ())
    foreign = [
        static.value for static in statics if options and static.value not in (None, *options)
    ]
    if foreign:
        listed = " or ".join(f'"{option}"' for option in options)
        place = link.value.span if isinstance(b, Static) and not b.options else left[1]
        message = f'"{foreign[0]}" is never given: it is {listed}'
        return context.error(scope, "LD112", message, place)
    none = any(static.value is None for static in statics)
    if link.operator in ("==", "!=") and (none or (options and len(statics) == 2)):
        equal = len(statics) == 2 and statics[0].value == statics[1].value
        return constant(context, scope, equal == (link.operator == "=="), span)
    return context.error(
        scope,
        "LD113",
        "a string compares only with a parameter that is a choice",
        link.value.span if isinstance(b, Static) else left[1],
        help='such as `kind: "a" | "b"` of a definition',
    )


def _logical(
    context: Context, scope: Scope, symbol: str, operands: Sequence[ast.Expr], span: Span
) -> Value:
    result = elaborate(context, scope, operands[0])
    for operand in operands[1:]:
        value = elaborate(context, scope, operand)
        result = binary(
            context, scope, symbol, (result, operands[0].span), (value, operand.span), span
        )
    return result


def _conditional(
    context: Context, scope: Scope, expr: ast.Conditional
) -> Value | Static | FunctionValue:
    condition = elaborate(context, scope, expr.condition)
    match condition.node:
        case Const(bool() as chosen) if not isinstance(condition.type, UnknownType):
            return argument(context, scope, expr.value if chosen else expr.otherwise)
        case _:
            pass
    parts = (
        (condition, expr.condition.span),
        (elaborate(context, scope, expr.value), expr.value.span),
        (elaborate(context, scope, expr.otherwise), expr.otherwise.span),
    )
    function = of_operator("if")
    return apply_elementwise(context, scope, function, parts, expr.span)
