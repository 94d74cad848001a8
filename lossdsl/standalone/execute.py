"""Statements of a kernel's source, read: what is known is bound, what is computed is written."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from lossdsl.standalone.emitted_file import count
from lossdsl.standalone.evaluate import bind, combined, elements, evaluate, member, names_of
from lossdsl.standalone.scope import Closure, Scope
from lossdsl.standalone.values import Code, Undecided, codes, expression, name, unwrapped


@dataclass(frozen=True, slots=True)
class Returned:
    """What a function returns."""

    value: Any


def execute(statements: Iterable[ast.stmt], scope: Scope) -> Returned | None:
    """Read statements up to the one that returns."""
    for statement in statements:
        returned = _executed(statement, scope)
        if returned is not None:
            return returned
    return None


def _executed(statement: ast.stmt, scope: Scope) -> Returned | None:
    match statement:
        case ast.Return(value):
            return Returned(None if value is None else evaluate(value, scope))
        case ast.Expr(value):
            evaluate(value, scope)
        case ast.Assign((target,), value):
            store(target, evaluate(value, scope), scope)
        case ast.AnnAssign(target, _, ast.expr() as value):
            store(target, evaluate(value, scope), scope)
        case ast.AugAssign(ast.Name(word) as target, of, value):
            store(target, combined(of, scope.look_up(word), evaluate(value, scope)), scope)
        case ast.If(test, body, other):
            decided = evaluate(test, scope)
            if isinstance(decided, Undecided):
                _branches(decided, body, other, scope)
                return None
            return execute(body if unwrapped(decided) else other, scope)
        case ast.For(target, iterable, body):
            return _loop(target, evaluate(iterable, scope), body, scope)
        case ast.FunctionDef():
            _define(statement, scope)
        case ast.Import(names):
            for alias in names:
                module = import_module(alias.name)
                root = module if alias.asname else import_module(alias.name.partition(".")[0])
                scope.variables[alias.asname or alias.name.partition(".")[0]] = root
        case ast.ImportFrom(module, names):
            for alias in names:
                word = alias.asname or alias.name
                scope.variables[word] = member(import_module(str(module)), alias.name, scope)
        case ast.Match(subject, cases):
            return _matched(evaluate(subject, scope), cases, scope)
        case ast.Pass():
            pass
        case _:
            raise SyntaxError(f"`{ast.unparse(statement)}` cannot be read")
    return None


def _define(node: ast.FunctionDef, scope: Scope) -> None:
    word = node.name
    if scope.prefix:
        own = scope.prefix.strip("_") == word
        word = scope.prefix if own else f"{scope.prefix}_{word}"
    value: Any = Closure(node, scope, word)
    for decorator in reversed(node.decorator_list):
        value = scope.reader.call(evaluate(decorator, scope), (value,), {}, scope)
    scope.variables[node.name] = value


# Assignment


def store(target: ast.expr, value: Any, scope: Scope) -> None:
    """Bind what is assigned, and write what is computed."""
    match target:
        case ast.Name(word):
            scope.variables[word] = _named(word, value, scope)
        case ast.Tuple(targets) if isinstance(value, Code) and value.is_array:
            _unpack(target, value, scope)
        case ast.Tuple(targets):
            parts = elements(value)
            if any(isinstance(each, ast.Starred) for each in targets):
                bind(target, parts, scope)
                return
            # All that is on the right is computed before a name changes.
            words = [each.id for each in targets if isinstance(each, ast.Name)]
            for at, part in enumerate(parts):
                later = [code for other in parts[at + 1 :] for code in codes(other)]
                if any(count(code.expr, word) for code in later for word in words[: at + 1]):
                    parts[at] = _held(part, words[at], scope)
            for each, part in zip(targets, parts, strict=True):
                store(each, part, scope)
        case _:
            raise SyntaxError(f"`{ast.unparse(target)}` cannot be assigned to")


def _held(value: Any, word: str, scope: Scope) -> Any:
    """Return code under a name that nothing else has."""
    if isinstance(value, Code) and not value.is_atom:
        return scope.block.assign(word, value)
    return value


def _named(word: str, value: Any, scope: Scope) -> Any:
    """Return a value as a variable holds it: an array by the name that it is written under."""
    match value:
        case Code(inner) if isinstance(inner, np.dtype):
            return inner  # written out, since what it is the dtype of may be named anew
        case Code() if value.is_array and not value.is_atom:
            target = _target(word, scope)
            scope.block.statements.append(ast.Assign([name(target)], value.expr))
            return Code(value.value, name(target))
        case list() | tuple() if any(code.is_array and not code.is_atom for code in codes(value)):
            parts = [_named(f"{word}_{at}", part, scope) for at, part in enumerate(value)]
            return parts if isinstance(value, list) else tuple(parts)
        case _:
            return value


def _target(word: str, scope: Scope) -> str:
    """Return the name of a variable, another one where something that is known reads the old."""
    others = (
        code for own, value in scope.variables.items() if own != word for code in codes(value)
    )
    if any(count(code.expr, word) for code in others):
        return scope.block.unique(word)
    scope.block.names.add(word)
    return word


def _unpack(target: ast.Tuple, value: Code, scope: Scope) -> None:
    words = list(names_of(target))
    renamed = {word: _target(word, scope) for word in words}
    scope.block.statements.append(ast.Assign([_written(target, renamed)], value.expr))
    bind(target, value.value, scope)
    for word in words:
        scope.variables[word] = Code(scope.variables[word], name(renamed[word]))


def _written(target: ast.expr, names: dict[str, str]) -> ast.expr:
    match target:
        case ast.Tuple(targets):
            return ast.Tuple([_written(each, names) for each in targets])
        case ast.Starred(inner):
            return ast.Starred(_written(inner, names))
        case ast.Name(word):
            return name(names[word])
        case _:
            raise SyntaxError(f"`{ast.unparse(target)}` cannot be assigned to")


# Conditions and loops that stay


def _branches(
    test: Undecided, body: Sequence[ast.stmt], other: Sequence[ast.stmt], scope: Scope
) -> None:
    """Write a condition with both of its branches; after it, names are what they are in one."""
    before = dict(scope.variables)
    branches: list[list[ast.stmt]] = []
    for statements in (body, other):
        inner = scope.within(scope.block.branch())
        result = execute(statements, inner)
        if result is not None:
            inner.block.statements.append(ast.Return(expression(result.value)))
        else:
            _settle(inner, before)
            for word, value in inner.variables.items():
                if value is not before.get(word):
                    scope.variables[word] = value
        branches.append(inner.block.statements)
    scope.block.statements.append(ast.If(test.expr, branches[0], branches[1]))


def _settle(scope: Scope, before: dict[str, Any]) -> None:
    """Write each variable that was changed under its own name."""
    for word, value in list(scope.variables.items()):
        changed = value is not before.get(word)
        if changed and isinstance(value, Code) and value.is_array:
            if not (isinstance(value.expr, ast.Name) and value.expr.id == word):
                scope.block.statements.append(ast.Assign([name(word)], value.expr))
            scope.variables[word] = Code(value.value, name(word))


def _loop(
    target: ast.expr, iterable: Any, body: Sequence[ast.stmt], scope: Scope
) -> Returned | None:
    """Read a loop once for each element that is known; one over rows of an array is written."""
    if not (isinstance(iterable, Code) and iterable.is_array):
        for value in elements(iterable):
            bind(target, value, scope)
            returned = execute(body, scope)
            if returned is not None:
                return returned
        return None
    before = dict(scope.variables)
    inner = scope.within(scope.block.branch())
    bind(target, next(iter(iterable.value)), inner)
    for word in names_of(target):
        inner.variables[word] = Code(inner.variables[word], name(word))
    bound = dict(inner.variables)
    execute(body, inner)
    _settle(inner, bound)
    for word, value in inner.variables.items():
        if value is not before.get(word):
            scope.variables[word] = value
    scope.block.statements.append(ast.For(target, iterable.expr, inner.block.statements, []))
    return None


def _matched(subject: Any, cases: Sequence[ast.match_case], scope: Scope) -> Returned | None:
    for case in cases:
        names = _pattern(case.pattern, subject)
        if names is not None:
            scope.variables |= names
            return execute(case.body, scope)
    return None


def _pattern(pattern: ast.pattern, subject: Any) -> dict[str, Any] | None:
    """Return what a pattern binds, or None where it does not match."""
    match pattern:
        case ast.MatchAs(None, word):
            return {} if word is None else {word: subject}
        case ast.MatchValue(ast.Constant(value)):
            return {} if value == subject else None
        case ast.MatchSequence(parts):
            if not isinstance(subject, tuple | list) or len(subject) != len(parts):
                return None
            names: dict[str, Any] = {}
            for part, value in zip(parts, subject, strict=True):
                bound = _pattern(part, value)
                if bound is None:
                    return None
                names |= bound
            return names
        case _:
            raise SyntaxError("a pattern that cannot be read")
