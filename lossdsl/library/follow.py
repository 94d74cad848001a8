"""Which axis of a result an axis of an operand becomes, stated by each function once.

An axis that becomes another holds the same entries one for one: entry i of the result reads entry
i of the operand along it, and no other. Masks follow these axes backwards, batches forwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.rules import Dims
from lossdsl.types.types import Path, same_dim

# By axis of an operand, the axis of the result; None where the function couples the entries.
Axes = tuple[int | None, ...]

# Where an operand lies in a result: an axis, and the item of an index along it.
Part = tuple[int, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand of a call, with the dims of all of them (None: left out, a tree or unknown).

    Of a function with several outputs, `result` has the dims of one, and `output` is its path in
    the record; where the operand is a tree or record, `leaf` is the path of the one array in it
    that is meant, whose dims stand for the operand. Both are empty else.
    """

    at: int
    operands: tuple[Dims | None, ...]
    result: Dims
    options: Mapping[str, object]
    output: Path = ()
    leaf: Path = ()

    @property
    def dims(self) -> Dims:
        """The dims of the operand, which are known."""
        return cast("Dims", self.operands[self.at])

    @property
    def rank(self) -> int:
        """The number of its axes."""
        return len(self.dims)

    def axes(self, name: str) -> tuple[int, ...] | None:
        """Return the axes that an option names; None stands for all."""
        axes = self.options.get(name)
        return (axes,) if isinstance(axes, int) else cast("tuple[int, ...] | None", axes)


def followed(function: Builtin, operand: Operand) -> Axes | None:
    """Return where the axes of an operand go; None if the function does not say.

    One fact may speak of several outputs: what an output has no axis for is coupled in it.
    """
    if function.elementwise:
        return broadcast(operand)
    if function.reduction:
        return reduced(operand)
    axes: Axes | None = None if function.axes is None else function.axes(operand)
    if axes is None or not operand.output:
        return axes
    return tuple(to if to is not None and to < len(operand.result) else None for to in axes)


def same(operand: Operand) -> Axes:
    """Every axis keeps its place; later ones may be new."""
    return tuple(range(operand.rank))


def broadcast(operand: Operand) -> Axes:
    """Axes are lined up from the right."""
    added = len(operand.result) - operand.rank
    return tuple(at + added if at + added >= 0 else None for at in range(operand.rank))


def reduced(operand: Operand) -> Axes | None:
    """The axes that a reduction leaves; a mask or weight is lined up with what is reduced."""
    whole, axes = operand.operands[0], operand.axes("axis")
    if whole is None:
        return None
    gone = range(len(whole)) if axes is None else axes
    left = [at for at in range(len(whole)) if operand.options.get("keepdims") or at not in gone]
    places = [None if at in gone else left.index(at) for at in range(len(whole))]
    return tuple(places[len(whole) - operand.rank :])


def beside(operand: Operand) -> Axes | None:
    """All but those along which the function works, named by `axis`; some functions drop them."""
    axes, rank = operand.axes("axis"), operand.rank
    if axes is None:
        return None
    dropped = sorted(axes) if len(operand.result) == rank - len(axes) else []
    if len(operand.result) + len(dropped) != rank:
        return None
    return tuple(
        None if at in axes else at - sum(axis < at for axis in dropped) for at in range(rank)
    )


def grouped(operand: Operand) -> Axes | None:
    """All but the one whose entries are grouped, the last of the second operand."""
    groups = operand.operands[1]
    if groups is None:
        return None
    return tuple(None if at == len(groups) - 1 else at for at in range(operand.rank))


def leading(operand: Operand) -> Axes:
    """Those that the result has; the function works on the ones after them."""
    return tuple(at if at < len(operand.result) else None for at in range(operand.rank))


def windows(operand: Operand) -> Axes:
    """All but those that a window slides over, which stand before the last."""
    size = len(cast("tuple[int, ...]", operand.options["window"]))
    last = operand.rank - 1
    return tuple(None if last - size <= at < last else at for at in range(operand.rank))


def permuted(operand: Operand) -> Axes:
    """The axes in another order, by default reversed."""
    order = operand.axes("order") or operand.axes("axes") or range(operand.rank)[::-1]
    return tuple(order.index(at) for at in range(operand.rank))


