"""What is said of operands that a function does not take: their dtypes, shapes and structures."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.check.context import Context, Scope, Value
from lossdsl.diagnostics.diagnostic import Label
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.types.broadcast import BroadcastProblem
from lossdsl.types.elementwise import DtypeProblem
from lossdsl.types.types import ArrayType, Dim, Path, Type, kind, same_dim

Operands = Sequence[tuple[Value, Span]]

DTYPE_WORDS = {
    "float": "a number",
    "num": "a number",
    "int": "an integer",
    "bool": "true or false",
    "any": "an array",
}


def shown(function: Builtin, span: Span) -> str:
    """Return what a reader sees of a function at a place: its name, or its operator."""
    if function.operator is None or span.text.startswith(f"{function.name}("):
        return function.name
    return "-" if function.operator == "neg" else function.operator


def dtype_problem(
    context: Context, scope: Scope, said: str, problem: DtypeProblem, operands: Operands
) -> None:
    """Report an operand whose dtype a function does not take."""
    value, span = operands[problem.operand]
    if kind(problem.found) == "bool":
        context.error(
            scope,
            "LD216",
            f"`{said}` takes numbers; this is true or false",
            span,
            str(value.type),
            help="select with `where=` of a loss or reduction, or `where(m, x, 0)`; "
            "a reduction such as `mean(m)` counts true as 1",
        )
        return
    context.error(
        scope,
        "LD214",
        f"`{said}` takes {DTYPE_WORDS.get(problem.expected, problem.expected)} here, "
        f"not {problem.found}",
        span,
        str(value.type),
        help="compare it first, such as `m > 0`" if problem.expected == "bool" else None,
    )


def shape_problem(
    context: Context, scope: Scope, said: str, problem: BroadcastProblem, operands: Operands
) -> None:
    """Report two operands that do not broadcast."""
    (left, left_span), (right, right_span) = operands[problem.left], operands[problem.right]
    label = Label(left_span, str(left.type))
    if problem.kind == "differ":
        context.error(
            scope,
            "LD201",
            f"the operands of `{said}` differ in shape",
            right_span,
            str(right.type),
            help=swap_help(left.type, right.type, right_span)
            or _leading_help(left.type, right.type, right_span)
            or _leading_help(right.type, left.type, left_span)
            or sizes_help(left.type, right.type),
            labels=(label,),
        )
        return
    grown = ", ".join(str(dim) for dim in problem.result)
    context.error(
        scope,
        "LD202",
        f"both operands of `{said}` grow",
        right_span,
        str(right.type),
        notes=(f"the result would be [{grown}]: every element of one with every one of the other",),
        help=_growth_help(operands[problem.left], operands[problem.right]),
        labels=(label,),
    )


def swap_help(wanted: Type, given: Type, span: Span) -> str | None:
    """Return how to reorder the axes of what was given, if that is all that is wrong."""
    match wanted, given:
        case ArrayType(dims=a), ArrayType(dims=b) if a and b and len(a) == len(b):
            names, order = [str(dim) for dim in a], [str(dim) for dim in b]
            if names != order and sorted(names) == sorted(order) and len(set(names)) == len(names):
                places = ", ".join(str(order.index(name)) for name in names)
                if not span.text.isidentifier():
                    return "the axes look swapped"
                return f"the axes look swapped: `transpose({span.text}, ({places}))`"
        case _:
            pass
    return None


def sizes_help(left: Type, right: Type) -> str | None:
    """Return what two sizes that differ may be meant to be."""
    match left, right:
        case ArrayType(dims=a), ArrayType(dims=b) if a and b and len(a) == len(b):
            for one, other in zip(a, b, strict=True):
                if same_dim(one, other) is False:
                    return _size_help(one, other)
        case _:
            pass
    return None


def _size_help(one: Dim, other: Dim) -> str | None:
    if one.name and other.name and "@" not in one.name + other.name:
        named = f"`{one.name}` and `{other.name}`"
        return f"{named} are two sizes; if they are one, declare both by one name"
    symbol, number = (one, other) if one.name else (other, one)
    if symbol.name and "@" not in symbol.name and symbol.size is None and not number.terms:
        return f"`{symbol.name}` is any size; if it is always {number}, declare it so"
    return None


def _leading_help(longer: Type, shorter: Type, span: Span) -> str | None:
    """Return how to line an array up with the leading axes of a longer one."""
    match longer, shorter:
        case ArrayType(dims=a), ArrayType(dims=b) if a and b and len(a) > len(b):
            if all(same_dim(x, y) for x, y in zip(a, b, strict=False)):
                items = ", ".join([":"] * len(b) + ["None"] * (len(a) - len(b)))
                return f"shapes meet at their last axes; for the first ones: `{span.text}[{items}]`"
        case _:
            pass
    return None


def _growth_help(*operands: tuple[Value, Span]) -> str:
    on_purpose = "growth that is meant is written with `None`: `a[:, None]` with `b[None, :]`"
    for value, span in operands:
        dims: tuple[Dim, ...] = (value.type.dims or ()) if isinstance(value.type, ArrayType) else ()
        for axis, dim in enumerate(dims):
            if dim.is_one and not dim.wanted:
                last = -1 if axis == len(dims) - 1 else axis
                return f"`squeeze({span.text}, {last})` drops the axis of size 1; {on_purpose}"
    return on_purpose


def structure_problem(
    context: Context,
    scope: Scope,
    left: tuple[Sequence[Path], Span],
    right: tuple[Sequence[Path], Span],
) -> None:
    """Report two trees whose leaves do not correspond."""
    (left_paths, left_span), (right_paths, right_span) = left, right
    notes = tuple(
        f"only in the {side}: {', '.join(f'`{path}`' for path in paths[:3])}"
        for side, paths in (
            ("first", _beyond(left_paths, right_paths)),
            ("second", _beyond(right_paths, left_paths)),
        )
        if paths
    )
    context.error(
        scope,
        "LD205",
        "the trees differ in structure",
        right_span,
        _counted(right_paths),
        notes=notes,
        help="select the same leaves of both",
        labels=(Label(left_span, _counted(left_paths)),),
    )


def _beyond(paths: Sequence[Path], others: Sequence[Path]) -> list[str]:
    known = set(others)
    return ["/".join(path) for path in paths if path not in known]


def _counted(paths: Sequence[Path]) -> str:
    return f"{len(paths)} {'leaf' if len(paths) == 1 else 'leaves'}"
