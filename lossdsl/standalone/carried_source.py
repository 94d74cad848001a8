"""Functions that users wrote in Python, carried into a file as they are written.

With a function come the functions and numbers of its module that it reads, and the imports by
which it reads them.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any

from lossdsl.core.graph import Apply, Graph, Node, tape
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.standalone.emitted_file import File
from lossdsl.standalone.expression_text import text
from lossdsl.standalone.values import expression

# What a file may import besides the standard library.
_KNOWN = ("jax", "numpy", "optax")
_Imports = Mapping[str, tuple[str, str]]


def carry_all(graph: Graph, roots: Sequence[Node], file: File) -> None:
    """Write the functions of users that some nodes call into a file.

    Raises `LossError` (LD810) for one whose source is not at hand, or reads what a file cannot
    have.
    """
    for node in tape(roots):
        if isinstance(node, Apply) and node.function.foreign:
            places = graph.places.get(node)
            _carry(node.function, file, places[0].span if places else None)


def _carry(function: Builtin, file: File, span: Span | None) -> None:
    if function in file.carried:
        return
    own = function.kernel if function.python else function.factory
    try:
        name = _carried(own, file, bare=not function.python)
    except _Fixed as problem:
        message = f"`{function.name}` cannot be written into a file: {problem}"
        help = "write it as a function of a module, of its arguments and what that module defines"
        raise LossError([at("LD810", message, span, help=help)]) from None
    if not function.python:
        kernel = file.unlike(f"_{function.name}")
        file.names.add(kernel)
        file.texts[kernel] = f"{kernel} = {name}()"
        name = kernel
    file.carried[function] = name


class _Fixed(Exception):
    """What keeps a function where it is."""


def _carried(function: Any, file: File, bare: bool = False) -> str:
    """Write a function, after what it reads; return its name. A `bare` one has no decorators."""
    inner = inspect.unwrap(function)
    name = getattr(inner, "__name__", "")
    if not isinstance(inner, FunctionType) or not name.isidentifier():
        raise _Fixed("it is not written as a function of Python")
    if name in file.texts:
        return name
    if inner.__code__.co_freevars:
        held = ", ".join(f"`{word}`" for word in inner.__code__.co_freevars)
        raise _Fixed(f"it holds {held} of the function around it")
    try:
        source = textwrap.dedent(inspect.getsource(inner))
        (node,) = ast.parse(source).body
    except (OSError, SyntaxError, ValueError):
        raise _Fixed("its source is not at hand") from None
    if not isinstance(node, ast.FunctionDef):
        raise _Fixed("it is not written as a function of Python")
    if name in file.names:
        raise _Fixed(f"the file has something else that is called `{name}`")
    file.names.add(name)
    kept = [] if bare else [mark for mark in node.decorator_list if not _is_own(mark, inner)]
    imports = _imports(sys.modules.get(inner.__module__))
    for word in _read(node, kept):
        _carry_name(word, inner, imports, file)
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    file.texts[name] = "\n".join([*(f"@{text(mark)}" for mark in kept), *lines])
    return name


def _is_own(mark: ast.expr, function: FunctionType) -> bool:
    """Say whether a decorator is one of lossdsl, which means nothing in a file."""
    root = mark.func if isinstance(mark, ast.Call) else mark
    while isinstance(root, ast.Attribute):
        root = root.value
    value = function.__globals__.get(root.id) if isinstance(root, ast.Name) else None
    module = getattr(value, "__module__", None) or getattr(value, "__name__", "")
    return module.partition(".")[0] == "lossdsl"


def _read(node: ast.FunctionDef, kept: list[ast.expr]) -> Iterator[str]:
    """Yield the names that a function reads when it runs; its annotations are none."""
    bare = ast.FunctionDef(node.name, node.args, node.body, kept)
    seen: set[str] = set()
    stack: list[ast.AST] = [bare]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id not in seen:
            seen.add(part.id)
            yield part.id
        for word, value in ast.iter_fields(part):
            if word in ("annotation", "returns"):
                continue
            parts = value if isinstance(value, list) else [value]
            stack += [item for item in parts if isinstance(item, ast.AST)]


def _imports(module: ModuleType | None) -> _Imports:
    """Return the module and the statement by which each name of a module is imported."""
    try:
        tree = ast.parse(inspect.getsource(module)) if module is not None else ast.Module([], [])
    except (OSError, TypeError):
        return {}
    found: dict[str, tuple[str, str]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                word = alias.asname or alias.name.partition(".")[0]
                found[word] = alias.name, ast.unparse(ast.Import([alias]))
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            for alias in statement.names:
                line = ast.unparse(ast.ImportFrom(statement.module, [alias], 0))
                found[alias.asname or alias.name] = statement.module, line
    return found


def _carry_name(word: str, function: FunctionType, imports: _Imports, file: File) -> None:
    """Write what a name of a function's module stands for, unless it is the function's own."""
    if word not in function.__globals__ or word in file.texts:
        return
    value: Any = function.__globals__[word]
    module, line = imports.get(word, ("", ""))
    root = module.partition(".")[0]
    if root in (*_KNOWN, *sys.stdlib_module_names):
        file.lines.add(line)
        return
    if isinstance(value, FunctionType) or isinstance(
        inspect.unwrap(_callable(value)), FunctionType
    ):
        made = _carried(value, file)
        if made != word:
            file.texts[word] = f"{word} = {made}"
    elif isinstance(value, bool | int | float | str | tuple | None):
        if word in file.names:
            raise _Fixed(f"the file has something else that is called `{word}`")
        file.names.add(word)
        file.texts[word] = f"{word} = {text(expression(value))}"
    else:
        what = f"the module `{value.__name__}`" if isinstance(value, ModuleType) else f"`{word}`"
        raise _Fixed(f"it reads {what}")


def _callable(value: Any) -> Callable[..., Any]:
    return value if callable(value) and not isinstance(value, type) else len
