"""Expressions of a kernel's source, read while JAX traces what they compute.

A kernel runs while it is traced, so each of its conditions is decided by then: what is left is the
arithmetic of one call. Sizes are carried as they are written, `x.shape[0]`, and not as numbers.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import jax
import numpy as np

from lossdsl.library.function import Builtin
from lossdsl.standalone.scope import Closure, Scope
from lossdsl.standalone.values import (
    Code,
    Undecided,
    dotted,
    expression,
    module_path,
    name,
    unwrapped,
)

_OPERATIONS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}

# What is known of an array whatever its sizes are.
_KNOWN = ("ndim", "weak_type", "itemsize", "kind")


def evaluate(node: ast.expr, scope: Scope) -> Any:
    """Return what an expression is: an object that is known, or code."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(word):
            return scope.look_up(word)
        case ast.Attribute(value, word):
            return _attribute(evaluate(value, scope), word, scope)
        case ast.Subscript(value, index):
            return item(evaluate(value, scope), evaluate(index, scope))
        case ast.Slice(low, high, step):
            ends = (None if end is None else evaluate(end, scope) for end in (low, high, step))
            return slice(*ends)
        case ast.Call():
            return _call(node, scope)
        case ast.BinOp(left, of, right):
            return combined(of, evaluate(left, scope), evaluate(right, scope))
        case ast.UnaryOp(ast.Not(), operand):
            truth = evaluate(operand, scope)
            if isinstance(truth, Undecided):
                return Undecided(ast.UnaryOp(ast.Not(), truth.expr))
            return not unwrapped(truth)
        case ast.UnaryOp(of, operand):
            value = evaluate(operand, scope)
            result = _OPERATIONS[type(of)](unwrapped(value))
            return Code(result, ast.UnaryOp(of, value.expr)) if isinstance(value, Code) else result
        case ast.Compare(left, kinds, others):
            return _comparison(node, kinds, [left, *others], scope)
        case ast.BoolOp(of, values):
            return _logical(of, values, scope)
        case ast.IfExp(test, body, other):
            return _choice(evaluate(test, scope), body, other, scope)
        case ast.Tuple(items) | ast.List(items):
            return _display(node, items, scope)
        case ast.Dict(keys, values):
            return {
                evaluate(key, scope): evaluate(value, scope)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            }
        case ast.Set(items):
            return {unwrapped(evaluate(item, scope)) for item in items}
        case ast.ListComp(element, (each,)) | ast.GeneratorExp(element, (each,)):
            return _comprehension(element, each, scope)
        case ast.SetComp(element, (each,)):
            return set(map(unwrapped, _comprehension(element, each, scope)))
        case ast.DictComp(key, value, (each,)):
            pair = ast.Tuple([key, value], ast.Load())
            return dict(_comprehension(pair, each, scope))
        case ast.Lambda():
            return Closure(node, scope, f"{scope.prefix}_function")
        case ast.JoinedStr(parts):
            return "".join(str(unwrapped(evaluate(part, scope))) for part in parts)
        case ast.FormattedValue(value):
            return unwrapped(evaluate(value, scope))
        case ast.Starred():
            raise AssertionError("a star stands in a call or a display")
        case _:
            raise SyntaxError(f"`{ast.unparse(node)}` cannot be read")


def _attribute(value: Any, word: str, scope: Scope) -> Any:
    if isinstance(value, Builtin) and word == "kernel":
        return scope.reader.kernel(value)
    if isinstance(value, ModuleType):
        return member(value, word, scope)
    if not isinstance(value, Code):
        return getattr(value, word)
    result = getattr(value.value, word)
    if word in _KNOWN:
        return result
    return Code(result, ast.Attribute(value.expr, word))


def member(module: ModuleType, word: str, scope: Scope) -> Any:
    """Return what a module has under a name: code, if it is a function of JAX."""
    result = getattr(module, word)
    own = module.__name__.startswith("lossdsl") or module.__name__ in ("math", "functools")
    if own or isinstance(result, ModuleType) or _is_plain(result):
        return result
    scope.file.modules.add(module.__name__)
    return Code(result, dotted(f"{module_path(module)}.{word}"))


def _is_plain(value: Any) -> bool:
    if value is jax.custom_jvp or isinstance(value, int | float | str | np.dtype | None):
        return True
    return hasattr(value, "dtype") or (isinstance(value, type) and issubclass(value, np.generic))


def item(value: Any, index: Any) -> Any:
    """Return an element or a part of a value."""
    if not isinstance(value, Code):
        return value[unwrapped(index)]
    result = value.value[unwrapped(index)]
    return Code(result, ast.Subscript(value.expr, expression(index)))


def elements(value: Any) -> list[Any]:
    """Return the elements of a sequence, each as it is written."""
    if isinstance(value, Code):
        return [
            Code(part, ast.Subscript(value.expr, expression(at)))
            for at, part in enumerate(value.value)
        ]
    return list(value)


