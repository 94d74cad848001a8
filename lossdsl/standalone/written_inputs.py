"""The inputs of an emitted file: how each array of a call is written."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from lossdsl.lower.callable import Slot
from lossdsl.selectors import flatten
from lossdsl.standalone.expression_text import text
from lossdsl.standalone.module_text import Parameter
from lossdsl.standalone.values import dotted, expression, name
from lossdsl.syntax import ast as syntax
from lossdsl.types.dtypes import dtype_name


def written_input(
    slot: Slot, value: Any, passed: Any, type: syntax.TypeExpr | None, told: bool
) -> Parameter:
    """Return an input as a file declares it, of what a call passes for it.

    `value` is what the loss gets of what is `passed`. One of a declared `type` that is passed by
    that alone is `told` as it is declared.
    """
    word = slot.name
    pairs = list(_leaves(name(word), value, passed, slot.record))
    shown = [f"{text(expr)}: {_shown(leaf)}" for expr, leaf in pairs]
    if told and type is not None:
        shown = [f"{word}: {type.span.text}"]
    lone = pairs[0][1] if len(pairs) == 1 and isinstance(pairs[0][0], ast.Name) else None
    dtype = jax.typeof(lone).dtype if lone is not None and np.shape(lone) == () else None
    leaves = [expr for expr, _ in pairs]
    sizes = {} if type is None else dict(_sizes(name(word), type))
    return Parameter(word, leaves, shown, lone is not None, dtype, slot.default, sizes)


def _sizes(expr: ast.expr, type: syntax.TypeExpr) -> Iterator[tuple[str, ast.expr]]:
    """Yield the symbols of a declaration, each as it is read off the input."""
    match type:
        case syntax.ArrayTypeExpr(dims=dims):
            for at, dim in enumerate(dims):
                if isinstance(dim, syntax.Run):
                    return
                if isinstance(dim, syntax.DimExpr) and dim.name is not None:
                    shape = ast.Attribute(expr, "shape")
                    yield dim.name, ast.Subscript(shape, ast.Constant(at))
        case syntax.RecordTypeExpr(fields):
            for field in fields:
                yield from _sizes(ast.Subscript(expr, ast.Constant(field.name)), field.type)
        case _:
            return


def _leaves(
    expr: ast.expr, value: Any, passed: Any, declared: syntax.TypeExpr | None
) -> Iterator[tuple[ast.expr, Any]]:
    """Yield the arrays of an input, each as it is read off what is passed."""
    if isinstance(declared, syntax.RecordTypeExpr):
        for field in declared.fields:
            word = field.name
            if isinstance(passed, Mapping):
                inner, part = ast.Subscript(expr, expression(word)), passed[word]
            else:
                inner, part = ast.Attribute(expr, word), getattr(passed, word)
            yield from _leaves(inner, value[word], part, field.type)
        return
    flat = flatten(value)
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(value)[0]]
    for place in flat.read:
        yield _leaf(expr, paths[place], place), flat.leaves[place]


def _leaf(expr: ast.expr, keys: tuple[Any, ...], place: int) -> ast.expr:
    """Return how a leaf of a tree is written; by its place where its path says not how."""
    made = expr
    for key in keys:
        match key:
            case jax.tree_util.DictKey(key=(str() | int()) as inner):
                made = ast.Subscript(made, expression(inner))
            case jax.tree_util.SequenceKey(idx=inner):
                made = ast.Subscript(made, expression(inner))
            case jax.tree_util.GetAttrKey(name=str() as inner) if inner.isidentifier():
                made = ast.Attribute(made, inner)
            case _:
                leaves = ast.Call(dotted("jax.tree.leaves"), [expr], [])
                return ast.Subscript(leaves, expression(place))
    return made


def _shown(value: Any) -> str:
    """Return the type of an array as the language writes it."""
    aval = jax.typeof(value)
    return f"{dtype_name(aval.dtype)}[{', '.join(map(str, aval.shape))}]"
