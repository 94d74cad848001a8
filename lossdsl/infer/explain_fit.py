"""What is said of arguments that do not fit a signature."""

from __future__ import annotations

import re
from dataclasses import replace

from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.infer.arguments import Value
from lossdsl.infer.axis_positions import AxisArgument
from lossdsl.infer.bound import Bound, show_signature
from lossdsl.infer.explain import DTYPE_WORDS, explain_axes, sizes_help, swap_help
from lossdsl.infer.fit import (
    AxisMisfit,
    AxisTwice,
    DtypeMisfit,
    Fit,
    Misfit,
    ShapeMisfit,
    TreeMisfit,
    fit,
)
from lossdsl.infer.patterns import pattern_of, sole_axis
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType, RecordType, TreeType, Type, kind, of_numbers, same_dim
from lossdsl.types.unify import Bindings


def explain_misfit(bound: Bound, misfit: Misfit) -> Diagnostic:
    """Return what is said of arguments that do not fit the signature of a call."""
    match misfit:
        case DtypeMisfit():
            return _dtype(bound, misfit)
        case TreeMisfit():
            return _tree_for_array(bound, misfit)
        case ShapeMisfit():
            return _with_axis(bound, _shape(bound, misfit))
        case AxisMisfit(parameter, mismatch):
            return explain_axes(mismatch, parameter)
        case AxisTwice(parameter, axis, dims):
            shown = f"[{', '.join(map(str, dims))}]"
            message = f"two options name axis {axis} of `{parameter}`"
            return at("LD207", message, bound.span, shown)


def _dtype(bound: Bound, misfit: DtypeMisfit) -> Diagnostic:
    parameter, pattern = misfit.parameter, misfit.pattern
    type, span = misfit.given, misfit.span
    if kind(type.dtype) == "bool" and kind(pattern.dtype) in ("float", "int", "num"):
        numbers = _numbers_of_mask(pattern, span)
        help = f"{numbers} makes numbers of it; `where=` of a loss leaves elements out"
        code = "LD216"
    else:
        code = "LD214"
        help = {
            "int": "labels are whole numbers: declare them as `int[B]`"
            if pattern.role == "labels"
            else "declare it as an integer, such as `i32`",
            "bool": "compare it first, such as `m > 0`",
        }.get(kind(pattern.dtype))
    expected = DTYPE_WORDS.get(pattern.dtype, pattern.dtype)
    if pattern.role == "probs":
        expected = "a distribution of floats"
        help = (
            f"{_numbers_of_mask(pattern, span)} makes numbers of a mask"
            if kind(type.dtype) == "bool"
            else "integer labels have one dim less than the logits; "
            "`1.0*t` makes one-hot integers floats"
        )
    return Diagnostic(
        code,
        f"`{parameter.name}` of `{bound.function.name}` takes {expected}; this is {type.dtype}",
        (Label(span, str(type), primary=True),),
        help=help,
    )


def _numbers_of_mask(pattern: ast.ArrayTypeExpr, span: Span) -> str:
    """Return the call that makes of true and false what a parameter takes."""
    no = "-1" if pattern.role == "signs" else "0"
    point = "" if kind(pattern.dtype) == "int" else ".0"
    return f"`where({span.text}, 1{point}, {no}{point})`"


def _shape(bound: Bound, misfit: ShapeMisfit) -> Diagnostic:
    clash, bindings = misfit.clash, misfit.bindings
    entry = bound.values.get(clash.parameter)
    span = entry[1] if entry is not None else bound.span
    text = str(entry[0].type) if entry is not None and isinstance(entry[0], Value) else clash.actual
    name = bound.function.name
    notes = bindings.notes()
    if clash.kind == "rank" and clash.expected == "[]":
        return Diagnostic(
            "LD204",
            f"`{clash.parameter}` of `{name}` is one number, not an array",
            (Label(span, text, primary=True),),
            help=f"reduce it, such as `mean({span.text})`",
        )
    if clash.kind == "rank":
        return Diagnostic(
            "LD204",
            f"`{clash.parameter}` of `{name}` has the dims {clash.expected}, not {clash.actual}",
            (Label(span, text, primary=True),),
            notes=notes,
            help=f"its signature: `{show_signature(bound.function, bound.signature)}`",
        )
    other = _partner(bound, bindings, clash.parameter)
    label: tuple[Label, ...] = ()
    if other is None:
        message = (
            f"`{clash.parameter}` of `{name}` is {clash.actual} where {clash.expected} is needed"
        )
    else:
        message = f"`{other}` and `{clash.parameter}` of `{name}` differ in shape"
        value, other_span = bound.values[other]
        label = (Label(other_span, str(value.type) if isinstance(value, Value) else ""),)
    return Diagnostic(
        "LD201",
        message,
        (Label(span, text, primary=True), *label),
        notes=notes,
        help=_shape_help(bound, clash.parameter, other),
    )


def _with_axis(bound: Bound, diagnostic: Diagnostic) -> Diagnostic:
    """Return what is said of a shape, with the axis as its help that would mend the call."""
    name = sole_axis(bound.signature)
    if name is None or (name in bound.axes and bound.axes[name].given):
        return diagnostic
    if diagnostic.code != "LD201" or diagnostic.help is not None:
        return diagnostic
    value, span = next(iter(bound.values.values()))
    type = value.type if isinstance(value, Value) else None
    dims = (type.dims if isinstance(type, ArrayType) else None) or ()
    fitting = [
        dim.name or str(position)
        for position, dim in enumerate(dims)
        if isinstance(fit(_along(bound, name, position, span)), Fit)
    ]
    if len(fitting) != 1:
        return diagnostic
    help = f"the last axis is meant unless another is named: `{name}={fitting[0]}`"
    return replace(diagnostic, help=help)


