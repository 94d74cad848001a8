"""Reductions and losses: the options of a call, held together and evaluated."""

from __future__ import annotations

import math
from dataclasses import replace

from lossdsl.core.graph import Const
from lossdsl.elaborate import expressions, masks
from lossdsl.elaborate.apply_reduction import reduce_value, unreduced
from lossdsl.elaborate.constants import is_size
from lossdsl.elaborate.context import Call, Expansion, Scope, Site
from lossdsl.elaborate.usable_leaves import as_read, as_tree, usable
from lossdsl.elaborate.written_axes import axis_argument
from lossdsl.infer.arguments import Argument, Static, Value
from lossdsl.infer.reduction import Reduction
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.domains import Interval
from lossdsl.library.suggest import did_you_mean
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, KEEPDIMS, LOSS_OPTIONS, NORMALIZE, REDUCE, WEIGHT, WHERE
from lossdsl.types.types import ArrayType, RecordType, UnknownType, kind

DIVISORS = ("weight", "count", "all")
REDUCTIONS = {"mean": Form.MEAN, "sum": Form.SUM, "none": None}


def reduction_call(call: Call) -> Value:
    """Apply a reduction of the library with its options."""
    value, span = next(iter(call.bound.values.values()))
    assert isinstance(value, Value)
    value = _operand(call.at(span), call.function, value)
    _refuse_divisor(call, call.function)
    mask = option(call.scope, WHERE, call.bound.option(WHERE), (value, span))
    weight = option(call.scope, WEIGHT, call.bound.option(WEIGHT), (value, span))
    normalize, divisor = _normalize(call.scope, call.bound.option(NORMALIZE))
    keepdims = _flag(call.scope, call.bound.option(KEEPDIMS))
    reduction = Reduction(
        call.function, call.bound.axis, keepdims, mask, weight, normalize, divisor
    )
    return reduce_value(call, reduction, (value, span))


def _operand(site: Site, function: Builtin, value: Value) -> Value:
    pattern = function.signatures[0].parameters[0].type
    if isinstance(value.type, RecordType):
        value = as_tree(site.scope, value)
    if isinstance(pattern, ast.ArrayTypeExpr) and kind(pattern.dtype) == "bool":
        return usable(site, value, integers=True)
    return as_read(site, value)


def loss_call(call: Call, expansion: Expansion) -> Value:
    """Apply the options of a loss to its unreduced value.

    The definition's own defaults are expressions over its parameters; a call's mask is and-ed
    with them, its weight multiplied.
    """
    scope, inner, body = call.scope, expansion.scope, expansion.body
    defaults = {
        parameter.name: parameter.default
        for parameter in call.signature.parameters
        if parameter.name in LOSS_OPTIONS and parameter.default is not None
    }

    def own(name: str) -> tuple[Argument, Span] | None:
        expr = defaults.get(name)
        return None if expr is None else (expressions.argument(inner, expr), expr.span)

    own_mask = option(inner, WHERE, own(WHERE), (body, call.span))
    own_weight = option(inner, WEIGHT, own(WEIGHT), (body, call.span))
    value = expansion.outward(body)
    mask = option(scope, WHERE, call.bound.option(WHERE), (value, call.span))
    weight = option(scope, WEIGHT, call.bound.option(WEIGHT), (value, call.span))
    mask = masks.both(call, WHERE, own_mask and expansion.outward(own_mask), mask)
    weight = masks.both(call, WEIGHT, own_weight and expansion.outward(own_weight), weight)
    axis = call.bound.axis
    if AXIS in defaults and axis is None:
        axis = axis_argument(scope, defaults[AXIS])
    form = _choice(scope, call.bound.option(REDUCE) or own(REDUCE))
    if form is None:
        _refuse_reduction(call)
        return unreduced(call, value, mask, weight)
    reduction = Reduction(of_form(form), axis, mask=mask, weight=weight)
    _refuse_divisor(call, reduction.function)
    if reduction.function.combine == "mean":
        given = call.bound.option(NORMALIZE)
        by = (inner, own(NORMALIZE)) if given is None else (scope, given)
        normalize, divisor = _normalize(*by)
        reduction = replace(reduction, normalize=normalize, divisor=divisor)
    return reduce_value(call, reduction, (value, call.span))


