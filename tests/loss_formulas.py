"""Specs with declared inputs: their formulas as one expression, and what these are read with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from formula_values import Tree, Values, value

import lossdsl
from lossdsl.formula.abbreviate import Equation, symbol_of
from lossdsl.formula.formulas import Formula
from lossdsl.formula.loss_formulas import loss_formulas
from lossdsl.formula.math import Indexed, Math, Phrase, Symbol, below, with_parts
from lossdsl.library.declare import builtins
from lossdsl.syntax import ast

PUBLISHED = sorted((Path(__file__).parent / "conformance/published").glob("*/*.loss"))


@cache
def formulas_of(text: str) -> tuple[Formula, ...]:
    return loss_formulas(lossdsl.parse(text), builtins(), {})


def defaults_in(text: str) -> dict[str, Any]:
    """Return the values of the inputs of a spec that has them."""
    return {
        name: np.float64(statement.default.value)
        for statement in lossdsl.parse(text).statements
        if isinstance(statement, ast.Declaration) and statement.default is not None
        for name in statement.names
    }


def names_in(text: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the names of a formula: inputs, fields of records, and sizes."""
    given, held = dict[str, Any](), {**defaults_in(text), **inputs}
    for statement in lossdsl.parse(text).statements:
        if isinstance(statement, ast.Declaration):
            for name in statement.names:
                given |= dict(_named(name, statement.type, held[name]))
    return given


def _named(name: str, type: ast.TypeExpr, held: Any) -> Iterator[tuple[str, Any]]:
    match type:
        case ast.RecordTypeExpr(fields):
            for field in fields:
                yield from _named(f"{name}.{field.name}", field.type, held[field.name])
        case ast.ArrayTypeExpr(dims=dims):
            yield name, held
            if not any(isinstance(dim, ast.Run) for dim in dims):
                for dim, size in zip(dims, np.shape(held), strict=True):
                    if isinstance(dim, ast.DimExpr) and len(dim.symbols) == 1:
                        yield dim.symbols[0], size - dim.constant
        case ast.TreeTypeExpr():
            yield name, Tree(dict(_leaves(held, ())))
            yield from _parts(held, (name,))
        case _:
            yield name, held


def _leaves(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        for key, inner in sorted(tree.items()):
            yield from _leaves(inner, (*path, str(key)))
    else:
        yield "/".join(path), tree


def _parts(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the leaves below a tree by their dotted paths."""
    for key, inner in tree.items() if isinstance(tree, Mapping) else ():
        yield ".".join((*path, str(key))), inner
        yield from _parts(inner, (*path, str(key)))


def one_expression(formula: Formula) -> Math:
    """Return the right side of a formula with what its names stand for in their place.

    Functions keep their names: their equations speak of options that a call may have.
    """
    (_, right), *named = formula.equations
    named = [equation for equation in named if symbol_of(equation[0])]
    for _ in range(40):
        before = right
        for equation in named:
            right = _put(right, equation)
        if right == before:
            return right
    raise AssertionError("a name stands for itself")


def _put(node: Math, equation: Equation) -> Math:
    """Return a node with the body of an equation for its name, at the places that are given."""
    name, body = equation
    node = with_parts(node, lambda part: _put(part, equation))
    match name, node:
        case _ if node == name:
            return body
        case Indexed(_, (Phrase(),)), _:
            return node
        case Indexed(Symbol(letter), places), Indexed(Symbol(other), given) if letter == other:
            inner = _renamed(body, dict(zip(places, given, strict=False)))
            rest = given[len(places) :]
            return Indexed(inner, rest) if rest else inner
        case _:
            return node


def _renamed(node: Math, names: Mapping[Math | None, Math | None]) -> Math:
    held = names.get(node)
    return with_parts(node, lambda part: _renamed(part, names)) if held is None else held


def result(formula: Formula, given: Values) -> float:
    return float(value(one_expression(formula), given))


def size(formula: Formula) -> int:
    return sum(1 for _ in below(one_expression(formula)))