def aligned(operand: Operand) -> Axes:
    """The axes in another order, between new ones."""
    order, added = operand.axes("order") or (), operand.axes("expand") or ()
    places = [at for at in range(len(operand.result)) if at not in added]
    return tuple(places[order.index(at)] for at in range(operand.rank))


def regrouped(operand: Operand) -> Axes:
    """An axis whose elements stay together: those before it are the same."""
    new = [at for at, dim in enumerate(operand.result) if not dim.is_one]
    places: list[int | None] = [None] * operand.rank
    old = (at for at, dim in enumerate(operand.dims) if not dim.is_one)
    for at, place in zip(old, new, strict=False):
        if not same_dim(operand.dims[at], operand.result[place]):
            break
        places[at] = place
    return tuple(places)


def indexed(operand: Operand) -> Axes:
    """The axes that a full slice takes."""
    places: list[int | None] = []
    place = 0
    for item in cast("tuple[tuple[object, ...], ...]", operand.options["items"]):
        match item:
            case ("at", _):
                places.append(None)
                continue
            case ("slice", *bounds):
                places.append(place if bounds in ([None] * 3, [0, None, 1]) else None)
            case _:
                pass
        place += 1
    return (*places, *(place + at for at in range(operand.rank - len(places))))


def multiplied(operand: Operand) -> Axes | None:
    """Rows of the first, columns of the second, and the axes before them, lined up."""
    a, b = operand.operands
    if a is None or b is None:
        return None
    after, rank = len(operand.result), operand.rank
    before = after - (len(a) > 1) - (len(b) > 1) - (rank - 2)
    lead = tuple(at + before for at in range(rank - 2))
    if rank == 1:
        return (None,)
    return (*lead, after - 1 - (len(b) > 1), None) if operand.at == 0 else (*lead, None, after - 1)


def taken(operand: Operand) -> Axes | None:
    """The axes of the index stand where the axis was that it picks from."""
    (over,), index = operand.axes("axis") or (0,), operand.operands[1]
    if operand.at == 1:
        return tuple(over + at for at in range(operand.rank))
    if index is None:
        return None
    added = len(index) - 1
    return tuple(
        None if at == over else at if at < over else at + added for at in range(operand.rank)
    )


def joined(operand: Operand) -> Axes:
    """All but the axis along which arrays are joined."""
    (over,) = operand.axes("axis") or (0,)
    return tuple(None if at == over else at for at in range(operand.rank))


def stacked(operand: Operand) -> Axes:
    """All axes, beside a new one."""
    (over,) = operand.axes("axis") or (0,)
    over %= operand.rank + 1
    return tuple(at + (at >= over) for at in range(operand.rank))


def diagonal(operand: Operand) -> Axes:
    """The axes before the matrices."""
    return tuple(at if at < operand.rank - 2 else None for at in range(operand.rank))


def contracted(operand: Operand) -> Axes:
    """The axes whose letter is in the result, and those at the dots."""
    equation = str(operand.options["equation"]).replace(" ", "")
    before, arrow, after = equation.partition("->")
    terms = before.split(",")
    if not arrow:
        letters = before.replace(",", "").replace(".", "")
        once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
        after = ("..." if "..." in before else "") + "".join(once)
    term = terms[operand.at]
    result = _named(after, len(operand.result))
    return tuple(
        result.index(name) if name in result and term.count(str(name)) < 2 else None
        for name in _named(term, operand.rank)
    )


def _named(term: str, rank: int) -> list[str | int]:
    """Return a name for each axis; those at the dots are counted from the right."""
    before, _, after = term.partition("...")
    return [*before, *range(len(before) + len(after) - rank, 0), *after]


def joined_at(operand: Operand) -> Part | None:
    """Return the axis and the slice of the result at which an array was joined to others."""
    (over,) = operand.axes("axis") or (0,)
    sizes = [None if dims is None else dims[over].known for dims in operand.operands]
    start = sum(size or 0 for size in sizes[: operand.at])
    own = sizes[operand.at]
    return None if None in sizes or own is None else (over, ("slice", start, start + own, None))


def stacked_at(operand: Operand) -> Part:
    """Return the axis and the place of the result at which an array was stacked on others."""
    (over,) = operand.axes("axis") or (0,)
    return over % (operand.rank + 1), ("at", operand.at)
