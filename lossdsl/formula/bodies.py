"""A definition's body before it is read as mathematics: helpers written out, options left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Any, cast

from lossdsl.formula.parameters import NONE, bind
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
    absent = {parameter.name: NONE for parameter in signature.parameters if _is_left_out(parameter)}
    value = body(function, signature)
    whole = _expand(value, absent, library, 0)
    for depth in range(1, _DEEPEST):
        further = _expand(value, absent, library, depth)
        if further == whole or sum(1 for _ in ast.walk(further)) > _LARGEST:
            break
        whole = further
    return whole


def _is_left_out(parameter: ast.Parameter) -> bool:
    match parameter:
        case ast.Parameter(type=None):
            return False
        case ast.Parameter(type=ast.OptionalTypeExpr(ast.ArrayTypeExpr("bool"))):
            return True
        case _:
            return parameter.name in LOSS_OPTIONS


def _expand(
    expr: ast.Expr, bindings: Mapping[str, ast.Expr], library: Library, depth: int
) -> ast.Expr:
    """Put expressions for names, bodies for calls of helpers, and decide what is static."""
    match expr:
        case ast.Name(name):
            return bindings.get(name, expr)
        case ast.Conditional(value, condition, otherwise):
            condition = _expand(condition, bindings, library, depth)
            match known(condition):
                case True:
                    return _expand(value, bindings, library, depth)
                case False:
                    return _expand(otherwise, bindings, library, depth)
                case _:
                    branches = (
                        _expand(branch, bindings, library, depth) for branch in (value, otherwise)
                    )
                    return ast.Conditional(next(branches), condition, next(branches), expr.span)
        case ast.Logical(_, operands):
            return _logical(
                expr, [_expand(operand, bindings, library, depth) for operand in operands]
            )
        case ast.Call("map", (ast.Name(function), *operands), ()):
            applied = ast.Call(function, tuple(operands), (), expr.span, expr.name_span)
            return _expand(applied, bindings, library, depth)
        case ast.Call():
            return _called(expr, bindings, library, depth)
        case _:
            return cast("ast.Expr", _below(expr, bindings, library, depth))


def _logical(expr: ast.Logical, operands: list[ast.Expr]) -> ast.Expr:
    """Return `and` or `or` without the operands that are certain and change nothing."""
    neutral = expr.operator == "and"
    open_ = [operand for operand in operands if known(operand) is not neutral]
    if len(open_) == 1:
        return open_[0]
    return replace(expr, operands=tuple(open_ or operands))


def _below(node: Any, bindings: Mapping[str, ast.Expr], library: Library, depth: int) -> Any:
    """Return a node with everything in it expanded."""
    changed = {
        name: _value(getattr(node, name), bindings, library, depth)
        for name in field_names(type(node))
    }
    return replace(node, **changed)


def _value(value: Any, bindings: Mapping[str, ast.Expr], library: Library, depth: int) -> Any:
    if isinstance(value, tuple):
        items = cast("tuple[Any, ...]", value)
        return tuple(_value(item, bindings, library, depth) for item in items)
    if isinstance(value, ast.Expr):
        return _expand(value, bindings, library, depth)
    if is_dataclass(value) and isinstance(value, ast.Addend | ast.Factor | ast.Link | ast.Keyword):
        return _below(value, bindings, library, depth)
    return _below(value, bindings, library, depth) if isinstance(value, ast.Slice) else value


def _called(
    call: ast.Call, bindings: Mapping[str, ast.Expr], library: Library, depth: int
) -> ast.Expr:
    inner = cast("ast.Call", _below(call, bindings, library, depth))
    function = helper(call, library)
    if function is None or depth == 0:
        keywords = tuple(
            keyword for keyword in inner.keywords if keyword.value != NONE and not _is_idle(keyword)
        )
        return replace(inner, keywords=keywords)
    bound = bind(function, inner)
    value = body(function, bound.signature)
    defaults = {
        parameter.name: parameter.default
        for parameter in bound.signature.parameters
        if parameter.default
    }
    absent = {
        parameter.name: NONE for parameter in bound.signature.parameters if _is_optional(parameter)
    }
    arguments = {**absent, **defaults, **bound.given}
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
    names = tuple(
        ast.Name(parameter.name, parameter.span)
        for parameter in signature.parameters
        if not parameter.default
    )
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
    function = library.visible(call.function, file)
    return function if function is not None and call.function.startswith("_") else None


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
            held = [known(operand) for operand in operands]
            return False if False in held else None if None in held else True
        case ast.Logical("or", operands):
            held = [known(operand) for operand in operands]
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
            return all(addend.sign != "-" and _counts(addend.value) for addend in addends)
        case _:
            return False


def _same(first: ast.Expr, second: ast.Expr) -> bool | None:
    match first, second:
        case ast.Text(text), ast.Text(other):
            return text == other
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