def combined(of: ast.operator, left: Any, right: Any) -> Any:
    """Return the result of an operator."""
    if not isinstance(left, Code) and not isinstance(right, Code):
        return _OPERATIONS[type(of)](left, right)
    result = _OPERATIONS[type(of)](unwrapped(left), unwrapped(right))
    return Code(result, ast.BinOp(expression(left), of, expression(right)))


def _comparison(
    node: ast.Compare, kinds: list[ast.cmpop], operands: list[ast.expr], scope: Scope
) -> Any:
    values = [evaluate(operand, scope) for operand in operands]
    results: list[Any] = []
    for kind, left, right in zip(kinds, values, values[1:], strict=False):
        result = _OPERATIONS[type(kind)](unwrapped(left), unwrapped(right))
        if not isinstance(result, jax.Array):
            results.append(bool(result))
            continue
        (of,) = kinds
        return Code(result, ast.Compare(expression(left), [of], [expression(right)]))
    return all(results)


def _logical(of: ast.boolop, values: list[ast.expr], scope: Scope) -> Any:
    result: Any = None
    for value in values:
        result = evaluate(value, scope)
        if bool(unwrapped(result)) is isinstance(of, ast.Or):
            return result
    return result


def _choice(test: Any, body: ast.expr, other: ast.expr, scope: Scope) -> Any:
    if not isinstance(test, Undecided):
        return evaluate(body if unwrapped(test) else other, scope)
    then, rest = evaluate(body, scope), evaluate(other, scope)
    value = unwrapped(rest)
    return Code(value, ast.IfExp(test.expr, expression(then), expression(rest)))


def _display(node: ast.Tuple | ast.List, items: list[ast.expr], scope: Scope) -> Any:
    """Return a tuple or a list; one of sizes, some of them all of a shape, is written as one."""
    parts: list[Any] = []
    shapes: dict[int, Code] = {}
    for at, each in enumerate(items):
        if not isinstance(each, ast.Starred):
            parts.append(evaluate(each, scope))
            continue
        spread = evaluate(each.value, scope)
        if isinstance(spread, Code) and not spread.is_array:
            shapes[at] = spread
        parts += elements(spread)
    values = unwrapped(parts)
    whole = tuple(parts) if isinstance(node, ast.Tuple) else parts
    if not shapes or not all(isinstance(value, int) for value in values):
        return whole
    written = [
        ast.Starred(shapes[at].expr) if at in shapes else expression(evaluate(each, scope))
        for at, each in enumerate(items)
        if not isinstance(each, ast.Starred) or at in shapes
    ]
    kind = ast.Tuple if isinstance(node, ast.Tuple) else ast.List
    return Code(type(whole)(values), kind(written))


def _call(node: ast.Call, scope: Scope) -> Any:
    function = evaluate(node.func, scope)
    arguments: list[Any] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            arguments += elements(evaluate(argument.value, scope))
        else:
            arguments.append(evaluate(argument, scope))
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        value = evaluate(keyword.value, scope)
        keywords |= value if keyword.arg is None else {keyword.arg: value}
    return scope.reader.call(function, tuple(arguments), keywords, scope)


def _comprehension(element: ast.expr, each: ast.comprehension, scope: Scope) -> Any:
    iterable = evaluate(each.iter, scope)
    if isinstance(iterable, Code) and iterable.is_array:
        return _mapped(element, each, iterable, scope)
    done: list[Any] = []
    inner = scope.inner()
    for value in elements(iterable):
        bind(each.target, value, inner)
        if all(unwrapped(evaluate(test, inner)) for test in each.ifs):
            done.append(evaluate(element, inner))
    return done


def _mapped(element: ast.expr, each: ast.comprehension, iterable: Code, scope: Scope) -> Code:
    """Return a comprehension over the rows of an array, as it is written."""
    assert isinstance(each.target, ast.Name) and not each.ifs
    word = scope.block.unique(each.target.id)
    inner = scope.inner()
    parts: list[Any] = []
    for row in iterable.value:
        inner.variables[each.target.id] = Code(row, name(word))
        parts.append(evaluate(element, inner))
    clause = ast.comprehension(name(word), iterable.expr, [], 0)
    return Code(unwrapped(parts), ast.ListComp(expression(parts[0]), [clause]))


def bind(target: ast.expr, value: Any, scope: Scope) -> None:
    """Give a name, or each of several, what it stands for, writing nothing."""
    match target:
        case ast.Name(word):
            scope.variables[word] = value
        case ast.Tuple(targets):
            parts = elements(value)
            at = next((n for n, part in enumerate(targets) if isinstance(part, ast.Starred)), None)
            if at is not None:
                after = len(targets) - at - 1
                end = len(parts) - after
                parts = [*parts[:at], parts[at:end], *parts[end:]]
            for part, own in zip(targets, parts, strict=True):
                bind(part.value if isinstance(part, ast.Starred) else part, own, scope)
        case _:
            raise SyntaxError(f"`{ast.unparse(target)}` cannot be assigned to")


def names_of(target: ast.expr) -> Iterator[str]:
    """Yield the names that a target binds."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id
