"""Reductions and losses: the options of a call, held together and evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from lossdsl.core.graph import Const
from lossdsl.elaborate import expressions, masks
from lossdsl.elaborate.axis_arguments import axis_argument
from lossdsl.elaborate.constants import is_size
from lossdsl.elaborate.context import Context, Scope
from lossdsl.elaborate.reductions import Options, reduce_value, unreduced
from lossdsl.elaborate.usable_leaves import as_read, as_tree, usable
from lossdsl.infer.arguments import Argument, Static, Value
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
    mask = option(context, scope, bound.option(WHERE), WHERE, (value, span))
    weight = option(context, scope, bound.option(WEIGHT), WEIGHT, (value, span))
    normalize, divisor = _normalize(context, scope, bound.option(NORMALIZE))
    keepdims = _flag(context, scope, bound.option(KEEPDIMS))
    options = Options(bound.axis, keepdims, mask, weight, normalize, divisor)
    return reduce_value(context, scope, bound.function, (value, span), options, bound.span)


def _operand(context: Context, scope: Scope, function: Builtin, value: Value, span: Span) -> Value:
    pattern = function.signatures[0].parameters[0].type
    if isinstance(value.type, RecordType):
        value = as_tree(context, scope, value)
    if isinstance(pattern, ast.ArrayTypeExpr) and kind(pattern.dtype) == "bool":
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

    def own(name: str) -> tuple[Argument, Span] | None:
        expr = defaults.get(name)
        return None if expr is None else (expressions.argument(context, inner, expr), expr.span)

    own_mask = option(context, inner, own(WHERE), WHERE, (body, span))
    own_weight = option(context, inner, own(WEIGHT), WEIGHT, (body, span))
    value = Value(body.node, outward(body.type))
    mask = option(context, scope, bound.option(WHERE), WHERE, (value, span))
    weight = option(context, scope, bound.option(WEIGHT), WEIGHT, (value, span))
    own_mask, own_weight = _outer(own_mask, outward), _outer(own_weight, outward)
    options = Options(
        axis=bound.axis,
        mask=masks.both(context, scope, "and", own_mask, mask, span, WHERE),
        weight=masks.both(context, scope, "*", own_weight, weight, span, WEIGHT),
    )
    if AXIS in defaults and options.axis is None:
        options = replace(options, axis=axis_argument(scope, defaults[AXIS]))
    reduction = _choice(context, scope, bound.option(REDUCE) or own(REDUCE))
    if reduction is None:
        _refuse_reduction(context, scope, bound)
        return unreduced(context, scope, value, options, span)
    function = of_form(reduction)
    _refuse_divisor(context, scope, bound, function)
    if function.combine == "mean":
        given = bound.option(NORMALIZE)
        by = (inner, own(NORMALIZE)) if given is None else (scope, given)
        normalize, divisor = _normalize(context, *by)
        options = replace(options, normalize=normalize, divisor=divisor)
    return reduce_value(context, scope, function, (value, span), options, span)


def hold_options(context: Context, scope: Scope, bound: Bound) -> None:
    """Report options of a loss that are wrong whatever its unreduced value is."""
    target = context.unknown(), bound.span
    for name in (WHERE, WEIGHT):
        option(context, scope, bound.option(name), name, target)
    reduction = _choice(context, scope, bound.option(REDUCE))
    if reduction is None:
        _refuse_reduction(context, scope, bound)
        return
    function = of_form(reduction)
    _refuse_divisor(context, scope, bound, function)
    if function.combine == "mean":
        _normalize(context, scope, bound.option(NORMALIZE))


def _refuse_reduction(context: Context, scope: Scope, bound: Bound) -> None:
    """Report options of a call that say how to reduce what is not reduced."""
    axis = None if bound.axis is None else bound.axis.span
    divisor = bound.options[NORMALIZE].span if NORMALIZE in bound.options else None
    for name, place in ((AXIS, axis), (NORMALIZE, divisor)):
        if place is not None:
            context.error(
                scope,
                "LD102",
                f'`{name}` says how to reduce; with `reduce="none"` nothing is reduced',
                place,
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


def _choice(context: Context, scope: Scope, option: tuple[Argument, Span] | None) -> Form | None:
    """Return the reduction that a call asks for; None where it asks for none."""
    if option is None:
        return Form.MEAN
    given, span = option
    text = given.value if isinstance(given, Static) and isinstance(given.value, str) else ""
    if text in REDUCTIONS:
        return REDUCTIONS[text]
    message = '`reduce` is "mean", "sum" or "none"'
    context.error(scope, "LD112", message, span, help=did_you_mean(text, REDUCTIONS))
    return Form.MEAN


def option(
    context: Context,
    scope: Scope,
    given: tuple[Argument, Span] | None,
    name: str,
    target: tuple[Value, Span],
) -> Value | None:
    """Return a mask or weight lined up with a target; None if it keeps all."""
    argument, span = given or (Static(None), target[1])
    if isinstance(argument, Static) and argument.value is None:
        return None
    value = expressions.as_value(context, scope, argument, span)
    return masks.as_mask(context, scope, value, target, span, name)


# What a sum may be divided by; the size of an empty batch is no number that someone wrote.
_DIVISOR = Interval(0, math.inf, "(", ")")


def _normalize(
    context: Context, scope: Scope, option: tuple[Argument, Span] | None
) -> tuple[str, tuple[Value, Span] | None]:
    if option is None:
        return "weight", None
    given, span = option
    if isinstance(given, Static):
        if given.value in DIVISORS:
            return str(given.value), None
        message = '`normalize` is "weight", "count", "all" or a number'
        help = did_you_mean(str(given.value), DIVISORS)
        context.error(scope, "LD112", message, span, help=help)
        return "weight", None
    value = expressions.as_value(context, scope, given, span)
    if isinstance(value.type, ArrayType) and value.type.rank:
        context.error(scope, "LD204", "`normalize` is one number", span, str(value.type))
        return "weight", None
    match value.node:
        case Const(int() | float() as number) if not is_size(value) and number not in _DIVISOR:
            message = f"`normalize` lies in {_DIVISOR}; this is {number:g}"
            context.error(scope, "LD503", message, span)
            return "weight", None
        case _:
            pass
    return "weight", (value, span)


def _flag(context: Context, scope: Scope, option: tuple[Argument, Span] | None) -> bool:
    if option is None:
        return False
    given, span = option
    match expressions.as_value(context, scope, given, span):
        case Value(Const(bool() as flag), type) if not isinstance(type, UnknownType):
            return flag
        case _:
            context.error(scope, "LD113", "`keepdims` is `true` or `false`", span)
            return False
