"""Expressions as trees of text, which are written inline, with bindings, or with definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

Axis = str | int  # a dim symbol, or a literal size
Dims = tuple[Axis, ...]

_ATOM = re.compile(r"[\w.]+|[\w.]+\([^()]*\)")
_OUTER = re.compile(r"\b([A-Z]\d*|step)\b")


@dataclass(frozen=True, eq=False)
class Expr:
    """A piece of text in which `{}` stands for each part; two of equal text may be one object."""

    form: str
    parts: tuple[Expr, ...] = ()

    def nodes(self) -> Iterator[Expr]:
        """Yield the expression and everything below it, each object once."""
        waiting, seen = [self], {id(self)}
        while waiting:
            node = waiting.pop()
            yield node
            for part in node.parts:
                if id(part) not in seen:
                    seen.add(id(part))
                    waiting.append(part)


def inline(expr: Expr) -> str:
    """Return the text with every part in its place."""
    return expr.form.format(*(_bracketed(inline(part)) for part in expr.parts))


def bound(expr: Expr, random: Random) -> list[str]:
    """Return the text with some parts bound to names: the bindings, and last the expression."""
    names = {
        id(node): f"b{at}"
        for at, node in enumerate(expr.nodes())
        if node is not expr and node.parts and random.random() < 0.5
    }

    def text(node: Expr) -> str:
        return node.form.format(
            *(names.get(id(part)) or _bracketed(text(part)) for part in node.parts)
        )

    bindings = [f"{names[id(node)]} = {text(node)}" for node in expr.nodes() if id(node) in names]
    random.shuffle(bindings)
    return [*bindings, text(expr)]


def defined(expr: Expr, random: Random) -> list[str]:
    """Return the text with some operations written as calls of definitions, which come first.

    A definition sees its parameters only, so what names a dim or the step stays where it is.
    """
    definitions: dict[str, str] = {}

    def text(node: Expr) -> str:
        parts = [text(part) for part in node.parts]
        if not parts or _OUTER.search(node.form) or random.random() < 0.5:
            return node.form.format(*map(_bracketed, parts))
        name = f"g{len(definitions)}"
        parameters = [f"p{at}" for at in range(len(parts))]
        definitions[name] = f"def {name}({', '.join(parameters)}) = {node.form.format(*parameters)}"
        return f"{name}({', '.join(parts)})"

    last = text(expr)
    return [*definitions.values(), last]


def _bracketed(text: str) -> str:
    return text if _ATOM.fullmatch(text) else f"({text})"
