"""Functions of Python in a kernel's source, read at the arrays that they are called with.

A function of several statements becomes one of the file, of the arrays that it takes: its options
are known and so is each of its conditions.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lossdsl.standalone.emitted_file import Block, count, substituted
from lossdsl.standalone.evaluate import evaluate
from lossdsl.standalone.execute import execute
from lossdsl.standalone.scope import Closure, Differentiated, Scope, bound, local_names
from lossdsl.standalone.values import Code, codes, dotted, expression, mapped, name, unwrapped

ARRAY = "jax.Array"


def read_function(
    function: Closure,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    scope: Scope,
) -> Any:
    """Return what a call of a function is: its one expression, or a call of what is written."""
    node = function.node
    given = bound(node.args, arguments, keywords, lambda value: evaluate(value, function.scope))
    passed: dict[str, Code] = {}
    variables = {word: _parameter(word, value, passed) for word, value in given.items()}
    inner = _inner(function, variables)
    result = _body(node, inner)
    statements = inner.block.statements
    uses = {word: _uses(result, statements, word) for word in passed}
    apart = function.jitted and any(
        uses[word] > 1 and code.is_array for word, code in passed.items()
    )
    if not statements and not (apart and _holds_array(result)):
        return _in_place(result, passed, uses, scope)
    used = {word: code for word, code in passed.items() if uses[word]}
    body = [*_doc(node), *statements, ast.Return(expression(result))]
    # Until it is defined, it has a name that nothing else can have.
    made = _function(f"{function.word}:", used, body, result)
    if function.jitted:
        made.decorator_list = [dotted("jax.jit")]
    if inner.captured:
        made.name = scope.block.unique(function.word.strip("_"))
        scope.block.statements.append(made)
        word = made.name
    else:
        word = scope.file.define(made.name, [made], scope.block.names)
    call = ast.Call(name(word), [code.expr for code in used.values()], [])
    return Code(unwrapped(result), call)


def _inner(function: Closure, variables: dict[str, Any]) -> Scope:
    around = function.scope
    prefix = (
        around.prefix if around.outer is None and not isinstance(function.node, ast.Lambda) else ""
    )
    return Scope(
        around.reader,
        around.file,
        Block({*local_names(function.node), *variables}),
        variables,
        around,
        around.globals,
        prefix,
    )


def _body(node: ast.FunctionDef | ast.Lambda, scope: Scope) -> Any:
    if isinstance(node, ast.Lambda):
        return evaluate(node.body, scope)
    returned = execute(node.body, scope)
    return None if returned is None else returned.value


def _in_place(
    result: Any, passed: Mapping[str, Code], uses: Mapping[str, int], scope: Scope
) -> Any:
    """Return the one expression of a function with its arguments in it."""
    names: dict[str, ast.expr] = {}
    for word, code in passed.items():
        again = uses[word] > 1 and code.is_array and not code.is_atom
        names[word] = scope.block.assign(word, code).expr if again else code.expr

    def replaced(code: Code) -> Code:
        if isinstance(code.expr, ast.Name) and code.expr.id in passed:
            own = passed[code.expr.id]
            return own if names[code.expr.id] is own.expr else Code(own.value, names[code.expr.id])
        return Code(code.value, substituted(code.expr, names))

    return mapped(result, replaced)


def handed_on(function: Closure, scope: Scope) -> tuple[Any, ast.expr]:
    """Return a function that JAX calls, written in the block; what it does is seen then."""
    node = function.node
    word = scope.block.unique(function.word.strip("_"))
    made = ast.FunctionDef(word, node.args, [], [])
    scope.block.statements.append(made)

    def handed(*arguments: Any, **keywords: Any) -> Any:
        given = bound(node.args, arguments, keywords, lambda value: evaluate(value, function.scope))
        variables = {own: Code(value, name(own)) for own, value in given.items()}
        inner = _inner(function, variables)
        inner.block.names |= scope.block.names
        result = _body(node, inner)
        made.args = _arguments(dict.fromkeys(given, ""))
        made.body = [*inner.block.statements, ast.Return(expression(result))]
        return unwrapped(result)

    return handed, name(word)


def read_differentiated(function: Differentiated, arguments: tuple[Any, ...], scope: Scope) -> Any:
    """Return a call of a function with a rule of differentiation, both of which are written."""
    own, rule = function.function, function.rule
    assert rule is not None
    fixed = {at % len(arguments): arguments[at] for at in function.fixed}
    moving = [_array(value) for at, value in enumerate(arguments) if at not in fixed]
    values = tuple(code.value for code in moving)
    key = (str([fixed, jax.tree.map(jax.typeof, values)]),)
    passed: dict[str, Code] = {}
    parts = iter(moving)
    whole = tuple(fixed.get(at) if at in fixed else next(parts) for at in range(len(arguments)))
    given = bound(own.node.args, whole, {}, lambda value: evaluate(value, own.scope))
    variables = {word: _parameter(word, value, passed) for word, value in given.items()}
    inner = _inner(own, variables)
    result = _body(own.node, inner)
    if key not in function.known:
        word = function.known[key] = f"{own.word}:"
        body = [*_doc(own.node), *inner.block.statements, ast.Return(expression(result))]
        made = _function(word, passed, body, result)
        made.decorator_list = [dotted("jax.custom_jvp")]
        rules = _rule(function, word, tuple(fixed.values()), values)
        function.known[key] = scope.file.define(word, [made, *rules], scope.block.names)
    word = scope.file.current(function.known[key])
    call = ast.Call(name(word), [code.expr for code in moving], [])
    return Code(unwrapped(result), call)


def _rule(
    function: Differentiated, word: str, fixed: tuple[Any, ...], values: tuple[Any, ...]
) -> list[ast.stmt]:
    rule = function.rule
    assert rule is not None
    *statics, primals, tangents = [parameter.arg for parameter in rule.node.args.args]
    variables: dict[str, Any] = dict(zip(statics, fixed, strict=True))
    variables[primals] = Code(values, name("primals"))
    variables[tangents] = Code(tuple(map(_tangent, values)), name("tangents"))
    inner = _inner(rule, variables)
    result = _body(rule.node, inner)
    own = f"{word}_jvp"
    made = ast.FunctionDef(
        own,
        _arguments({"primals": "", "tangents": ""}),
        [*inner.block.statements, ast.Return(expression(result))],
        [],
    )
    define = ast.Attribute(name(word), "defjvp")
    if not function.symbolic_zeros:
        made.decorator_list = [define]
        return [made]
    zeros = ast.keyword("symbolic_zeros", ast.Constant(True))
    return [made, ast.Expr(ast.Call(define, [name(own)], [zeros]))]


def _parameter(word: str, value: Any, passed: dict[str, Code]) -> Any:
    """Return what a parameter stands for in a body: what is known as it is, an array by name."""
    if isinstance(value, Code):
        if isinstance(value.value, np.dtype):
            return value.value
        if not value.is_array and not isinstance(value.value, int):
            return value
        passed[word] = value
        return Code(value.value, name(word))
    if isinstance(value, tuple | list):
        stem = "rest" if word == "_" else word
        parts = [_parameter(f"{stem}_{at}", part, passed) for at, part in enumerate(value, 1)]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value


def _array(value: Any) -> Code:
    """Return an operand of a function with a rule; a number is one too."""
    if isinstance(value, Code):
        return value
    return Code(jnp.asarray(value), expression(value))


def _tangent(value: Any) -> Any:
    floating = jnp.issubdtype(value.dtype, jnp.floating)
    return jnp.zeros(value.shape, value.dtype if floating else float)


def _uses(result: Any, statements: list[ast.stmt], word: str) -> int:
    trees = [*(code.expr for code in codes(result)), *statements]
    return sum(count(tree, word) for tree in trees)


def _holds_array(value: Any) -> bool:
    """Say whether an object has an array in it."""
    return any(code.is_array for code in codes(value))


def _doc(node: ast.FunctionDef | ast.Lambda) -> list[ast.stmt]:
    """Return the documentation of a function."""
    doc = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
    return [] if doc is None else [ast.Expr(ast.Constant(doc))]


def _arguments(annotations: Mapping[str, str]) -> ast.arguments:
    parameters = [
        ast.arg(word, dotted(annotation) if annotation else None)
        for word, annotation in annotations.items()
    ]
    return ast.arguments([], parameters, None, [], [], None, [])


def _function(
    word: str, parameters: Mapping[str, Code], body: list[ast.stmt], result: Any
) -> ast.FunctionDef:
    annotations = {own: ARRAY if code.is_array else "int" for own, code in parameters.items()}
    return ast.FunctionDef(word, _arguments(annotations), body, [], _annotation(result))


def _annotation(result: Any) -> ast.expr | None:
    if isinstance(result, Code):
        return dotted(ARRAY) if isinstance(result.value, jax.Array) else None
    if isinstance(result, tuple) and all(isinstance(part, Code) for part in result):
        parts = [part for part in map(_annotation, result) if part is not None]
        if len(parts) == len(result):
            return ast.Subscript(name("tuple"), ast.Tuple(parts))
    return None
