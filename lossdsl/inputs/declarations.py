"""Inputs: what the text and the caller declare, and what a call really passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.domains import Interval
from lossdsl.library.roles import ROLE_RANGES, words
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.declared import declared_array
from lossdsl.types.types import (
    RecordType,
    TreeType,
    Type,
    UnknownType,
    kind,
)


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
    declared: dict[str, Declared] = {}
    problems: list[Diagnostic] = []
    for statement in program.statements:
        if not isinstance(statement, ast.Declaration):
            continue
        for name, span in zip(statement.names, statement.name_spans, strict=True):
            if name in declared:
                problems.append(at("LD109", f"`{name}` is declared twice", span))
            declared[name] = Declared(name, statement.type, statement.default, span)
        problems += _default_problems(statement)
        problems += _range_problems(statement.type, statement.default)
    for name, type in given.items():
        if name in declared:
            if declared[name].type != type:
                problems.append(
                    at(
                        "LD109",
                        f"`{name}` is declared in the text and by `inputs=`",
                        declared[name].span,
                        help="keep one of the declarations",
                    )
                )
        else:
            declared[name] = Declared(name, type, None, type.span)
            problems += _range_problems(type, None)
    return declared, problems


def _default_problems(statement: ast.Declaration) -> list[Diagnostic]:
    """A default is of the class that is declared: no fraction for `int`, no number for `bool`."""
    default, type = statement.default, statement.type
    if default is None or not isinstance(type, ast.ArrayTypeExpr):
        return []
    classes = {"int": int, "bool": bool, "float": (int, float)}
    default_kind = kind(type.dtype)
    fits_class = isinstance(default.value, classes.get(default_kind, object))
    if fits_class and isinstance(default.value, bool) == (default_kind == "bool"):
        return []
    name, shown = statement.names[0], type.span.text
    message = f"`{name}` is declared {shown}; its default is {default.span.text}"
    return [at("LD219", message, default.span)]


def range_of(type: ast.TypeExpr | None) -> Interval | None:
    """Return the range that an input is declared with."""
    match type:
        case ast.ArrayTypeExpr(range=ast.RangeExpr(low, high, opening, closing)):
            return Interval(low, high, opening, closing)
        case _:
            return None


def _range_problems(type: ast.TypeExpr, default: ast.Literal | None) -> Iterator[Diagnostic]:
    """Yield what is outside of a declared range: the default, or all that the role may be."""
    declared = range_of(type)
    if declared is None or not isinstance(type, ast.ArrayTypeExpr) or type.range is None:
        return
    number = None if default is None else default.value
    if default is not None and number is not None and number not in declared:
        message = f"the default {default.span.text} is outside of the range {declared}"
        yield at("LD503", message, default.span)
    role = ROLE_RANGES.get(type.role or "")
    if role is not None and (declared.low > role.high or declared.high < role.low):
        message = f"{words(type.role or '')} lie in {role}, of which {declared} has nothing"
        help = "declare another role, or another range"
        yield at("LD228", message, type.range.span, help=help)


def symbols_of(declared: Iterable[Declared]) -> dict[str, Span]:
    """Return the dim symbols of the declared types, with the place of the first."""
    symbols: dict[str, Span] = {}
    for declaration in declared:
        for node in ast.walk(declaration.type):
            if isinstance(node, ast.DimExpr):
                for symbol in node.symbols:
                    symbols.setdefault(symbol, node.span)
    return symbols


def runs_of(declared: Iterable[Declared]) -> set[str]:
    """Return the named runs of the declared types."""
    return {
        node.name
        for declaration in declared
        for node in ast.walk(declaration.type)
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


def defaults_of(declared: Mapping[str, Declared]) -> dict[str, float]:
    """Return the numbers that inputs have where a call leaves them out."""
    return {
        name: declaration.default.value
        for name, declaration in declared.items()
        if declaration.default is not None and isinstance(declaration.default.value, int | float)
    }


def ranges_of(declared: Mapping[str, Declared]) -> dict[str, Interval]:
    """Return the ranges that inputs are declared with."""
    ranges = ((name, range_of(declaration.type)) for name, declaration in declared.items())
    return {name: range for name, range in ranges if range is not None}