def hold_options(call: Call) -> None:
    """Report options of a loss that are wrong whatever its unreduced value is."""
    target = call.scope.unknown(), call.span
    for name in (WHERE, WEIGHT):
        option(call.scope, name, call.bound.option(name), target)
    reduction = _choice(call.scope, call.bound.option(REDUCE))
    if reduction is None:
        _refuse_reduction(call)
        return
    function = of_form(reduction)
    _refuse_divisor(call, function)
    if function.combine == "mean":
        _normalize(call.scope, call.bound.option(NORMALIZE))


def _refuse_reduction(call: Call) -> None:
    """Report options of a call that say how to reduce what is not reduced."""
    axis = None if call.bound.axis is None else call.bound.axis.span
    divisor = call.bound.options[NORMALIZE].span if NORMALIZE in call.bound.options else None
    for name, place in ((AXIS, axis), (NORMALIZE, divisor)):
        if place is not None:
            call.at(place).error(
                "LD102",
                f'`{name}` says how to reduce; with `reduce="none"` nothing is reduced',
                help="leave one of the two out",
            )


def _refuse_divisor(call: Call, function: Builtin) -> None:
    """Report a divisor where nothing is divided: only a mean has one."""
    given = call.bound.options.get(NORMALIZE)
    if given is None or function.combine == "mean":
        return
    mean = '`reduce="mean"`' if call.function.is_loss else "`mean(…)`"
    call.at(given.span).error(
        "LD102",
        f"`normalize` says what a mean divides by; `{function.name}` divides by nothing",
        help=f"{mean} divides; a sum is divided by `/`",
    )


def _choice(scope: Scope, option: tuple[Argument, Span] | None) -> Form | None:
    """Return the reduction that a call asks for; None where it asks for none."""
    if option is None:
        return Form.MEAN
    given, span = option
    text = given.value if isinstance(given, Static) and isinstance(given.value, str) else ""
    if text in REDUCTIONS:
        return REDUCTIONS[text]
    message = '`reduce` is "mean", "sum" or "none"'
    scope.at(span).error("LD112", message, help=did_you_mean(text, REDUCTIONS))
    return Form.MEAN


def option(
    scope: Scope, name: str, given: tuple[Argument, Span] | None, target: tuple[Value, Span]
) -> Value | None:
    """Return a mask or weight lined up with a target; None if it keeps all."""
    argument, span = given or (Static(None), target[1])
    if isinstance(argument, Static) and argument.value is None:
        return None
    value = expressions.as_value(scope.at(span), argument)
    return masks.as_mask(scope.at(span), value, target, name)


# What a sum may be divided by; the size of an empty batch is no number that someone wrote.
_DIVISOR = Interval(0, math.inf, "(", ")")


def _normalize(
    scope: Scope, option: tuple[Argument, Span] | None
) -> tuple[str, tuple[Value, Span] | None]:
    if option is None:
        return "weight", None
    given, span = option
    if isinstance(given, Static):
        if given.value in DIVISORS:
            return str(given.value), None
        message = '`normalize` is "weight", "count", "all" or a number'
        help = did_you_mean(str(given.value), DIVISORS)
        scope.at(span).error("LD112", message, help=help)
        return "weight", None
    value = expressions.as_value(scope.at(span), given)
    if isinstance(value.type, ArrayType) and value.type.rank:
        scope.at(span).error("LD204", "`normalize` is one number", str(value.type))
        return "weight", None
    match value.node:
        case Const(int() | float() as number) if not is_size(value) and number not in _DIVISOR:
            message = f"`normalize` lies in {_DIVISOR}; this is {number:g}"
            scope.at(span).error("LD503", message)
            return "weight", None
        case _:
            pass
    return "weight", (value, span)


def _flag(scope: Scope, option: tuple[Argument, Span] | None) -> bool:
    if option is None:
        return False
    given, span = option
    match expressions.as_value(scope.at(span), given):
        case Value(Const(bool() as flag), type) if not isinstance(type, UnknownType):
            return flag
        case _:
            scope.at(span).error("LD113", "`keepdims` is `true` or `false`")
            return False
