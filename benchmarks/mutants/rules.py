"""Rewrites that are written in the language: `log_softmax(x, etc=etc) -> x`.

On the left a letter is any expression, the same wherever it stands, and `e` a small constant. A
function of one letter is any, `L` a loss and `R` a reduction. `etc=etc` is every keyword that is
not named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import lossdsl
from lossdsl.library import BUILTINS
from lossdsl.syntax import ast
from lossdsl.syntax.walk import field_names

Match = dict[str, Any]


def rewritten(rule: str, node: object) -> Iterator[str]:
    """Yield the text that a rule makes of a node, if its left side is that."""
    left, _, right = rule.partition(" -> ")
    names: Match = {}
    if _matches(_expression(left), node, names):
        yield _filled(right, names)


def is_small(value: Any) -> bool:
    """Say whether an expression is a constant that guards a division, a root or a logarithm."""
    return isinstance(value, ast.Literal) and bool(value.value) and 0 < float(value.value) < 0.01


def text_of(node: Any) -> str:
    """Return an expression as it is written, in parentheses where it may need them."""
    simple = isinstance(node, ast.Name | ast.Literal | ast.Call | ast.Text | ast.Keyword)
    text = node.span.text
    return text if simple and not text.startswith("-") else f"({text})"


@cache
def _expression(text: str) -> ast.Expr:
    (statement,) = lossdsl.parse(f"loss = {text}").statements
    assert isinstance(statement, ast.Result)
    return statement.value


def _is_function(letter: str, name: str) -> bool:
    function = BUILTINS.get(name)
    match letter:
        case "L":
            return function is not None and function.is_loss
        case "R":
            return function is not None and function.reduction
        case _:
            return letter == name or len(letter) == 1


def _matches(pattern: Any, node: Any, names: Match) -> bool:
    match pattern:
        case ast.Name(letter) if len(letter) == 1:
            if letter == "e" and not is_small(node):
                return False
            return isinstance(node, ast.Expr) and names.setdefault(letter, node) == node
        case ast.Call(function, arguments, keywords):
            if not isinstance(node, ast.Call) or len(node.arguments) != len(arguments):
                return False
            if not _is_function(function, node.function):
                return False
            if len(function) == 1:
                names[f"{function}("] = node.function
            given = {one.name: one.value for one in node.keywords}
            wanted = {one.name: one.value for one in keywords if one.name != "etc"}
            rest = [one for one in node.keywords if one.name not in wanted]
            if len(wanted) < len(keywords):
                names["etc"] = rest
            elif rest:
                return False
            if not given.keys() >= wanted.keys():
                return False
            pairs = [*zip(arguments, node.arguments, strict=True)]
            pairs += [(value, given[name]) for name, value in wanted.items()]
            return all(_matches(one, other, names) for one, other in pairs)
        case ast.Literal():
            return bool(pattern == node)
        case tuple():
            same = isinstance(node, tuple) and len(pattern) == len(node)
            return same and all(map(lambda a, b: _matches(a, b, names), pattern, node))
        case _ if hasattr(pattern, "__dataclass_fields__"):
            return type(pattern) is type(node) and all(
                _matches(getattr(pattern, field), getattr(node, field), names)
                for field in field_names(type(pattern))
                if "span" not in field
            )
        case _:
            return bool(pattern == node)


def _filled(text: str, names: Mapping[str, Any]) -> str:
    etc = "".join(f", {one.span.text}" for one in names.get("etc", ()))
    text = re.sub(r", etc=etc\b", "\0", text)
    text = re.sub(r"\b([a-zA-Z])\(", lambda at: names.get(at[0], at[1]) + "(", text)
    text = re.sub(
        r"(?<![\w.])([a-z])\b(?![\w(=])",
        lambda at: text_of(names[at[1]]) if at[1] in names else at[0],
        text,
    )
    return text.replace("\0", etc)