def _along(bound: Bound, name: str, axis: int, span: Span) -> Bound:
    """Return a call that names one axis."""
    return replace(bound, axes={**bound.axes, name: AxisArgument(((axis, span),), span)})


def _partner(bound: Bound, bindings: Bindings, parameter: str) -> str | None:
    """Return the parameter that bound what this one disagrees with."""
    declared = bound.parameter(parameter)
    value = bound.values.get(parameter)
    pattern = pattern_of(declared.type, value[0]) if value else None
    if not isinstance(pattern, ast.ArrayTypeExpr):
        return None
    for dim in pattern.dims:
        names = (
            [dim.name]
            if isinstance(dim, ast.Run)
            else (dim.symbols if isinstance(dim, ast.DimExpr) else ())
        )
        for name in names:
            origin = bindings.origin.get(name or "")
            if origin is not None and origin != parameter and origin in bound.values:
                return origin
    return None


def _shape_help(bound: Bound, parameter: str, other: str | None) -> str | None:
    if other is None:
        return None
    (mine, span), (theirs, other_span) = bound.values[parameter], bound.values[other]
    if not isinstance(mine, Value) or not isinstance(theirs, Value):
        return None
    alike = len(
        {_dims_of(bound, name, value) for name, value in ((parameter, mine), (other, theirs))}
    )
    return (
        swap_help(theirs.type, mine.type, span)
        or _labels_help(bound, parameter)
        or _squeeze_help(mine.type, theirs.type, span)
        or _squeeze_help(theirs.type, mine.type, other_span)
        or (
            alike == 1
            and (
                _one_hot_help(bound, parameter, theirs.type)
                or _broadcast_help(mine.type, theirs.type, span, other_span)
                or _broadcast_help(theirs.type, mine.type, other_span, span)
            )
        )
        or sizes_help(theirs.type, mine.type)
    )


def _dims_of(bound: Bound, parameter: str, value: Value) -> object:
    """Return the dims of a parameter's pattern: two that are equal take one shape."""
    type = bound.parameter(parameter).type
    pattern = pattern_of(type, value)
    return pattern.dims if isinstance(pattern, ast.ArrayTypeExpr) else None


def _one_hot_help(bound: Bound, parameter: str, theirs: Type) -> str | None:
    """Labels of the classes that the other argument has an axis for."""
    pattern = bound.parameter(parameter).type
    role = pattern.role if isinstance(pattern, ast.ArrayTypeExpr) else None
    value, span = bound.values[parameter]
    match value, theirs:
        case Value(type=ArrayType(dtype=dtype, dims=a)), ArrayType(dims=(*b, classes)) if (
            role in ("mask", "probs") and a
        ):
            if kind(dtype) != "int" or len(a) != len(b):
                return None
            if any(same_dim(dim, other) is False for dim, other in zip(a, b, strict=True)):
                return None
            return f"`one_hot({span.text}, {classes})` makes a distribution of labels"
        case _:
            return None


def _labels_help(bound: Bound, parameter: str) -> str | None:
    """Labels have one dim less than the scores; an axis of size 1 in its place is left over."""
    pattern = bound.parameter(parameter).type
    if not isinstance(pattern, ast.ArrayTypeExpr) or pattern.role != "labels":
        return None
    match bound.values[parameter]:
        case Value(type=ArrayType(dims=(*_, last))), span if last.is_one:
            return f"labels have no class axis: `squeeze({span.text}, -1)`"
        case _:
            return None


def _squeeze_help(longer: Type, shorter: Type, span: Span) -> str | None:
    match longer, shorter:
        case ArrayType(dims=a), ArrayType(dims=b) if a is not None and b is not None:
            ones = [at for at, dim in enumerate(a) if dim.is_one]
            if len(a) == len(b) + 1 and ones:
                return f"`squeeze({span.text}, {ones[0] - len(a) if ones[0] else 0})`"
        case _:
            pass
    return None


def _broadcast_help(small: Type, large: Type, span: Span, other: Span) -> str | None:
    """Return how to repeat an array to the shape of another, where that is all that is wrong."""
    match small, large:
        case ArrayType(dims=a), ArrayType(dims=b) if a is not None and b and len(a) <= len(b):
            last = b[len(b) - len(a) :]
            if all(
                dim.is_one or same_dim(dim, theirs) for dim, theirs in zip(a, last, strict=True)
            ):
                return f"`broadcast({span.text}, like={other.text})`"
            if all(same_dim(dim, theirs) for dim, theirs in zip(a, b, strict=False)):
                places = ", ".join([":"] * len(a) + ["None"] * (len(b) - len(a)))
                atom = re.fullmatch(r"[\w.]+(\(.*\))?", span.text)
                text = span.text if atom else f"({span.text})"
                return f"`broadcast({text}[{places}], like={other.text})`"
        case _:
            pass
    return None


def _tree_for_array(bound: Bound, misfit: TreeMisfit) -> Diagnostic:
    name, type, span = bound.function.name, misfit.given, misfit.span
    if isinstance(type, RecordType):
        what, help = "a record", f"name a field, such as `{span.text}.{type.fields[0][0]}`"
    else:
        what = "a tree"
        help = (
            f"select a leaf, such as `{span.text}.name`, or apply it to each leaf: "
            f"`map({name}, {span.text})`"
        )
    if isinstance(type, TreeType) and of_numbers(type):
        what = "a list of numbers, which is a tree"
        help = f"pass an array, such as `jnp.asarray({span.text})`"
    return Diagnostic(
        "LD203",
        f"`{name}` takes an array as `{misfit.parameter}`; this is {what}",
        (Label(span, str(type), primary=True),),
        help=help,
    )
