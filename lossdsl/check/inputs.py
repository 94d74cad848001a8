"""Inputs: what the text and the caller declare, and what a call really passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lossdsl.check.context import Context, Scope
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.declared import declared_array
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
    kind,
    symbol_dim,
)
from lossdsl.types.unify import Bindings, Clash, show_pattern, unify


@dataclass(frozen=True, slots=True)
class Declared:
    """One input: how it is declared, where, and what it is worth when it is left out."""

    name: str
    type: ast.TypeExpr
    default: ast.Literal | None
    span: Span


def declared_inputs(
    program: ast.Program, given: Mapping[str, ast.TypeExpr]
) -> tuple[dict[str, Declared], list[Diagnostic]]:
    """Collect the inputs that the text and the caller declare."""
    found: dict[str, Declared] = {}
    problems: list[Diagnostic] = []
    for statement in program.statements:
        if not isinstance(statement, ast.Declaration):
            continue
        for name, span in zip(statement.names, statement.name_spans, strict=True):
            if name in found:
                problems.append(at("LD109", f"`{name}` is declared twice", span))
            found[name] = Declared(name, statement.type, statement.default, span)
        problems += _default_problems(statement)
    for name, type in given.items():
        if name in found:
            if found[name].type != type:
                problems.append(
                    at(
                        "LD109",
                        f"`{name}` is declared in the text and by `inputs=`",
                        found[name].span,
                        help="keep one of the declarations",
                    )
                )
        else:
            found[name] = Declared(name, type, None, type.span)
    return found, problems


def _default_problems(statement: ast.Declaration) -> list[Diagnostic]:
    """A default is of the class that is declared: no fraction for `int`, no number for `bool`."""
    default, type = statement.default, statement.type
    if default is None or not isinstance(type, ast.ArrayTypeExpr):
        return []
    classes = {"int": int, "bool": bool, "float": (int, float)}
    wanted = kind(type.dtype)
    fits_class = isinstance(default.value, classes.get(wanted, object))
    if fits_class and isinstance(default.value, bool) == (wanted == "bool"):
        return []
    name, said = statement.names[0], type.span.text
    message = f"`{name}` is declared {said}; its default is {default.span.text}"
    return [at("LD219", message, default.span)]


def symbols_of(declared: Iterable[Declared]) -> dict[str, Span]:
    """Return the dim symbols of the declared types, with the place of the first."""
    found: dict[str, Span] = {}
    for one in declared:
        for node in ast.walk(one.type):
            if isinstance(node, ast.DimExpr):
                for symbol in node.symbols:
                    found.setdefault(symbol, node.span)
    return found


def runs_of(declared: Iterable[Declared]) -> set[str]:
    """Return the named runs of the declared types."""
    return {
        node.name
        for one in declared
        for node in ast.walk(one.type)
        if isinstance(node, ast.Run) and node.name is not None
    }


def static_type(type: ast.TypeExpr) -> Type:
    """Return the type of an input as far as its declaration says."""
    match type:
        case ast.ArrayTypeExpr():
            return declared_array(type)
        case ast.TreeTypeExpr(leaf, role):
            return TreeType(None if leaf is None else declared_array(leaf), None, role)
        case ast.RecordTypeExpr(fields):
            return RecordType(tuple((field.name, static_type(field.type)) for field in fields))
        case _:
            return UnknownType()


def fit_inputs(
    context: Context,
    scope: Scope,
    declared: Mapping[str, Declared],
    concrete: Mapping[str, Type],
) -> tuple[dict[str, Type], Bindings]:
    """Hold what a call passes against the declarations, and give every symbol its size."""
    bindings = Bindings()
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]] = []
    for name, one in declared.items():
        if name in concrete:
            _collect(context, scope, one, one.type, concrete[name], name, arrays)
    clash = unify(arrays, bindings)
    if clash is not None:
        passed = next(type for said, _, type in arrays if said == clash.parameter)
        _report_clash(context, scope, declared, clash, passed, bindings)
    sizes = {symbol: dim.known for symbol, dim in bindings.dims.items() if dim.known is not None}
    fitted: dict[str, Type] = {}
    for name, type in concrete.items():
        one = declared.get(name)
        fitted[name] = type if one is None else _named(one.type, type, sizes)
    return fitted, bindings


def _collect(
    context: Context,
    scope: Scope,
    one: Declared,
    pattern: ast.TypeExpr,
    type: Type,
    said: str,
    arrays: list[tuple[str, ast.ArrayTypeExpr, ArrayType]],
) -> None:
    match pattern, type:
        case ast.ArrayTypeExpr(), ArrayType():
            if fits(type.dtype, pattern.dtype) is False:
                wanted = show_pattern(pattern)
                context.error(
                    scope,
                    "LD219",
                    f"`{said}` is declared {wanted}; the call passes {type}",
                    one.span,
                    help="convert it with `astype`, or declare another dtype",
                )
                return
            arrays.append((said, pattern, type))
        case ast.TreeTypeExpr(leaf=leaf), TreeType(leaves=leaves) if leaf is not None:
            for path, below in leaves or ():
                _collect(context, scope, one, leaf, below, "/".join((said, *path)), arrays)
        case ast.RecordTypeExpr(fields), RecordType(given):
            for field in fields:
                inner = dict(given).get(field.name)
                if inner is None:
                    context.error(
                        scope,
                        "LD217",
                        f"`{said}` has no field `{field.name}`",
                        one.span,
                        help=f"the call passes {', '.join(f'`{name}`' for name, _ in given)}",
                    )
                else:
                    _collect(context, scope, one, field.type, inner, f"{said}.{field.name}", arrays)
        case (ast.TreeTypeExpr(), TreeType() | RecordType() | ArrayType()) | (_, UnknownType()):
            pass
        case _:
            context.error(
                scope,
                "LD219",
                f"`{said}` is declared {pattern.span.text}; the call passes "
                f"{'a tree' if isinstance(type, TreeType) else type}",
                one.span,
                help="pass what is declared, or declare what is passed",
            )


def _report_clash(
    context: Context,
    scope: Scope,
    declared: Mapping[str, Declared],
    clash: Clash,
    passed: ArrayType,
    bindings: Bindings,
) -> None:
    name = clash.parameter.partition("/")[0].partition(".")[0]
    one = declared[name]
    context.error(
        scope,
        "LD219",
        f"`{clash.parameter}` is declared {one.type.span.text}; the call passes {passed}",
        one.span,
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
            full = substitute(dim.polynomial, lambda one: symbol_dim(one, sizes.get(one)))
            named.append(full if full.known == given[at].known else given[at])
        elif at < len(given):
            named.append(given[at])
        at += 1
    return tuple(named)
