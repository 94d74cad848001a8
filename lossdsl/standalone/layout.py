"""Statements of Python as text, laid out as `ruff format` lays them out.

`ast.unparse` writes a statement in one line, however long. Here a call, a display or a signature
that is too long for a line is broken at its brackets; other expressions are named before they grow
so long.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from lossdsl.standalone.expression_text import (
    ATOM,
    BINARY,
    bound_text,
    entry,
    keyword_text,
    parameters,
    target_text,
    text,
    within,
)

WIDTH = 100
_STEP = "    "


def lines(statements: Iterable[ast.stmt], indent: str = "") -> list[str]:
    """Return statements as lines of text, nested functions set apart.

    >>> print("\\n".join(lines(ast.parse("def f(x):\\n  y=x+1;return y").body)))
    def f(x):
        y = x + 1
        return y
    """
    done: list[str] = []
    after_function = False
    for place, statement in enumerate(statements):
        nested = isinstance(statement, ast.FunctionDef)
        if (nested and place) or after_function:
            done.append("")
        done += _statement(statement, indent)
        after_function = nested
    return done


def _statement(statement: ast.stmt, indent: str) -> list[str]:
    match statement:
        case ast.FunctionDef(body=body, decorator_list=decorators, returns=returns):
            marks = [f"{indent}@{text(decorator)}" for decorator in decorators]
            result = "" if returns is None else f" -> {text(returns)}"
            head = _bracketed(
                f"{indent}def {statement.name}(", parameters(statement.args), f"){result}:", indent
            )
            return [*marks, *head, *lines(body, indent + _STEP)]
        case ast.Assign((target,), value):
            return _valued(f"{indent}{target_text(target)} = ", value, indent)
        case ast.AugAssign(target, operator, value):
            return _valued(f"{indent}{text(target)} {BINARY[type(operator)][0]}= ", value, indent)
        case ast.Return(None):
            return [f"{indent}return"]
        case ast.Return(ast.Tuple(items)) if len(items) > 1:
            *first, last = items
            return _valued(f"{indent}return {', '.join(map(text, first))}, ", last, indent)
        case ast.Return(ast.expr() as value):
            return _valued(f"{indent}return ", value, indent)
        case ast.Expr(ast.Constant(str() as doc)):
            return _docstring(doc, indent)
        case ast.Expr(value):
            return _valued(indent, value, indent)
        case ast.If(test, body, other):
            return _conditional("if", test, body, other, indent)
        case ast.For(target, iterable, body):
            head = f"{indent}for {target_text(target)} in {text(iterable)}:"
            return [head, *lines(body, indent + _STEP)]
        case _:
            raise AssertionError(f"no emitted program has a {type(statement).__name__}")


def _conditional(
    word: str, test: ast.expr, body: list[ast.stmt], other: list[ast.stmt], indent: str
) -> list[str]:
    done = [f"{indent}{word} {text(test)}:", *lines(body, indent + _STEP)]
    match other:
        case []:
            return done
        case [ast.If(inner, then, rest)]:
            return done + _conditional("elif", inner, then, rest, indent)
        case _:
            return [*done, f"{indent}else:", *lines(other, indent + _STEP)]


def _docstring(doc: str, indent: str) -> list[str]:
    first, *rest = doc.strip().splitlines()
    if not rest:
        return [f'{indent}"""{first}"""']
    told = [f"{indent}{line}".rstrip() for line in rest]
    return [f'{indent}"""{first}', *told, f'{indent}"""']


def _valued(before: str, node: ast.expr, indent: str, after: str = "") -> list[str]:
    """Return an expression with what stands around it, broken at its last brackets if need be."""
    whole = f"{before}{text(node)}{after}"
    if len(whole) <= WIDTH:
        return [whole]
    match node:
        case ast.Call(function, arguments, keywords):
            head = f"{before}{within(function, ATOM)}("
            return _broken(head, [*arguments, *keywords], f"){after}", indent)
        case ast.Dict(keys, values):
            return _broken(
                f"{before}{{", [*zip(keys, values, strict=True)], f"}}{after}", indent, True
            )
        case ast.List(items) | ast.Tuple(items):
            opening, closing = "[]" if isinstance(node, ast.List) else "()"
            return _broken(f"{before}{opening}", items, f"{closing}{after}", indent, True)
        case ast.BinOp(left, operator, right) if (last := _last(left, operator, right)) is not None:
            head = whole[: len(whole) - len(after) - len(last[0])]
            return (
                _valued(head, last[1], indent, after)
                if last[2]
                else [f"{head}(", f"{indent}{_STEP}{text(last[1])}", f"{indent}){after}"]
            )
        case _ if before.strip() and not before.endswith((": ", "=")):
            inner = indent + _STEP
            return [f"{before}(", f"{inner}{text(node)}", f"{indent}){after}"]
        case _:
            return [whole]


def _last(
    left: ast.expr, operator: ast.operator, right: ast.expr
) -> tuple[str, ast.expr, bool] | None:
    """Return the last operand of an operation if it is broken at its own brackets.

    With it come its text, and whether it is a call; None where there are several operators of the
    weakest kind, at which the operation is broken.
    """
    _, strength = BINARY[type(operator)]
    if isinstance(left, ast.BinOp) and bound_text(left)[1] == strength:
        return None
    shown = within(right, strength + 1)
    if isinstance(right, ast.Call):
        return shown, right, True
    if shown != text(right):
        return shown, right, False
    match right:
        case ast.BinOp(inner_left, inner, last):
            return _last(inner_left, inner, last)
        case _:
            return None


_Part = ast.expr | ast.keyword | tuple[ast.expr | None, ast.expr]


def _broken(
    head: str, parts: Sequence[_Part], tail: str, indent: str, each: bool = False
) -> list[str]:
    """Return what stands in brackets on lines of its own: on one, or part by part."""
    inner = indent + _STEP
    shown = [_part(part) for part in parts]
    joined = f"{inner}{', '.join(shown)}"
    if not each and len(joined) <= WIDTH:
        return [head, joined, f"{indent}{tail}"]
    done = [head]
    lone = parts[0] if len(parts) == 1 else None
    if isinstance(lone, ast.List | ast.Tuple | ast.Dict):
        return [head, *_valued(inner, lone, inner), f"{indent}{tail}"]
    for part in parts:
        match part:
            case ast.keyword(arg, value):
                done += _valued(f"{inner}{arg}=", value, inner, ",")
            case (key, value):
                done += _valued(f"{inner}{text(key)}: ", value, inner, ",")
            case ast.expr():
                done += _valued(inner, part, inner, ",")
    return [*done, f"{indent}{tail}"]


def _part(part: _Part) -> str:
    match part:
        case ast.keyword():
            return keyword_text(part)
        case (key, value):
            return entry(key, value)
        case _:
            return text(part)


def _bracketed(head: str, parts: Sequence[str], tail: str, indent: str) -> list[str]:
    """Return a signature in one line, else its parameters on one, else each on its own."""
    whole = f"{head}{', '.join(parts)}{tail}"
    if len(whole) <= WIDTH:
        return [whole]
    inner = indent + _STEP
    joined = f"{inner}{', '.join(parts)}"
    if len(joined) <= WIDTH and "*" not in parts:
        return [head, joined, f"{indent}{tail}"]
    # Nothing may follow a bare star but a parameter.
    return [head, *(f"{inner}{part}," for part in parts), f"{indent}{tail}"]
