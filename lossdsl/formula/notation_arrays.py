"""How gathers, products of arrays and changes of shape are written: at the places they read."""

from __future__ import annotations

from collections.abc import Mapping

from lossdsl.formula.arithmetic import multiplied, summed
from lossdsl.formula.axis_names import axes_of
from lossdsl.formula.math import (
    ONE,
    ZERO,
    Apply,
    Big,
    Fence,
    Listed,
    Math,
    Phrase,
    Power,
    Relation,
    Symbol,
)
from lossdsl.formula.parameters import FIRST, LAST, Bound
from lossdsl.formula.translate import Notation, Place, Places, Reader
from lossdsl.syntax import ast


def _taken(reader: Reader, bound: Bound, places: Places) -> Math:
    """Return a gather: what is taken from, at the index."""
    operand, index = bound["x"], bound["index"]
    dims, over = reader.dims(operand), reader.dims(index)
    along = bound.function.name == "take_along"
    axes = (
        None if dims is None else axes_of(bound.given.get("axis", LAST if along else FIRST), dims)
    )
    if dims is None or over is None or not axes:
        return reader.applied(bound, places)
    axis = axes[0]
    if along:
        at = reader.part(index, places)
        inner = [at if position == axis else here for position, here in enumerate(places)]
        return reader.read(operand, inner[: len(dims)])
    padded = [*places, *[None] * (len(over) + len(dims) - 1 - len(places))]
    at = reader.read(index, padded[axis : axis + len(over)])
    return reader.read(operand, [*padded[:axis], at, *padded[axis + len(over) :]])


def _one_hot(reader: Reader, bound: Bound, places: Places) -> Math:
    """Return 1 for the class of the label, as one compares the two."""
    if not places or places[-1] is None:
        return Apply("one_hot", (reader.whole(bound["y"]),))
    label = reader.part(bound["y"], places[:-1])
    return Fence("holds", Relation(label, (("==", places[-1]),)))


def _arange(reader: Reader, bound: Bound, places: Places) -> Math:
    if places and places[0] is not None:
        return places[0]
    stop = summed([(False, reader.whole(bound["stop"])), (True, ONE)])
    return Fence("list", Listed((ZERO, ONE, Phrase("…"), stop)))


def _diagonal(reader: Reader, bound: Bound, places: Places) -> Math:
    operand = bound.operands[0]
    dims = reader.dims(operand) or ()
    if len(dims) < 2 or not places or places[-1] is None:
        return reader.applied(bound, places)
    return reader.read(operand, [*places, places[-1]])


def _transposed(reader: Reader, bound: Bound, places: Places) -> Math:
    operand = bound.operands[0]
    if "axes" in bound.given:
        return reader.applied(bound, places)
    if any(place is not None for place in places):
        return reader.read(operand, list(places)[::-1])
    return Power(reader.whole(operand), Symbol("⊤"))


def _matmul(reader: Reader, bound: Bound, places: Places) -> Math:
    left, right = bound.operands
    return reader.matrix(left, right, places)


def _alike(reader: Reader, bound: Bound, places: Places) -> Math:
    """Return the operand itself, of which only the shape changes."""
    return reader.part(bound.operands[0], places)


def _einsum(reader: Reader, bound: Bound, places: Places) -> Math:
    """Return the sum over the letters that the result does not have."""
    equation = bound.given.get("equation")
    if not isinstance(equation, ast.Text) or "..." in equation.value or "->" not in equation.value:
        return reader.applied(bound, places)
    inputs, _, output = equation.value.replace(" ", "").partition("->")
    letters = dict[str, Place](zip(output, [*places, *[None] * len(output)], strict=False))
    operands = [operand for operand in bound.operands if operand is not equation]
    gone: list[Math] = []
    for letter in dict.fromkeys(inputs.replace(",", "")):
        if letter not in letters:
            letters[letter], _, reader = reader.fresh(letter)
            gone.append(Symbol(letter) if letters[letter] is None else letters[letter])  # type: ignore[arg-type]
    factors = [
        reader.read(operand, [letters[letter] for letter in term])
        for term, operand in zip(inputs.split(","), operands, strict=False)
    ]
    product = multiplied(factors)
    return Big("sum", Listed(tuple(gone)), product) if gone else product


ARRAYS: Mapping[str, Notation] = {
    "take": _taken,
    "take_along": _taken,
    "one_hot": _one_hot,
    "arange": _arange,
    "diag": _diagonal,
    "transpose": _transposed,
    "matmul": _matmul,
    "einsum": _einsum,
    "broadcast": _alike,
}
