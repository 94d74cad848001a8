"""What a call passes, held against the declared types of its inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from lossdsl.elaborate.context import Scope, Site
from lossdsl.frozen import dataclass
from lossdsl.inputs.declarations import Declared
from lossdsl.syntax import ast
from lossdsl.types.dims import substitute
from lossdsl.types.types import (
    SCALAR,
    ArrayType,
    Dim,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    fits,
    of_numbers,
    symbol_dim,
)
from lossdsl.types.unify import Bindings, show_pattern, unify

_Pair = tuple[str, ast.ArrayTypeExpr, ArrayType]


@dataclass(frozen=True, slots=True)
class Passed:
    """What a call passes: the types of its inputs, and the default float there.

    With `partial` the inputs without a type keep their declared one, or none. `batch` names the
    inputs that hold a batch, where their types do not say it. With `debug` the arguments that must
    lie somewhere are marked, to be looked at. `sizes` are those that a call leaves open, by the
    symbols that stand for them in its types.
    """

    types: Mapping[str, Type]
    default_float: str = "float"
    partial: bool = False
    batch: Collection[str] | None = None
    debug: bool = False
    sizes: Mapping[str, Any] = field(default_factory=dict[str, Any])


def fit_inputs(
    scope: Scope, declared: Mapping[str, Declared], passed: Mapping[str, Type]
) -> tuple[dict[str, Type], Bindings]:
    """Hold what a call passes against the declarations, and give every symbol its size."""
    bindings = Bindings()
    arrays: list[tuple[Declared, _Pair]] = []
    for name, declaration in declared.items():
        if name in passed:
            site = scope.at(declaration.span)
            pairs = _pairs(site, name, declaration.type, passed[name])
            arrays += [(declaration, pair) for pair in pairs]
    clash = unify([pair for _, pair in arrays], bindings)
    if clash is not None:
        declaration, type = next(
            (declaration, type)
            for declaration, (part, _, type) in arrays
            if part == clash.parameter
        )
        scope.at(declaration.span).error(
            "LD219",
            f"`{clash.parameter}` is declared {declaration.type.span.text}; the call passes {type}",
            notes=bindings.notes(),
            help="pass what is declared, or declare what is passed",
        )
    shown = {symbol: dim.carried for symbol, dim in bindings.dims.items()}
    sizes = {symbol: size for symbol, size in shown.items() if size is not None}
    fitted: dict[str, Type] = {}
    for name, type in passed.items():
        declaration = declared.get(name)
        fitted[name] = type if declaration is None else _named(declaration.type, type, sizes)
    return fitted, bindings


def _pairs(site: Site, part: str, pattern: ast.TypeExpr, type: Type) -> Iterator[_Pair]:
    """Yield the arrays of what is passed beside their patterns; report what else misfits."""
    match pattern, type:
        case ast.ArrayTypeExpr(), ArrayType():
            if fits(type.dtype, pattern.dtype) is not False:
                yield part, pattern, type
                return
            site.error(
                "LD219",
                f"`{part}` is declared {show_pattern(pattern)}; the call passes {type}",
                help="convert it with `astype`, or declare another dtype",
            )
        case ast.TreeTypeExpr(leaf=leaf), TreeType(leaves=leaves) if leaf is not None:
            for path, below in leaves or ():
                yield from _pairs(site, "/".join((part, *path)), leaf, below)
        case ast.RecordTypeExpr(fields), RecordType(given):
            types = dict(given)
            for declared in fields:
                if declared.name in types:
                    name = f"{part}.{declared.name}"
                    yield from _pairs(site, name, declared.type, types[declared.name])
                    continue
                site.error(
                    "LD217",
                    f"`{part}` has no field `{declared.name}`",
                    help=f"the call passes {', '.join(f'`{name}`' for name, _ in given)}",
                )
        case (ast.TreeTypeExpr(), TreeType() | RecordType() | ArrayType()) | (_, UnknownType()):
            pass
        case _:
            shown, help = str(type), "pass what is declared, or declare what is passed"
            if isinstance(type, TreeType):
                leaves = ", ".join(f"`{'/'.join(path)}`" for path, _ in (type.leaves or ())[:3])
                shown = f"a tree{f' of {leaves}' if leaves else ''}"
                if of_numbers(type):
                    shown = "a list of numbers, which is a tree"
                    help = f"pass an array: `jnp.asarray({part})`"
            message = f"`{part}` is declared {pattern.span.text}; the call passes {shown}"
            site.error("LD219", message, help=help)


def _named(pattern: ast.TypeExpr, type: Type, sizes: Mapping[str, int]) -> Type:
    """Give a concrete type the dim names, roles and dtype strength of its declaration."""
    match pattern, type:
        case ast.ArrayTypeExpr(dims=dims, role=role), ArrayType(dims=given) if given is not None:
            named = _name_dims(dims, given, sizes)
            strength = SCALAR if not given else type.strength
            return replace(type, dims=named, role=role, strength=strength)
        case ast.TreeTypeExpr(leaf=leaf, role=role), TreeType(leaves=leaves):
            if leaf is None or leaves is None:
                return replace(type, role=role)
            kept: list[tuple[tuple[str, ...], ArrayType]] = []
            for path, below in leaves:
                inner = _named(leaf, below, sizes)
                assert isinstance(inner, ArrayType)
                kept.append((path, replace(inner, strength=below.strength)))
            return replace(type, leaves=tuple(kept), role=role)
        case ast.RecordTypeExpr(fields), RecordType(given):
            types = {field.name: field.type for field in fields}
            return RecordType(
                tuple((n, _named(types[n], t, sizes)) for n, t in given if n in types)
            )
        case _:
            return type


def _name_dims(
    pattern: tuple[ast.DimExpr | ast.AnyDim | ast.Run, ...],
    given: tuple[Dim, ...],
    sizes: Mapping[str, int],
) -> tuple[Dim, ...]:
    named: list[Dim] = []
    spare = len(given) - sum(not isinstance(dim, ast.Run) for dim in pattern)
    at = 0
    for dim in pattern:
        if isinstance(dim, ast.Run):
            named += given[at : at + spare]
            at += spare
            continue
        if isinstance(dim, ast.DimExpr) and at < len(given):
            full = substitute(dim.polynomial, lambda symbol: symbol_dim(symbol, sizes.get(symbol)))
            named.append(full if full.carried == given[at].carried else given[at])
        elif at < len(given):
            named.append(given[at])
        at += 1
    return tuple(named)
