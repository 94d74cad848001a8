"""Whether arguments fit a signature: dtypes, shapes, trees; axes moved to where they belong."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field, replace

from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Argument, Static, Value
from lossdsl.infer.axes import AxisMismatch, resolve_axis
from lossdsl.infer.bound import Bound
from lossdsl.infer.patterns import dtype_fits, pattern_of
from lossdsl.infer.statics import static_dim
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import (
    ArrayType,
    Dim,
    RecordType,
    TreeType,
    UnknownType,
)
from lossdsl.types.unify import Bindings, Clash, unify


@dataclasses.dataclass
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


@dataclass(frozen=True, slots=True)
class DtypeMisfit:
    """An argument whose dtype a parameter does not take."""

    parameter: ast.Parameter
    pattern: ast.ArrayTypeExpr
    given: ArrayType
    span: Span


@dataclass(frozen=True, slots=True)
class TreeMisfit:
    """A tree or record given for an array."""

    parameter: str
    given: TreeType | RecordType
    span: Span


@dataclass(frozen=True, slots=True)
class ShapeMisfit:
    """Dims that a signature does not take, and what its symbols stood for by then."""

    clash: Clash
    bindings: Bindings


@dataclass(frozen=True, slots=True)
class AxisMisfit:
    """An axis that an argument does not have."""

    parameter: str
    mismatch: AxisMismatch


@dataclass(frozen=True, slots=True)
class AxisTwice:
    """An axis of an argument that two parameters name."""

    parameter: str
    axis: int
    dims: tuple[Dim, ...]


Misfit = DtypeMisfit | TreeMisfit | ShapeMisfit | AxisMisfit | AxisTwice
"""Why arguments do not fit a signature."""


def fit(bound: Bound) -> Fit | Misfit:
    """Hold the arguments of a call against its signature."""
    result = Fit()
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]] = []
    problem = _resolve_moved_axes(bound, result)
    if problem is not None:
        return problem
    _bind_sizes(bound, result.bindings)
    misfits: list[DtypeMisfit | TreeMisfit] = []
    for parameter in bound.signature.parameters:
        given = bound.variadic if parameter.variadic else [bound.values.get(parameter.name)]
        for entry in given:
            if entry is not None:
                misfits += _collect(bound, parameter, entry, result, arrays)
    clash = unify(arrays, result.bindings)
    # A wrong dtype is the thing to say only where the shapes fit: of two signatures, that one is
    # meant.
    if clash is not None:
        return ShapeMisfit(clash, result.bindings)
    return misfits[0] if misfits else result


def _bind_sizes(bound: Bound, bindings: Bindings) -> None:
    """Let static integers that stand in the dims of other parameters be what is given for them."""
    for name in bound.signature.static_sizes:
        dim = static_dim(bound.values.get(name, (Static(None), bound.span))[0])
        if dim is not None:
            bindings.dims[name], bindings.origin[name] = dim, name


def _collect(
    bound: Bound,
    parameter: ast.Parameter,
    entry: tuple[Argument, Span],
    result: Fit,
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]],
) -> list[DtypeMisfit | TreeMisfit]:
    """Line one argument up with its pattern; return what misfits besides the shape."""
    value, span = entry
    pattern = pattern_of(parameter.type, value)
    if not isinstance(value, Value):
        return []
    lifted = bound.function.elementwise or bound.function.reduction
    if lifted and not isinstance(value.type, UnknownType):
        return []
    misfits: list[DtypeMisfit | TreeMisfit] = []
    match pattern, value.type:
        case ((ast.ArrayTypeExpr() | ast.TreeTypeExpr() | ast.RecordTypeExpr()), UnknownType()):
            result.unknown = True
        case ast.ArrayTypeExpr(), ArrayType() as type:
            if dtype_fits(pattern, type) is False:
                misfits.append(DtypeMisfit(parameter, pattern, type, span))
            if type.dims is None:
                result.unknown = True
            arrays.append((parameter.name, pattern, _moved(result, parameter.name, type)))
        case ast.ArrayTypeExpr(), (TreeType() | RecordType()) as type:
            misfits.append(TreeMisfit(parameter.name, type, span))
        case ast.TreeTypeExpr(leaf=leaf), TreeType(leaves=leaves):
            if leaves is None:
                result.unknown = True
            for _, leaf_type in leaves or ():
                if leaf is not None:
                    arrays.append((parameter.name, leaf, leaf_type))
        case ast.TreeTypeExpr(leaf=leaf), ArrayType() as type:
            if leaf is not None:
                arrays.append((parameter.name, leaf, type))
        case _:
            pass
    return misfits


def _moved(result: Fit, name: str, type: ArrayType) -> ArrayType:
    """Return the type with its named axes at the places that the pattern gives them."""
    if name not in result.moved or type.dims is None:
        return type
    order = moved_order(len(type.dims), result.moved[name])
    return replace(type, dims=tuple(type.dims[at] for at in order))


def move(dims: tuple[Dim, ...], source: int, target: int) -> tuple[Dim, ...]:
    """Return the dims with one of them moved."""
    rest = list(dims)
    moved = rest.pop(source)
    rest.insert(target, moved)
    return tuple(rest)


def moved_order(rank: int, moved: Mapping[int, int]) -> tuple[int, ...]:
    """Return the order of axes that has some of them at given places, the others as they were.

    >>> moved_order(3, {1: 0, 2: 2})
    (1, 0, 2)
    """
    rest = iter([at for at in range(rank) if at not in moved.values()])
    return tuple(moved[place] if place in moved else next(rest) for place in range(rank))


def _resolve_moved_axes(bound: Bound, result: Fit) -> AxisMisfit | AxisTwice | None:
    """Find where axes that are named are in each argument; return what is wrong with one."""
    for parameter in bound.signature.parameters:
        type, given = parameter.plain_type, bound.axes.get(parameter.name)
        if given is None or not (isinstance(type, ast.WordTypeExpr) and type.word == "axis"):
            continue
        result.axes[parameter.name] = None
        first: str | None = None
        for other in bound.signature.parameters:
            entry = bound.values.get(other.name)
            if entry is None or not isinstance(entry[0], Value):
                continue
            pattern = pattern_of(other.type, entry[0])
            placed = _place(pattern, type.arguments)
            if placed is None or not isinstance(entry[0].type, ArrayType):
                continue
            place, own = placed
            dims = entry[0].type.dims
            axis = result.axes[parameter.name]
            # Where the pattern has another symbol, the dim that is named need not occur: the axis
            # stands where the first argument has it.
            is_position = isinstance(given.sole, int)
            if is_position or first in (None, own) or not _has(dims, axis):
                axis = resolve_axis(given.of(entry[1]), dims)
            if isinstance(axis, AxisMismatch):
                return AxisMisfit(parameter.name, axis)
            if axis is None or dims is None:
                result.unknown = True
                continue
            if result.axes[parameter.name] is None:
                result.axes[parameter.name], first = axis, own
                for symbol in type.arguments:
                    result.symbols[symbol] = (axis, len(dims) + place)
            moved = result.moved.setdefault(other.name, {})
            if axis in moved.values():
                return AxisTwice(other.name, axis, dims)
            moved[len(dims) + place] = axis
    return None


def _has(dims: tuple[Dim, ...] | None, axis: int | None) -> bool:
    return dims is not None and axis is not None and axis < len(dims)


def _place(pattern: ast.TypeExpr | None, symbols: tuple[str, ...]) -> tuple[int, str] | None:
    """Return where a pattern has one of the symbols, counted from the end (-1 is last), and it."""
    if not isinstance(pattern, ast.ArrayTypeExpr) or len(pattern.dims) < 2:
        return None
    for place, dim in enumerate(pattern.dims):
        match dim:
            case ast.DimExpr(constant=0, symbols=(symbol,)) if symbol in symbols:
                return place - len(pattern.dims), symbol
            case _:
                pass
    return None
