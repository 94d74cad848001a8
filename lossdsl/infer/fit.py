"""Whether arguments fit a signature: dtypes, shapes, trees; axes moved to where they belong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Static, Value
from lossdsl.infer.axis_positions import AxisMismatch, resolve_axis
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

    bound: Bound
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
    result = Fit(bound)
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]] = []
    problem = _resolve_moved_axes(result)
    if problem is not None:
        return problem
    _bind_sizes(result)
    misfits: list[DtypeMisfit | TreeMisfit] = []
    lifted = bound.function.elementwise or bound.function.reduction
    for parameter in bound.signature.parameters:
        for entry in bound.entries(parameter):
            match entry:
                case (Value(type=type) as value, span):
                    if not lifted or isinstance(type, UnknownType):
                        arrays += _arrays(result, parameter, value)
                        misfits += _misfits(parameter, value, span)
                case _:
                    pass
    clash = unify(arrays, result.bindings)
    # A wrong dtype is the thing to say only where the shapes fit: of two signatures, that one is
    # meant.
    if clash is not None:
        return ShapeMisfit(clash, result.bindings)
    return misfits[0] if misfits else result


def _bind_sizes(result: Fit) -> None:
    """Let static integers that stand in the dims of other parameters be what is given for them."""
    bound, bindings = result.bound, result.bindings
    for name in bound.signature.static_sizes:
        dim = static_dim(bound.values.get(name, (Static(None), bound.span))[0])
        if dim is not None:
            bindings.dims[name], bindings.origin[name] = dim, name


def _arrays(
    result: Fit, parameter: ast.Parameter, value: Value
) -> Iterator[tuple[str, ast.ArrayTypeExpr, ArrayType]]:
    """Line the arrays of one argument up with their pattern; note where there is no type yet."""
    name = parameter.name
    match pattern_of(parameter.type, value), value.type:
        case ((ast.ArrayTypeExpr() | ast.TreeTypeExpr() | ast.RecordTypeExpr()), UnknownType()):
            result.unknown = True
        case ast.ArrayTypeExpr() as pattern, ArrayType() as type:
            result.unknown |= type.dims is None
            yield name, pattern, _moved(result, name, type)
        case ast.TreeTypeExpr(leaf=leaf), TreeType(leaves=leaves):
            result.unknown |= leaves is None
            for _, leaf_type in leaves or ():
                if leaf is not None:
                    yield name, leaf, leaf_type
        case ast.TreeTypeExpr(leaf=leaf), ArrayType() as type if leaf is not None:
            yield name, leaf, type
        case _:
            pass


def _misfits(
    parameter: ast.Parameter, value: Value, span: Span
) -> Iterator[DtypeMisfit | TreeMisfit]:
    """Yield what misfits of one argument besides the shape."""
    match pattern_of(parameter.type, value), value.type:
        case ast.ArrayTypeExpr() as pattern, ArrayType() as type:
            if dtype_fits(pattern, type) is False:
                yield DtypeMisfit(parameter, pattern, type, span)
        case ast.ArrayTypeExpr(), (TreeType() | RecordType()) as type:
            yield TreeMisfit(parameter.name, type, span)
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


def _resolve_moved_axes(result: Fit) -> AxisMisfit | AxisTwice | None:
    """Find where axes that are named are in each argument; return what is wrong with one."""
    bound = result.bound
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
