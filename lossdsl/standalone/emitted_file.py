"""A file in the making: its imports, its functions, and the statements of the function at hand."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, cast

from lossdsl.library.declare import Builtin
from lossdsl.standalone.values import Code, name

_TAKEN = {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "jax", "jnp", "optax", "loss"}


@dataclass(eq=False)
class Block:
    """The statements of one function, and the names that it has or is going to have."""

    names: set[str] = field(default_factory=set[str])
    statements: list[ast.stmt] = field(default_factory=list[ast.stmt])

    def unique(self, word: str) -> str:
        """Return a name that the function has not; from now on it does."""
        made = _unlike(word, self.names)
        self.names.add(made)
        return made

    def assign(self, word: str, code: Code) -> Code:
        """Write the value of code down under a name of its own."""
        target = self.unique(word)
        self.statements.append(ast.Assign([name(target)], code.expr))
        return Code(code.value, name(target))

    def branch(self) -> Block:
        """Return a block for the statements under a condition or a loop, with the same names."""
        return Block(self.names)


@dataclass(eq=False)
class File:
    """The modules that a file imports, and its functions in the order of their use.

    `texts` has what is carried into it as it is written, with the `lines` of imports that it needs.
    """

    names: set[str] = field(default_factory=lambda: set(_TAKEN))
    modules: set[str] = field(default_factory=set[str])
    functions: dict[str, list[ast.stmt]] = field(default_factory=dict[str, "list[ast.stmt]"])
    renamed: dict[str, str] = field(default_factory=dict[str, str])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    lines: set[str] = field(default_factory=set[str])
    carried: dict[Builtin, str] = field(default_factory=dict["Builtin", str])
    _dumps: dict[str, str] = field(default_factory=dict[str, str])

    def current(self, word: str) -> str:
        """Return what a function is called by now."""
        return self.renamed.get(word, word)

    def unlike(self, word: str) -> str:
        """Return a name that is not taken."""
        return _unlike(word, self.names)

    def define(self, word: str, statements: list[ast.stmt], avoided: Iterable[str] = ()) -> str:
        """Add a function, with what else makes it; return its name, or that of an equal one.

        In the statements it has the name `word`.
        """
        text = _dumped(statements, word)
        for known, others in self.functions.items():
            if known not in self._dumps:
                self._dumps[known] = _dumped(others, known)
            if self._dumps[known] == text:
                return known
        made = _unlike(word.rstrip(":"), self.names | set(avoided))
        self.names.add(made)
        self.functions[made] = renamed(statements, {word: made})
        return made

    def document(self, word: str, doc: str) -> None:
        """Say what a function does that does not say so itself."""
        made = self.functions[word][0]
        assert isinstance(made, ast.FunctionDef)
        if doc and ast.get_docstring(made) is None:
            made.body.insert(0, ast.Expr(ast.Constant(doc)))

    def rename(self, old: str, word: str) -> str:
        """Give a function another name, wherever it is called; return the name."""
        if word == old or word in self.names:
            return old
        self.names.add(word)
        self.renamed[old] = word
        self._dumps.clear()
        self.functions = {
            word if known == old else known: renamed(statements, {old: word})
            for known, statements in self.functions.items()
        }
        return word


def _unlike(word: str, names: set[str]) -> str:
    if word not in names:
        return word
    number = 2
    while f"{word}_{number}" in names:
        number += 1
    return f"{word}_{number}"


def _dumped(statements: list[ast.stmt], own: str) -> str:
    """Return what statements are but for their own name, and what is said of them."""
    made = statements[0]
    if isinstance(made, ast.FunctionDef) and ast.get_docstring(made) is not None:
        bare = copy(made)
        bare.body = made.body[1:]
        statements = [bare, *statements[1:]]
    return "\n".join(map(ast.dump, renamed(statements, {own: "", f"{own}_jvp": "_jvp"})))


def renamed(statements: list[ast.stmt], names: dict[str, str]) -> list[ast.stmt]:
    """Return statements in which names are others; `f_jvp` goes with `f`."""
    with_rules = names | {f"{old}_jvp": f"{new}_jvp" for old, new in names.items()}
    exprs: dict[str, ast.expr] = {old: name(new) for old, new in with_rules.items()}
    made = [_with_names(statement, exprs) for statement in statements]
    for node in (node for statement in made for node in ast.walk(statement)):
        if isinstance(node, ast.FunctionDef):
            node.name = with_rules.get(node.name, node.name)
    return made


def substituted(expr: ast.expr, names: dict[str, ast.expr]) -> ast.expr:
    """Return an expression with others in place of names."""
    return _with_names(expr, names)


def _with_names(tree: Any, names: dict[str, ast.expr]) -> Any:
    """Return a copy of a tree with expressions in place of names."""
    if isinstance(tree, list):
        return [_with_names(item, names) for item in cast("list[Any]", tree)]
    if isinstance(tree, ast.Name):
        return names.get(tree.id) or name(tree.id)
    if not isinstance(tree, ast.AST):
        return tree
    fields = {field: _with_names(value, names) for field, value in ast.iter_fields(tree)}
    return type(tree)(**fields)


def count(expr: ast.AST, word: str) -> int:
    """Return how often a name stands in a tree."""
    return sum(isinstance(node, ast.Name) and node.id == word for node in ast.walk(expr))
