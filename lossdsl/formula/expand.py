"""A definition's body before it is read as mathematics: helpers written out, options left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Any, cast

from lossdsl.formula.calls import NONE, bind
from lossdsl.library.declare import Builtin, Library
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import LOSS_OPTIONS
from lossdsl.syntax.parse import parse_program
from lossdsl.syntax.walk import field_names

_DEEPEST = 20  # no chain of helpers is longer; the checker refuses recursion
_LARGEST = 160  # nodes of an expression that is still read as one formula


def expanded(function: Builtin, signature: ast.Signature, library: Library) -> ast.Expr:
    """Return what a function computes as it is without the options of a loss and other masks.

    Helpers are written out as deep as the whole stays of a size that one can read.
    """
    absent = {one.name: NONE for one in signature.parameters if _is_left_out(one)}
    value = body(function, signature)
    found = _expand(value, absent, library, 0)
    for depth in range(1, _DEEPEST):
        further = _expand(value, absent, library, depth)
        if further == found or sum(1 for _ in ast.walk(further)) > _LARGEST:
            break
        found = further
    return found


def _is_left_out(parameter: ast.Parameter) -> bool:
    match parameter:
        case ast.Parameter(type=None):
            return False
        case ast.Parameter(type=ast.OptionalTypeExpr(ast.ArrayTypeExpr("bool"))):
            return True
        case _:
            return parameter.name in LOSS_OPTIONS


def _expand(
    expr: ast.Expr, given: Mapping[str, ast.Expr], library: Library, depth: int
) -> ast.Expr:
    """Put expressions for names, bodies for calls of helpers, and decide what is static."""
    match expr:
        case ast.Name(name):
            return given.get(name, expr)
        case ast.Conditional(value, condition, otherwise):
            condition = _expand(condition, given, library, depth)
            match known(condition):
                case True:
                    return _expand(value, given, library, depth)
                case False:
                    return _expand(otherwise, given, library, depth)
                case _:
                    branches = (_expand(one, given, library, depth) for one in (value, otherwise))
                    return ast.Conditional(next(branches), condition, next(branches), expr.span)
        case ast.Logical(_, operands):
            return _logical(expr, [_expand(one, given, library, depth) for one in operands])
        case ast.Call("map", (ast.Name(function), *operands), ()):
            applied = ast.Call(function, tuple(operands), (), expr.span, expr.name_span)
            return _expand(applied, given, library, depth)
        case ast.Call():
            return _called(expr, given, library, depth)
        case _:
            return cast("ast.Expr", _below(expr, given, library, depth))


def _logical(expr: ast.Logical, operands: list[ast.Expr]) -> ast.Expr:
    """Return `and` or `or` without the operands that are certain and change nothing."""
    neutral = expr.operator == "and"
    open_ = [one for one in operands if known(one) is not neutral]
    if len(open_) == 1:
        return open_[0]
    return replace(expr, operands=tuple(open_ or operands))


def _below(node: Any, given: Mapping[str, ast.Expr], library: Library, depth: int) -> Any:
    """Return a node with everything in it expanded."""
    changed = {
        name: _value(getattr(node, name), given, library, depth) for name in field_names(type(node))
    }
    return replace(node, **changed)


def _value(value: Any, given: Mapping[str, ast.Expr], library: Library, depth: int) -> Any:
    if isinstance(value, tuple):
        items = cast("tuple[Any, ...]", value)
        return tuple(_value(item, given, library, depth) for item in items)
    if isinstance(value, ast.Expr):
        return _expand(value, given, library, depth)
    if is_dataclass(value) and isinstance(value, ast.Addend | ast.Factor | ast.Link | ast.Keyword):
        return _below(value, given, library, depth)
    return _below(value, given, library, depth) if isinstance(value, ast.Slice) else value


def _called(
    call: ast.Call, given: Mapping[str, ast.Expr], library: Library, depth: int
) -> ast.Expr:
    inner = cast("ast.Call", _below(call, given, library, depth))
    function = helper(call, library)
    if function is None or depth == 0:
        kept = tuple(one for one in inner.keywords if one.value != NONE and not _is_idle(one))
        return replace(inner, keywords=kept)
    bound = bind(function, inner)
    value = body(function, bound.signature)
    defaults = {one.name: one.default for one in bound.signature.parameters if one.default}
    said = {one.name: NONE for one in bound.signature.parameters if _is_optional(one)}
    arguments = {**said, **defaults, **bound.given}
    return _expand(value, arguments, library, depth - 1)


def body(function: Builtin, signature: ast.Signature) -> ast.Expr:
    """Return what a function is: what its `formula:` says, else what is written of it.

    A doc has one line of `formula:` for each definition, or for the first ones only.
    """
    at = function.signatures.index(signature)
    stated = function.about.get("formula", "").splitlines()
    if at < len(stated):
        return _parsed(stated[at], signature.span)
    if function.definitions:
        return function.definitions[at].value
    names = tuple(ast.Name(one.name, one.span) for one in signature.parameters if not one.default)
    return ast.Call(function.name, names, (), signature.span, signature.span)


def _parsed(text: str, where: Span) -> ast.Expr:
    """Return a stated formula as if it stood in the file, whose private functions it may call.

    It can be read, or no library would have the function.
    """
    program, _ = parse_program(Source(text))
    assert program is not None
    result = program.statements[-1]
    assert isinstance(result, ast.Result)
    return cast("ast.Expr", _placed(result.value, where))


def _placed(value: Any, where: Span) -> Any:
    """Return a node that stands elsewhere."""
    match value:
        case Span():
            return where
        case tuple():
            return tuple(_placed(item, where) for item in cast("tuple[Any, ...]", value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            parts = {
                name: _placed(getattr(value, name), where) for name in field_names(type(value))
            }
            return replace(value, **parts)
        case _:
            return value


def _is_idle(keyword: ast.Keyword) -> bool:
    """Whether a mask keeps everything."""
    return keyword.name.endswith("where") and known(keyword.value) is True


def _is_optional(parameter: ast.Parameter) -> bool:
    return isinstance(parameter.type, ast.OptionalTypeExpr)


def helper(call: ast.Call, library: Library) -> Builtin | None:
    """Return the private definition that a call means, if it means one."""
    file: Source = call.span.source
    found = library.visible(call.function, file)
    return found if found is not None and call.function.startswith("_") else None


def known(condition: ast.Expr) -> bool | None:
    """Return whether a condition over `none` and choices holds, if that is certain."""
    match condition:
        case ast.Literal(bool() as value):
            return value
        case ast.Index(value) | ast.Call("broadcast", (value, *_)):
            return known(value)
        case ast.Comparison(first, (ast.Link(">=", ast.Literal(0)),)) if _counts(first):
            return True
        case ast.Unary("not", operand):
            held = known(operand)
            return None if held is None else not held
        case ast.Logical("and", operands):
            held = [known(one) for one in operands]
            return False if False in held else None if None in held else True
        case ast.Logical("or", operands):
            held = [known(one) for one in operands]
            return True if True in held else None if None in held else False
        case ast.Comparison(first, (ast.Link("==" | "!=" as operator, second),)):
            same = _same(first, second)
            return None if same is None else same == (operator == "==")
        case _:
            return None


def _counts(expr: ast.Expr) -> bool:
    """Whether an expression is made of positions, which are never negative."""
    match expr:
        case ast.Call("arange"):
            return True
        case ast.Index(value):
            return _counts(value)
        case ast.Sum(addends):
            return all(one.sign != "-" and _counts(one.value) for one in addends)
        case _:
            return False


def _same(first: ast.Expr, second: ast.Expr) -> bool | None:
    match first, second:
        case ast.Text(one), ast.Text(other):
            return one == other
        case ast.Literal(None), ast.Literal(None):
            return True
        case ast.Literal(None), ast.Name() | ast.Attribute():
            return None
        case ast.Name() | ast.Attribute(), ast.Literal(None):
            return None
        case ast.Literal(None), _:
            return False
        case _, ast.Literal(None):
            return False
        case _:
            return None
