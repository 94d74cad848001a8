"""Reductions and losses: the options of a call, held together and evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from lossdsl.check import expressions, masks
from lossdsl.check.axes import axis_argument
from lossdsl.check.constants import is_size
from lossdsl.check.context import Context, Scope
from lossdsl.check.leaves import as_read, as_tree, usable
from lossdsl.check.reduce import Options, reduce_value, unreduced
from lossdsl.core.graph import Const
from lossdsl.infer.arguments import Static, Value
from lossdsl.infer.bound import Bound
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.domains import Interval
from lossdsl.library.forms import Form
from lossdsl.library.suggest import did_you_mean
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, KEEPDIMS, NORMALIZE, REDUCE, WEIGHT, WHERE
from lossdsl.types.types import ArrayType, RecordType, Type, UnknownType, kind

DIVISORS = ("weight", "count", "all")
REDUCTIONS = {"mean": Form.MEAN, "sum": Form.SUM, "none": None}


def reduction_call(context: Context, scope: Scope, bound: Bound) -> Value:
    """Apply a reduction of the library with its options."""
    value, span = next(iter(bound.values.values()))
    assert isinstance(value, Value)
    value = _operand(context, scope, bound.function, value, span)
    _refuse_divisor(context, scope, bound, bound.function)
    mask = option(context, scope, bound.options, WHERE, (value, span))
    weight = option(context, scope, bound.options, WEIGHT, (value, span))
    normalize, divisor = _normalize(context, scope, bound.options.get(NORMALIZE))
    keepdims = _flag(context, scope, bound.options.get(KEEPDIMS))
    options = Options(bound.axis, keepdims, mask, weight, normalize, divisor)
    return reduce_value(context, scope, bound.function, (value, span), options, bound.span)


def _operand(context: Context, scope: Scope, function: Builtin, value: Value, span: Span) -> Value:
    wanted = function.signatures[0].parameters[0].type
    if isinstance(value.type, RecordType):
        value = as_tree(context, scope, value)
    if isinstance(wanted, ast.ArrayTypeExpr) and kind(wanted.dtype) == "bool":
        return usable(context, scope, value, span, integers=True)
    return as_read(context, scope, value, span)


def loss_call(
    context: Context,
    scope: Scope,
    bound: Bound,
    body: Value,
    inner: Scope,
    defaults: Mapping[str, ast.Expr],
    outward: Callable[[Type], Type],
) -> Value:
    """Apply the options of a loss to its unreduced value.

    The definition's own defaults are expressions over its parameters; a call's mask is and-ed
    with them, its weight multiplied.
    """
    span = bound.span
    own_mask = option(context, inner, defaults, WHERE, (body, span))
    own_weight = option(context, inner, defaults, WEIGHT, (body, span))
    value = Value(body.node, outward(body.type))
    mask = option(context, scope, bound.options, WHERE, (value, span))
    weight = option(context, scope, bound.options, WEIGHT, (value, span))
    own_mask, own_weight = _outer(own_mask, outward), _outer(own_weight, outward)
    options = Options(
        axis=bound.axis,
        mask=masks.both(context, scope, "and", own_mask, mask, span, WHERE),
        weight=masks.both(context, scope, "*", own_weight, weight, span, WEIGHT),
    )
    if AXIS in defaults and options.axis is None:
        options = replace(options, axis=axis_argument(scope, defaults[AXIS]))
    reduction = _choice(context, scope, bound, defaults)
    if reduction is None:
        _refuse_reduction(context, scope, bound)
        return unreduced(context, scope, value, options, span)
    function = of_form(reduction)
    _refuse_divisor(context, scope, bound, function)
    if function.combine == "mean":
        given = bound.options.get(NORMALIZE)
        by = (inner, defaults.get(NORMALIZE)) if given is None else (scope, given)
        normalize, divisor = _normalize(context, *by)
        options = replace(options, normalize=normalize, divisor=divisor)
    return reduce_value(context, scope, function, (value, span), options, span)


def _refuse_reduction(context: Context, scope: Scope, bound: Bound) -> None:
    """Report options of a call that say how to reduce what is not reduced."""
    for name, given in ((AXIS, bound.axis), (NORMALIZE, bound.options.get(NORMALIZE))):
        if given is not None:
            context.error(
                scope,
                "LD102",
                f'`{name}` says how to reduce; with `reduce="none"` nothing is reduced',
                given.span,
                help="leave one of the two out",
            )


def _refuse_divisor(context: Context, scope: Scope, bound: Bound, function: Builtin) -> None:
    """Report a divisor where nothing is divided: only a mean has one."""
    given = bound.options.get(NORMALIZE)
    if given is None or function.combine == "mean":
        return
    mean = '`reduce="mean"`' if bound.function.is_loss else "`mean(…)`"
    context.error(
        scope,
        "LD102",
        f"`normalize` says what a mean divides by; `{function.name}` divides by nothing",
        given.span,
        help=f"{mean} divides; a sum is divided by `/`",
    )


def _outer(value: Value | None, outward: Callable[[Type], Type]) -> Value | None:
    return None if value is None else Value(value.node, outward(value.type))


def _choice(
    context: Context, scope: Scope, bound: Bound, defaults: Mapping[str, ast.Expr]
) -> Form | None:
    """Return the reduction that a call asks for; None where it asks for none."""
    expr = bound.options.get(REDUCE) or defaults.get(REDUCE)
    if expr is None:
        return Form.MEAN
    given = expressions.argument(context, scope, expr)
    if isinstance(given, Static) and given.value in REDUCTIONS:
        return REDUCTIONS[str(given.value)]
    text = given.value if isinstance(given, Static) and isinstance(given.value, str) else ""
    context.error(
        scope,
        "LD112",
        '`reduce` is "mean", "sum" or "none"',
        expr.span,
        help=did_you_mean(text, REDUCTIONS),
    )
    return Form.MEAN


def option(
    context: Context,
    scope: Scope,
    given: Mapping[str, ast.Expr],
    name: str,
    target: tuple[Value, Span],
) -> Value | None:
    """Return a mask or weight lined up with a target; None if it keeps all."""
    expr = given.get(name)
    if expr is None or (isinstance(expr, ast.Literal) and expr.value is None):
        return None
    found = expressions.argument(context, scope, expr)
    if isinstance(found, Static) and found.value is None:
        return None
    value = found if isinstance(found, Value) else expressions.elaborate(context, scope, expr)
    return masks.as_mask(context, scope, value, target, expr.span, name)


# What a sum may be divided by; the size of an empty batch is no number that someone wrote.
_DIVISOR = Interval(0, math.inf, "(", ")")


def _normalize(
    context: Context, scope: Scope, expr: ast.Expr | None
) -> tuple[str, tuple[Value, Span] | None]:
    if expr is None:
        return "weight", None
    given = expressions.argument(context, scope, expr)
    if isinstance(given, Static):
        if given.value in DIVISORS:
            return str(given.value), None
        context.error(
            scope,
            "LD112",
            '`normalize` is "weight", "count", "all" or a number',
            expr.span,
            help=did_you_mean(str(given.value), DIVISORS),
        )
        return "weight", None
    value = given if isinstance(given, Value) else expressions.elaborate(context, scope, expr)
    if isinstance(value.type, ArrayType) and value.type.rank:
        context.error(scope, "LD204", "`normalize` is one number", expr.span, str(value.type))
        return "weight", None
    match value.node:
        case Const(int() | float() as number) if not is_size(value) and number not in _DIVISOR:
            message = f"`normalize` lies in {_DIVISOR}; this is {number:g}"
            context.error(scope, "LD503", message, expr.span)
            return "weight", None
        case _:
            pass
    return "weight", (value, expr.span)


def _flag(context: Context, scope: Scope, expr: ast.Expr | None) -> bool:
    if expr is None:
        return False
    value = expressions.elaborate(context, scope, expr)
    match value.node:
        case Const(bool() as flag) if not isinstance(value.type, UnknownType):
            return flag
        case _:
            context.error(scope, "LD113", "`keepdims` is `true` or `false`", expr.span)
            return False
