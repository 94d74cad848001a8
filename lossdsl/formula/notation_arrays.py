"""How gathers, products of arrays and changes of shape are written: at the places they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from lossdsl.core.graph import Apply as Operation
from lossdsl.core.graph import Input, Leaves
from lossdsl.formula.arithmetic import multiplied, summed
from lossdsl.formula.conditions import cases
from lossdsl.formula.extents import is_run, size
from lossdsl.formula.math import (
    ONE,
    ZERO,
    Apply,
    Big,
    Fence,
    Indexed,
    Listed,
    Math,
    Number,
    Phrase,
    Power,
    Relation,
    Symbol,
)
from lossdsl.formula.reader import Notation, Place, Places, Reader, number, operands, placed
from lossdsl.types.types import Dim


def _taken(reader: Reader, node: Operation, places: Places) -> Math:
    """Return a gather: what is taken from, at the index."""
    given = operands(node)
    operand, index = given["x"], given["index"]
    dims, over = reader.dims(operand), reader.dims(index)
    along = node.function.name == "take_along"
    axis = node.option("axis")
    if dims is None or over is None or not isinstance(axis, int):
        return reader.named(reader, node, places)
    axis %= len(dims)
    rank = len(dims) if along else len(over) + len(dims) - 1
    padded = [*places, *[None] * (rank - len(places))]
    own = reader.share(index, padded) if along else padded[axis : axis + len(over)]
    if any(at is None and not is_run(dim) for at, dim in zip(own, over, strict=True)):
        return reader.named(reader, node, places)
    if along:
        at = reader.part(index, places)
        inner = [at if position == axis else here for position, here in enumerate(padded)]
        return reader.read(operand, inner)
    at = reader.read(index, padded[axis : axis + len(over)])
    return reader.read(operand, [*padded[:axis], at, *padded[axis + len(over) :]])


def _one_hot(reader: Reader, node: Operation, places: Places) -> Math:
    """Return 1 for the class of the label, as one compares the two."""
    (label, *_) = node.arguments
    assert label is not None
    if not places or places[-1] is None:
        return Apply("one_hot", (reader.whole(label),))
    return Fence("holds", Relation(reader.part(label, places[:-1]), (("==", places[-1]),)))


def _arange(reader: Reader, node: Operation, places: Places) -> Math:
    if places and places[0] is not None:
        return places[0]
    stop = summed([(False, number(node.option("stop"))), (True, ONE)])
    return Fence("list", Listed((ZERO, ONE, Phrase("…"), stop)))


def _positions(reader: Reader, node: Operation, places: Places) -> Math:
    axis = node.option("axis")
    at = places[axis] if isinstance(axis, int) and places else None
    return reader.named(reader, node, places) if at is None else at


def _diagonal(reader: Reader, node: Operation, places: Places) -> Math:
    (operand,) = node.arguments
    assert operand is not None
    dims = reader.dims(operand) or ()
    if len(dims) == 1 and len(places) == 2 and None not in places:
        row, column = places
        assert row is not None and column is not None
        return cases(reader.read(operand, [row]), Relation(row, (("==", column),)), ZERO)
    if len(dims) < 2 or not places or places[-1] is None:
        return reader.named(reader, node, places)
    return reader.read(operand, [*places, places[-1]])


def _transposed(reader: Reader, node: Operation, places: Places) -> Math:
    (operand,) = node.arguments
    assert operand is not None
    order = node.option("axes") if "axes" in dict(node.options) else node.option("order")
    dims = reader.dims(operand)
    if dims is None:
        plain = order is None and node.function.name == "transpose"
        turned = Power(reader.whole(operand), Symbol("⊤"))
        return turned if plain else reader.named(reader, node, places)
    turned = tuple(cast("tuple[int, ...]", order or tuple(range(len(dims)))[::-1]))
    if all(place is None for place in places):
        plain = len(dims) == 2 and turned == (1, 0)
        return (
            Power(reader.whole(operand), Symbol("⊤"))
            if plain
            else reader.named(reader, node, places)
        )
    inner: list[Place] = [None] * len(dims)
    for axis, place in zip(turned, places, strict=True):
        inner[axis] = place
    return reader.read(operand, inner)


def _matmul(reader: Reader, node: Operation, places: Places) -> Math:
    left, right = node.arguments
    assert left is not None and right is not None
    return reader.matrix(left, right, places)


def _alike(reader: Reader, node: Operation, places: Places) -> Math:
    """Return the operand itself, of which only the shape changes."""
    assert node.arguments[0] is not None
    return reader.part(node.arguments[0], places)


def _aligned(reader: Reader, node: Operation, places: Places) -> Math:
    """Return a mask or weight at the places of what it belongs to."""
    (operand,) = node.arguments
    assert operand is not None
    order = cast("tuple[int, ...]", node.option("order") or ())
    new = cast("tuple[int, ...]", node.option("expand") or ())
    kept = [place for axis, place in enumerate(places) if axis not in new]
    inner: list[Place] = [None] * len(order)
    for axis, place in zip(order, kept, strict=False):
        inner[axis] = place
    return reader.read(operand, inner)


def _squeezed(reader: Reader, node: Operation, places: Places) -> Math:
    (operand,) = node.arguments
    dims = None if operand is None else reader.dims(operand)
    axes = node.option("axis")
    if operand is None or dims is None or not isinstance(axes, tuple):
        return reader.named(reader, node, places)
    rest = iter([*places, *[None] * len(dims)])
    gone = {axis % len(dims) for axis in cast("tuple[int, ...]", axes)}
    return reader.read(operand, [ZERO if at in gone else next(rest) for at in range(len(dims))])


def _expanded(reader: Reader, node: Operation, places: Places) -> Math:
    (operand,) = node.arguments
    axis = node.option("axis")
    if operand is None or not isinstance(axis, int) or reader.dims(operand) is None:
        return reader.named(reader, node, places)
    at = axis % (len(reader.dims(operand) or ()) + 1)
    return reader.read(operand, [place for axis, place in enumerate(places) if axis != at])


def _branches(reader: Reader, node: Operation, places: Places) -> Math:
    """Return a tree; one of a single leaf is that leaf."""
    given = [operand for operand in node.arguments if operand is not None]
    if node.option("paths") == ((),):
        return reader.part(given[0], places)
    paths = cast("tuple[tuple[str, ...], ...]", node.option("paths"))
    if len(paths) != len(given):  # of branches that are trees, each path is that of a leaf
        return Fence("list", Listed(tuple(map(reader.whole, given))))
    named = (
        Relation(Symbol(".".join(path)), ((":", reader.whole(operand)),))
        for path, operand in zip(paths, given, strict=True)
    )
    return Fence("list", Listed(tuple(named)))


def _einsum(reader: Reader, node: Operation, places: Places) -> Math:
    """Return the sum over the letters that the result does not have."""
    equation = node.option("equation")
    if not isinstance(equation, str) or "..." in equation or "->" not in equation:
        return reader.named(reader, node, places)
    inputs, _, output = equation.replace(" ", "").partition("->")
    letters = dict[str, Place](zip(output, [*places, *[None] * len(output)], strict=False))
    if any(place is None for place in letters.values()):
        return reader.named(reader, node, places)
    given = [operand for operand in node.arguments if operand is not None]
    gone: list[Math] = []
    for letter in dict.fromkeys(inputs.replace(",", "")):
        if letter not in letters:
            index, reader = reader.letter(letter)
            letters[letter] = index
            gone.append(index)
    factors = [
        reader.read(operand, [letters[letter] for letter in term])
        for term, operand in zip(inputs.split(","), given, strict=False)
    ]
    product = multiplied(factors)
    return Big("sum", Listed(tuple(gone)), product) if gone else product


def _index(reader: Reader, node: Operation, places: Places) -> Math:
    """Return an element of what is indexed; of a part that is not read by element, its slice."""
    (operand,) = node.arguments
    assert operand is not None
    dims = reader.dims(operand)
    items = cast("tuple[tuple[object, ...], ...]", node.option("items"))
    named = isinstance(operand, Input | Leaves)
    if dims is None or not (named or _by_element(items, places)):
        shown = tuple(_written(item) for item in items)
        return placed(Indexed(reader.whole(operand), shown), places, None)
    own = reader.dims(node) or ()
    rest = iter([*places, *[None] * len(own)])
    result = iter(own)
    inner: list[Place] = []
    behind: list[Place] = []
    for item in items:
        match item:
            case ("at", position):
                inner.append(_from_start(position, dims[len(inner)]))
            case ("slice", start, stop, step):
                place = next(rest)
                stands = _step(start, stop, step, place, (dims[len(inner)], next(result)))
                if stands is None and (start, stop, step) != (None, None, None):
                    stands = _written(item)
                    behind.append(place)
                elif stands is None:
                    behind.append(None)
                inner.append(stands)
            case _:
                next(rest)
                next(result)
    for _ in dims[len(inner) :]:
        inner.append(next(rest))
    while behind and behind[-1] is None:
        behind.pop()
    return placed(reader.read(operand, inner), behind, None)


def _by_element(items: tuple[tuple[object, ...], ...], places: Places) -> bool:
    """Whether every part of an axis is read at a place."""
    kept = [item for item in items if item[0] != "at"]
    parts = [at for item, at in zip(kept, places, strict=False) if item[0] == "slice" and any(
        end is not None for end in item[1:])]  # fmt: skip
    return None not in parts


def _from_start(position: object, dim: Dim) -> Math:
    if isinstance(position, int) and position < 0:
        return summed([(False, size(dim) or Symbol("N")), (True, Number(-position))])
    return number(position)


def _step(start: object, stop: object, step: object, place: Place, dims: tuple[Dim, Dim]) -> Place:
    """Return where the element of a slice at a place is read; None if no index says it."""
    axis, part = dims
    by = 1 if step is None else step
    if place is None or not isinstance(by, int):
        return None
    if part.constant is None and stop is not None:
        return None
    if start is None:
        begin = ZERO if by > 0 else _from_start(-1, axis)
    else:
        begin = _from_start(start, axis)
    at = multiplied([Number(abs(by)), place])
    if by > 0 and isinstance(at, Number) and isinstance(begin, Number):
        return Number(at.value + begin.value)
    if by < 0 or (isinstance(start, int) and start < 0):
        return summed([(False, begin), (by < 0, at)])
    return summed([(False, at), (False, begin)])


def _written(item: tuple[object, ...] | str) -> Place:
    """Return an item of an index as the language writes it, with the minus sign of mathematics."""
    match item:
        case str():
            return None if item == ":" else Phrase("…" if item == "..." else item.replace("-", "−"))
        case ("slice", None, None, None):
            return None
        case ("slice", start, stop, step):
            ends = [start, stop, *([] if step is None else [step])]
            return Phrase(
                ":".join("" if end is None else str(end) for end in ends).replace("-", "−")
            )
        case ("at", position):
            return Phrase(str(position).replace("-", "−"))
        case _:
            return Phrase("·")


ARRAYS: Mapping[str, Notation] = {
    "take": _taken,
    "take_along": _taken,
    "one_hot": _one_hot,
    "arange": _arange,
    "positions": _positions,
    "diag": _diagonal,
    "transpose": _transposed,
    "permute": _transposed,
    "matmul": _matmul,
    "einsum": _einsum,
    "broadcast": _alike,
    "branches": _branches,
    "align": _aligned,
    "squeeze": _squeezed,
    "expand": _expanded,
    "index": _index,
}
