"""Whether arguments fit a signature: dtypes, shapes, trees; axes moved to where they belong."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace

from lossdsl.check.axes import resolve_axis
from lossdsl.check.binding import Bound, show_signature
from lossdsl.check.context import Argument, Context, Scope, Static, Value
from lossdsl.check.core import Input
from lossdsl.check.operate import DTYPE_WORDS
from lossdsl.diagnostics.diagnostic import Diagnostic, Label
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import (
    ArrayType,
    Dim,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    fits,
    kind,
)
from lossdsl.types.unify import Bindings, Clash, show_pattern, unify


@dataclass
class Fit:
    """A signature that took its arguments: what symbols stand for, and where axes are.

    `moved` gives, by parameter, the axes of the argument that belong at places of the pattern:
    from place to axis, both counted from the start; `unknown` says that some argument has no type
    yet.
    """

    bindings: Bindings = field(default_factory=Bindings)
    axes: dict[str, int | None] = field(default_factory=dict[str, "int | None"])
    moved: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    symbols: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    unknown: bool = False


def pattern_of(type: ast.TypeExpr | None, value: Argument) -> ast.TypeExpr | None:
    """Return the type that a value is held against: `?` removed, the fitting one of a union."""
    if isinstance(type, ast.OptionalTypeExpr):
        return pattern_of(type.type, value)
    if isinstance(type, ast.UnionTypeExpr) and isinstance(value, Value):
        for option in type.options:
            if _could_fit(option, value.type):
                return option
        return type.options[0]
    return type


def _could_fit(option: ast.TypeExpr, type: Type) -> bool:
    match option, type:
        case ast.ArrayTypeExpr(), ArrayType():
            if _dtype_fits(option, type) is False:
                return False
            if type.dims is None:
                return True
            fixed = sum(not isinstance(dim, ast.Run) for dim in option.dims)
            return len(type.dims) == fixed or (len(type.dims) > fixed and fixed < len(option.dims))
        case ast.TreeTypeExpr(), TreeType() | RecordType():
            return True
        case _, UnknownType():
            return True
        case _:
            return False


def _dtype_fits(pattern: ast.ArrayTypeExpr, type: ArrayType) -> bool | None:
    if pattern.role == "spikes":
        return True
    if pattern.dtype == "float":
        return fits(type.dtype, "num")
    if pattern.dtype in ("num", "any", "int", "bool"):
        return fits(type.dtype, pattern.dtype)
    accepted = fits(type.dtype, pattern.dtype)
    return True if type.strength == 0 and kind(type.dtype) in ("int", "float") else accepted


def fit(context: Context, scope: Scope, bound: Bound) -> Fit | Diagnostic:
    """Hold the arguments of a call against its signature."""
    result = Fit()
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]] = []
    _resolve_moved_axes(context, scope, bound, result)
    for parameter in bound.signature.parameters:
        given = bound.variadic if parameter.variadic else [bound.values.get(parameter.name)]
        for entry in given:
            if entry is None:
                continue
            problem = _collect(context, bound, parameter, entry, result, arrays)
            if problem is not None:
                return problem
    clash = unify(arrays, result.bindings)
    if clash is not None:
        return _shape_clash(bound, result, clash)
    return result


def _collect(
    context: Context,
    bound: Bound,
    parameter: ast.Parameter,
    entry: tuple[Argument, Span],
    result: Fit,
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]],
) -> Diagnostic | None:
    value, span = entry
    pattern = pattern_of(parameter.type, value)
    if not isinstance(value, Value):
        return None
    lifted = bound.function.elementwise or bound.function.reduction
    if lifted and not isinstance(value.type, UnknownType):
        return None
    match pattern, value.type:
        case ((ast.ArrayTypeExpr() | ast.TreeTypeExpr() | ast.RecordTypeExpr()), UnknownType()):
            result.unknown = True
            _infer(context, value, pattern)
        case ast.ArrayTypeExpr(), ArrayType() as type:
            if _dtype_fits(pattern, type) is False:
                return _wrong_dtype(bound, parameter, pattern, type, span)
            if type.dims is None:
                result.unknown = True
            arrays.append((parameter.name, pattern, _moved(result, parameter.name, type)))
        case ast.ArrayTypeExpr(), TreeType() | RecordType():
            return Diagnostic(
                "LD203",
                f"`{bound.function.name}` takes an array as `{parameter.name}`; this is a tree",
                (Label(span, str(value.type), primary=True),),
                help=f"select a leaf, such as `{span.text}.name`, or apply it to each leaf: "
                f"`map({bound.function.name}, {span.text})`",
            )
        case ast.TreeTypeExpr(leaf=leaf), TreeType(leaves=leaves):
            if leaves is None:
                result.unknown = True
            for _, one in leaves or ():
                if leaf is not None:
                    arrays.append((parameter.name, leaf, one))
        case ast.TreeTypeExpr(leaf=leaf), ArrayType() as type:
            if leaf is not None:
                arrays.append((parameter.name, leaf, type))
        case _:
            pass
    return None


def _infer(context: Context, value: Value, pattern: ast.TypeExpr) -> None:
    """Remember what a library signature says of an undeclared input."""
    if isinstance(value.node, Input) and context.inferred.get(value.node.name) == "unknown":
        match pattern:
            case ast.ArrayTypeExpr():
                context.inferred[value.node.name] = show_pattern(pattern)
            case ast.TreeTypeExpr(leaf):
                shown = "tree" if leaf is None else f"tree[{show_pattern(leaf)}]"
                context.inferred[value.node.name] = shown
            case _:
                pass


def _moved(result: Fit, name: str, type: ArrayType) -> ArrayType:
    """Return the type with its named axes at the places that the pattern gives them."""
    if name not in result.moved or type.dims is None:
        return type
    order = moved_order(len(type.dims), result.moved[name])
    return replace(type, dims=tuple(type.dims[at] for at in order))


def move(dims: tuple[Dim, ...], source: int, target: int) -> tuple[Dim, ...]:
    """Return the dims with one of them moved."""
    rest = list(dims)
    one = rest.pop(source)
    rest.insert(target, one)
    return tuple(rest)


def moved_order(rank: int, moved: Mapping[int, int]) -> tuple[int, ...]:
    """Return the order of axes that has some of them at given places, the others as they were.

    >>> moved_order(3, {1: 0, 2: 2})
    (1, 0, 2)
    """
    rest = iter([at for at in range(rank) if at not in moved.values()])
    return tuple(moved[place] if place in moved else next(rest) for place in range(rank))


def _resolve_moved_axes(context: Context, scope: Scope, bound: Bound, result: Fit) -> None:
    for parameter in bound.signature.parameters:
        type = parameter.type
        if isinstance(type, ast.OptionalTypeExpr):
            type = type.type
        if not (isinstance(type, ast.WordTypeExpr) and type.word == "axis"):
            continue
        given = bound.syntax.get(parameter.name, ())
        expr = given[0] if given else parameter.default
        if expr is None:
            continue
        result.axes[parameter.name] = None
        for other in bound.signature.parameters:
            entry = bound.values.get(other.name)
            if entry is None or not isinstance(entry[0], Value):
                continue
            pattern = pattern_of(other.type, entry[0])
            place = _place(pattern, type.arguments)
            if place is None or not isinstance(entry[0].type, ArrayType):
                continue
            dims = entry[0].type.dims
            axis = resolve_axis(context, scope, expr, dims, parameter.name)
            if axis is None or dims is None:
                result.unknown = True
                continue
            if result.axes[parameter.name] is None:
                result.axes[parameter.name] = axis
                for symbol in type.arguments:
                    result.symbols[symbol] = (axis, len(dims) + place)
            moved = result.moved.setdefault(other.name, {})
            if axis in moved.values():
                shown = f"[{', '.join(map(str, dims))}]"
                message = f"two options name axis {axis} of `{other.name}`"
                context.error(scope, "LD207", message, bound.span, shown)
                result.unknown = True
                continue
            moved[len(dims) + place] = axis


def _place(pattern: ast.TypeExpr | None, symbols: tuple[str, ...]) -> int | None:
    """Return where a pattern has one of the symbols, counted from the end (-1 is last)."""
    if not isinstance(pattern, ast.ArrayTypeExpr) or len(pattern.dims) < 2:
        return None
    for at, dim in enumerate(pattern.dims):
        if isinstance(dim, ast.DimExpr) and dim.constant == 0 and len(dim.terms) == 1:
            if dim.terms[0][0] in symbols:
                return at - len(pattern.dims)
    return None


def _wrong_dtype(
    bound: Bound,
    parameter: ast.Parameter,
    pattern: ast.ArrayTypeExpr,
    type: ArrayType,
    span: Span,
) -> Diagnostic:
    if kind(type.dtype) == "bool" and kind(pattern.dtype) in ("float", "int", "num"):
        help = "`where(m, x, 0)` selects with it; `where=` of a loss leaves elements out"
        code = "LD216"
    else:
        code = "LD214"
        help = {
            "int": "labels are whole numbers: declare them as `int[B]`",
            "bool": "compare it first, such as `m > 0`",
        }.get(kind(pattern.dtype))
    wanted = DTYPE_WORDS.get(pattern.dtype, pattern.dtype)
    return Diagnostic(
        code,
        f"`{parameter.name}` of `{bound.function.name}` is {wanted}, not {type.dtype}",
        (Label(span, str(type), primary=True),),
        help=help,
    )


def _shape_clash(bound: Bound, result: Fit, clash: Clash) -> Diagnostic:
    entry = bound.values.get(clash.parameter)
    span = entry[1] if entry is not None else bound.span
    found = str(entry[0].type) if entry is not None and isinstance(entry[0], Value) else clash.found
    name = bound.function.name
    notes = result.bindings.notes()
    if clash.kind == "rank":
        return Diagnostic(
            "LD204",
            f"`{clash.parameter}` of `{name}` has the dims {clash.expected}, not {clash.found}",
            (Label(span, found, primary=True),),
            notes=notes,
            help=f"its signature: `{show_signature(bound.function, bound.signature)}`",
        )
    other = _partner(bound, result, clash.parameter)
    label: tuple[Label, ...] = ()
    if other is None:
        message = (
            f"`{clash.parameter}` of `{name}` is {clash.found} where {clash.expected} is needed"
        )
    else:
        message = f"`{other}` and `{clash.parameter}` of `{name}` differ in shape"
        value, other_span = bound.values[other]
        label = (Label(other_span, str(value.type) if isinstance(value, Value) else ""),)
    return Diagnostic(
        "LD201",
        message,
        (Label(span, found, primary=True), *label),
        notes=notes,
        help=_shape_help(bound, clash.parameter, other),
    )


def _partner(bound: Bound, result: Fit, parameter: str) -> str | None:
    """Return the parameter that bound what this one disagrees with."""
    declared = next(one for one in bound.signature.parameters if one.name == parameter)
    value = bound.values.get(parameter)
    pattern = pattern_of(declared.type, value[0]) if value else None
    if not isinstance(pattern, ast.ArrayTypeExpr):
        return None
    for dim in pattern.dims:
        names = (
            [dim.name]
            if isinstance(dim, ast.Run)
            else ([symbol for symbol, _ in dim.terms] if isinstance(dim, ast.DimExpr) else [])
        )
        for name in names:
            origin = result.bindings.origin.get(name or "")
            if origin is not None and origin != parameter and origin in bound.values:
                return origin
    return None


def _shape_help(bound: Bound, parameter: str, other: str | None) -> str | None:
    if other is None:
        return None
    mine, theirs = bound.values[parameter][0], bound.values[other][0]
    if not isinstance(mine, Value) or not isinstance(theirs, Value):
        return None
    match mine.type, theirs.type:
        case ArrayType(dims=a), ArrayType(dims=b) if a is not None and b is not None:
            text = bound.values[parameter][1].text
            names, wanted = [str(dim) for dim in a], [str(dim) for dim in b]
            if names != wanted and sorted(names) == sorted(wanted) and len(set(names)) == len(a):
                order = ", ".join(str(names.index(name)) for name in wanted)
                return f"the axes look swapped: `transpose({text}, ({order}))`"
            for longer, shorter, which in ((a, b, text), (b, a, bound.values[other][1].text)):
                if len(longer) == len(shorter) + 1:
                    ones = [at for at, dim in enumerate(longer) if dim.is_one]
                    if ones:
                        return f"`squeeze({which}, {ones[0] - len(longer) if ones[0] else 0})`"
    return None


def trial(fitted: Fit) -> Fit:
    """Return a copy that can be bound further."""
    return deepcopy(fitted)


__all__ = ["Fit", "Static", "fit", "move", "moved_order", "pattern_of"]
