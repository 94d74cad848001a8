"""What a mismatch says to a reader: the diagnostic, at the places of the operands."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.infer.axis_positions import AxisMismatch, NamedDim, NoAxis, is_dim
from lossdsl.infer.mismatch import (
    ArrayBesideTree,
    LiteralChanges,
    Mismatch,
    RecordGiven,
    StructuresDiffer,
    WrongDtype,
)
from lossdsl.library.suggest import did_you_mean
from lossdsl.source import Span
from lossdsl.types.broadcast import BroadcastProblem
from lossdsl.types.types import ArrayType, Dim, Path, Type, kind, same_dim

DTYPE_WORDS = {
    "float": "a number",
    "num": "a number",
    "int": "an integer",
    "bool": "true or false",
    "any": "an array",
}


def explain(mismatch: Mismatch, name: str, spans: Sequence[Span]) -> Diagnostic:
    """Return what is said of a mismatch in an application of `name` to operands at `spans`."""
    types = mismatch.types
    match mismatch.problem:
        case WrongDtype() as problem:
            return _wrong_dtype(problem, name, types[problem.operand], spans[problem.operand])
        case BroadcastProblem() as problem:
            return _shapes(problem, name, types, spans)
        case StructuresDiffer() as problem:
            return _structures(problem, spans)
        case LiteralChanges(operand, code, change, dtype):
            span = spans[operand]
            return at(code, f"`{span.text}` {change} in {dtype}", span)
        case RecordGiven(operand):
            message = f"`{name}` takes arrays; this is a record"
            help = "name a field, such as `.mu`"
            return at("LD203", message, spans[operand], str(types[operand]), help=help)
        case ArrayBesideTree(operand, tree):
            message = f"`{name}` of a tree and an array"
            help = "use `map(f, tree, array)` to apply a function to each leaf"
            given = Label(spans[operand], str(types[operand]), primary=True)
            return Diagnostic(
                "LD206", message, (given, Label(spans[tree], str(types[tree]))), help=help
            )


def explain_axes(mismatch: AxisMismatch, option: str) -> Diagnostic:
    """Return what is said of axes that are given for an option."""
    span, dims = mismatch.span, mismatch.dims or ()
    shape = f"[{', '.join(map(str, dims))}]"
    match mismatch.reason, mismatch.part:
        case "none", NoAxis(str() as name, known):
            listed = (
                f"declared: {', '.join(f'`{axis}`' for axis in known)}"
                if known
                else "declare the inputs, such as `out: f32[B, C]`, or give a number"
            )
            help = did_you_mean(name, known) or listed
            return at("LD108", f"unknown dim `{name}`", span, "no input declares it", help=help)
        case "none", _:
            help = "such as `axis=-1`, `axis=C`, `axis=(0, 1)` or `axis=all`"
            return at("LD207", f"`{option}` is a dim or a number", span, help=help)
        case "range", position:
            if not dims:
                return at("LD207", f"a scalar has no axis {position}", span, shape)
            plural = "" if len(dims) == 1 else "s"
            message = f"axis {position} is out of range for {len(dims)} dim{plural}"
            return at("LD207", message, span, shape)
        case "ambiguous", NamedDim(name, named):
            count = sum(is_dim(dim, named) for dim in dims)
            message = f"`{name}` occurs {count} times, so it names no axis"
            return at("LD207", message, span, shape, help="give the number of the axis")
        case "absent", NamedDim(name):
            help = "the value has the dims in brackets; give one of them, or a number"
            return at("LD207", f"no axis is `{name}`", span, shape, help=help)
        case "repeated", _:
            return at("LD207", "an axis is named twice", span)
        case _:
            return at("LD207", f"`{option}` is one axis", span)


def _wrong_dtype(problem: WrongDtype, name: str, type: Type, span: Span) -> Diagnostic:
    if kind(problem.given) == "bool":
        message = f"`{name}` takes numbers; this is true or false"
        help = (
            "select with `where=` of a loss or reduction, or `where(m, x, 0)`; "
            "a reduction such as `mean(m)` counts true as 1"
        )
        return at("LD216", message, span, str(type), help=help)
    expected = DTYPE_WORDS.get(problem.expected, problem.expected)
    message = f"`{name}` takes {expected} here, not {problem.given}"
    help = "compare it first, such as `m > 0`" if problem.expected == "bool" else None
    return at("LD214", message, span, str(type), help=help)


def _shapes(
    problem: BroadcastProblem, name: str, types: Sequence[Type], spans: Sequence[Span]
) -> Diagnostic:
    left, left_span = types[problem.left], spans[problem.left]
    right, right_span = types[problem.right], spans[problem.right]
    labels = Label(right_span, str(right), primary=True), Label(left_span, str(left))
    if problem.kind == "differ":
        message = f"the operands of `{name}` differ in shape"
        help = (
            swap_help(left, right, right_span)
            or _leading_help(left, right, right_span)
            or _leading_help(right, left, left_span)
            or sizes_help(left, right)
        )
        return Diagnostic("LD201", message, labels, help=help)
    grown = ", ".join(str(dim) for dim in problem.result)
    return Diagnostic(
        "LD202",
        f"both operands of `{name}` grow",
        labels,
        notes=(f"the result would be [{grown}]: every element of one with every one of the other",),
        help=_growth_help((left, left_span), (right, right_span)),
    )


def _structures(problem: StructuresDiffer, spans: Sequence[Span]) -> Diagnostic:
    notes = tuple(
        f"only in the {side}: {', '.join(f'`{path}`' for path in paths[:3])}"
        for side, paths in (
            ("first", _beyond(problem.left_paths, problem.right_paths)),
            ("second", _beyond(problem.right_paths, problem.left_paths)),
        )
        if paths
    )
    return Diagnostic(
        "LD205",
        "the trees differ in structure",
        (
            Label(spans[problem.right], _counted(problem.right_paths), primary=True),
            Label(spans[problem.left], _counted(problem.left_paths)),
        ),
        notes=notes,
        help="select the same leaves of both",
    )


def _beyond(paths: Sequence[Path], others: Sequence[Path]) -> list[str]:
    known = set(others)
    return ["/".join(path) for path in paths if path not in known]


def _counted(paths: Sequence[Path]) -> str:
    return f"{len(paths)} {'leaf' if len(paths) == 1 else 'leaves'}"


def swap_help(expected: Type, given: Type, span: Span) -> str | None:
    """Return how to reorder the axes of what was given, if that is all that is wrong."""
    match expected, given:
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
            for left_dim, right_dim in zip(a, b, strict=True):
                if same_dim(left_dim, right_dim) is False:
                    return _size_help(left_dim, right_dim)
        case _:
            pass
    return None


def _size_help(left: Dim, right: Dim) -> str | None:
    if left.name and right.name and "@" not in left.name + right.name:
        named = f"`{left.name}` and `{right.name}`"
        return f"{named} are two sizes; if they are one, declare both by one name"
    symbol, number = (left, right) if left.name else (right, left)
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


def _growth_help(*operands: tuple[Type, Span]) -> str:
    on_purpose = "growth that is meant is written with `None`: `a[:, None]` with `b[None, :]`"
    for type, span in operands:
        dims: tuple[Dim, ...] = (type.dims or ()) if isinstance(type, ArrayType) else ()
        for axis, dim in enumerate(dims):
            if dim.is_one and not dim.growable:
                last = -1 if axis == len(dims) - 1 else axis
                return f"`squeeze({span.text}, {last})` drops the axis of size 1; {on_purpose}"
    return on_purpose
