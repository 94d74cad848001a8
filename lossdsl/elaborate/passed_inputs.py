"""What a call passes, held against the declared types of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lossdsl.elaborate.context import Scope
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
    symbol_dim,
)
from lossdsl.types.unify import Bindings, Clash, show_pattern, unify


def fit_inputs(
    scope: Scope, declared: Mapping[str, Declared], concrete: Mapping[str, Type]
) -> tuple[dict[str, Type], Bindings]:
    """Hold what a call passes against the declarations, and give every symbol its size."""
    bindings = Bindings()
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]] = []
    for name, declaration in declared.items():
        if name in concrete:
            _collect(scope, declaration, declaration.type, concrete[name], name, arrays)
    clash = unify(arrays, bindings)
    if clash is not None:
        passed = next(type for part, _, type in arrays if part == clash.parameter)
        _report_clash(scope, declared, clash, passed, bindings)
    shown = {symbol: dim.carried for symbol, dim in bindings.dims.items()}
    sizes = {symbol: size for symbol, size in shown.items() if size is not None}
    fitted: dict[str, Type] = {}
    for name, type in concrete.items():
        declaration = declared.get(name)
        fitted[name] = type if declaration is None else _named(declaration.type, type, sizes)
    return fitted, bindings


def _collect(
    scope: Scope,
    declaration: Declared,
    pattern: ast.TypeExpr,
    type: Type,
    part: str,
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]],
) -> None:
    match pattern, type:
        case ast.ArrayTypeExpr(), ArrayType():
            if fits(type.dtype, pattern.dtype) is False:
                expected = show_pattern(pattern)
                scope.at(declaration.span).error(
                    "LD219",
                    f"`{part}` is declared {expected}; the call passes {type}",
                    help="convert it with `astype`, or declare another dtype",
                )
                return
            arrays.append((part, pattern, type))
        case ast.TreeTypeExpr(leaf=leaf), TreeType(leaves=leaves) if leaf is not None:
            for path, below in leaves or ():
                _collect(scope, declaration, leaf, below, "/".join((part, *path)), arrays)
        case ast.RecordTypeExpr(fields), RecordType(given):
            for field in fields:
                inner = dict(given).get(field.name)
                if inner is None:
                    scope.at(declaration.span).error(
                        "LD217",
                        f"`{part}` has no field `{field.name}`",
                        help=f"the call passes {', '.join(f'`{name}`' for name, _ in given)}",
                    )
                else:
                    _collect(scope, declaration, field.type, inner, f"{part}.{field.name}", arrays)
        case (ast.TreeTypeExpr(), TreeType() | RecordType() | ArrayType()) | (_, UnknownType()):
            pass
        case _:
            scope.at(declaration.span).error(
                "LD219",
                f"`{part}` is declared {pattern.span.text}; the call passes "
                f"{'a tree' if isinstance(type, TreeType) else type}",
                help="pass what is declared, or declare what is passed",
            )


def _report_clash(
    scope: Scope,
    declared: Mapping[str, Declared],
    clash: Clash,
    passed: ArrayType,
    bindings: Bindings,
) -> None:
    name = clash.parameter.partition("/")[0].partition(".")[0]
    declaration = declared[name]
    scope.at(declaration.span).error(
        "LD219",
        f"`{clash.parameter}` is declared {declaration.type.span.text}; the call passes {passed}",
        notes=bindings.notes(),
        help="pass what is declared, or declare what is passed",
    )


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
