"""How functions along an axis are written: at the place along it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from lossdsl.core.graph import Apply as Operation
from lossdsl.core.graph import Node
from lossdsl.formula.arithmetic import divided, exponential, summed
from lossdsl.formula.conditions import TRUE
from lossdsl.formula.math import (
    ONE,
    Apply,
    Big,
    Fence,
    Math,
    Operator,
    Relation,
)
from lossdsl.formula.reader import Notation, Place, Places, Reader, couples, operands, placed
from lossdsl.syntax.options import AXIS, WHERE


def _along(reader: Reader, node: Operation, operand: Node) -> tuple[int, ...] | None:
    """Return the axes that a function works along; None where they are not known."""
    dims, axes = reader.dims(operand), node.option(AXIS)
    if dims is None or not isinstance(axes, int | tuple):
        return None
    several = (axes,) if isinstance(axes, int) else cast("tuple[int, ...]", axes)
    return tuple(axis % len(dims) for axis in several)


def _lifted(
    reader: Reader, node: Operation, operand: Node, places: Places
) -> tuple[Math, list[Place]]:
    """Return an operand with the axis worked on whole, and the place along that axis."""
    axes = _along(reader, node, operand)
    dims = reader.dims(operand)
    if dims is None or axes is None:
        return reader.whole(operand), []
    padded = [*places, *[None] * (len(dims) - len(places))]
    inner = [None if at in axes else padded[at] for at in range(len(dims))]
    behind = [padded[at] for at in axes]
    return reader.read(operand, inner), [place for place in behind if place is not None]


def _softmax(reader: Reader, node: Operation, places: Places) -> Math:
    """Return a share of exponentials, by name where the operand is plain."""
    explicit = _shares(reader, node, places)
    if explicit is not None:
        return explicit
    given = operands(node)
    if WHERE in given:
        return reader.named(reader, node, places)
    body, behind = _lifted(reader, node, given["x"], places)
    return placed(Apply("softmax", (_scaled(reader, node, body),)), behind, None)


def _scaled(reader: Reader, node: Operation, body: Math) -> Math:
    temperature = operands(node).get("temperature")
    return body if temperature is None else divided(body, reader.whole(temperature))


def _log_softmax(reader: Reader, node: Operation, places: Places) -> Math:
    return Operator("log", _softmax(reader, node, places))


def _pick_log_softmax(reader: Reader, node: Operation, places: Places) -> Math:
    given = operands(node)
    operand = given["x"]
    dims, axes = reader.dims(operand), _along(reader, node, operand)
    if dims is None or not axes:
        return reader.named(reader, node, places)
    rows = [*places, *[None] * (len(dims) - 1 - len(places))]
    at = reader.part(given["index"], rows)
    return _log_softmax(reader, node, [*rows[: axes[0]], at, *rows[axes[0] :]])


def _shares(reader: Reader, node: Operation, places: Places) -> Math | None:
    """Return e^x over the sum of such, where rows and columns or a mask must show."""
    given = operands(node)
    operand, mask = given["x"], given.get(WHERE)
    if not (mask is not None or couples(operand)) or all(place is None for place in places):
        return None
    dims, axes = reader.dims(operand), _along(reader, node, operand)
    if dims is None or axes is None or len(places) != len(dims):
        return None
    index, _, within = reader.fresh(dims[axes[0]])
    inner = [index if at in axes else place for at, place in enumerate(places)]
    held = TRUE if mask is None else within.part(mask, inner)
    under = index if held == TRUE else Relation(index, ((":", held),))
    total = Big("sum", under, exponential(_scaled(within, node, within.read(operand, inner))))
    return divided(exponential(_scaled(reader, node, reader.read(operand, places))), total)


def _normalize(reader: Reader, node: Operation, places: Places) -> Math:
    operand = next(iter(operands(node).values()))
    body, behind = _lifted(reader, node, operand, places)
    if reader.dims(operand) is None:
        return reader.named(reader, node, places)
    if not behind:
        return divided(body, Fence("norm", body))
    return divided(reader.read(operand, places), Fence("norm", body))


def _extreme(name: str) -> Notation:
    """Return the notation of the place of the largest or smallest element along an axis."""

    def notation(reader: Reader, node: Operation, places: Places) -> Math:
        operand = next(iter(operands(node).values()))
        dims, axes = reader.dims(operand), _along(reader, node, operand)
        if dims is None or axes is None:
            return Operator(name, reader.whole(operand))
        index, _, within = reader.fresh(dims[axes[0]])
        remaining = list(places)
        inner = [
            index if at in axes else (remaining.pop(0) if remaining else None)
            for at in range(len(dims))
        ]
        return Big(name, index, within.read(operand, inner))

    return notation


def _running(reader: Reader, node: Operation, places: Places) -> Math:
    """Return a cumulative sum: over the places up to this one, or from it on."""
    operand = next(iter(operands(node).values()))
    dims, axes = reader.dims(operand), _along(reader, node, operand)
    if dims is None or axes is None or not places or places[axes[0]] is None:
        return reader.named(reader, node, places)
    here = places[axes[0]]
    assert here is not None
    index, _, within = reader.fresh(dims[axes[0]])
    inner = [index if at in axes else place for at, place in enumerate(places)]
    sign = ">=" if node.option("reverse") else "<="
    return Big("sum", Relation(index, ((sign, here),)), within.read(operand, inner))


def _steps(reader: Reader, node: Operation, places: Places) -> Math:
    """Return the difference of an element from the next."""
    operand = next(iter(operands(node).values()))
    axes = _along(reader, node, operand)
    if axes is None or not places or places[axes[0]] is None:
        return reader.named(reader, node, places)
    here = places[axes[0]]
    assert here is not None
    after = [summed([(False, here), (False, ONE)]) if at in axes else place
             for at, place in enumerate(places)]  # fmt: skip
    return summed([(False, reader.read(operand, after)), (True, reader.read(operand, places))])


def _distance(reader: Reader, node: Operation, places: Places) -> Math:
    """Return the distance of a row of one array from a row of the other."""
    left, right = operands(node).values()
    columns = reader.dims(left)
    if len(places) < 2 or None in places or columns is None:
        return reader.named(reader, node, places)
    if not node.option("squared"):
        rows = (reader.read(left, [places[0], None]), reader.read(right, [places[1], None]))
        return Fence("norm", summed([(False, rows[0]), (True, rows[1])]))
    index, _, within = reader.fresh(columns[-1])
    difference = summed(
        [
            (False, within.read(left, [places[0], index])),
            (True, within.read(right, [places[1], index])),
        ]
    )
    from lossdsl.formula.arithmetic import raised
    from lossdsl.formula.math import TWO

    return Big("sum", index, raised(difference, TWO))


AXES: Mapping[str, Notation] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "pick_log_softmax": _pick_log_softmax,
    "normalize": _normalize,
    "argmax": _extreme("argmax"),
    "argmin": _extreme("argmin"),
    "cumsum": _running,
    "diff": _steps,
    "pairwise_distance": _distance,
}
"""By the name of the function."""
