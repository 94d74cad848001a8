"""Which elements of an operand the kept elements of a result need: masks carried backwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from lossdsl.analyze.dataflow import backward
from lossdsl.analyze.outputs import Read, computed, operand_of, reads
from lossdsl.core.graph import Apply, Graph, Input, Node
from lossdsl.library.declare import of_form, of_operator
from lossdsl.library.follow import Axes, Operand, Part, broadcast, followed
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType, Dim, array, literal_dim

# A node is computed once for each mask that its readers ask with. Slices of slices could ask with
# ever more masks; beyond so many, what any of them needs is computed once.
COPIES = 4


@dataclass(frozen=True, slots=True)
class Demand:
    """A mask of the rank of a value, with size 1 where it does not vary, or of rank 0.

    `exact` when what is outside the mask is needed by nothing that is kept *and* nothing kept
    shares a row with it: no axis was reduced with `any` on the way.
    """

    mask: Node
    exact: bool = True


# By the mask that a reader asks with (None: for everything), what is computed for it.
Served = dict[Node | None, Demand | None]


def mask_of(demand: Demand | None) -> Node | None:
    """Return the mask of a demand, which tells demands on one node apart."""
    return None if demand is None else demand.mask


def is_read(graph: Graph, node: Node) -> bool:
    """Say whether a node is where data enters: an input, or a leaf of one."""
    return isinstance(node, Input) or (isinstance(node, Apply) and computed(graph, node) is None)


class Projector:
    """Carries the demand on a result to its operands, by what the functions declare."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def served(self, root: Node, first: Demand) -> dict[Node, Served]:
        """Return which elements of each node are computed, for each demand that the root makes."""
        # Nothing is asked of a record or tree, but of each of its arrays, and of a sunk mask.
        return backward({root: {first.mask: first}}, self._asked, _together, self._few)

    def _asked(self, node: Node, asked: Served) -> Iterator[tuple[Node, Served]]:
        for demand in dict.fromkeys(asked.values()):
            for operand, need in self.operands(node, demand):
                yield operand, {mask_of(need): need}

    def _few(self, asked: Served) -> Served:
        masked = [demand for demand in asked.values() if demand is not None]
        if len(masked) <= COPIES:
            return asked
        either = self._joined(masked)
        return {mask: None if mask is None else either for mask in asked}

    def _joined(self, asked: Sequence[Demand]) -> Demand:
        """Return the demand of several readers: what any of them needs."""
        first, *rest = (demand.mask for demand in asked)
        for other in rest:
            a, b = self._dims(first), self._dims(other)
            dims = a or b
            if a and b:
                dims = tuple(y if x.is_one else x for x, y in zip(a, b, strict=True))
            kind = array("bool", dims)
            first = self.graph.apply(of_operator("or"), [first, other], kind)
        return Demand(first, False)

    def operands(self, node: Node, demand: Demand | None) -> list[tuple[Node, Demand | None]]:
        """Return what a node reads with the demand on each; None asks for all of it."""
        made = computed(self.graph, node)
        if made is None:
            return []
        return [(read.node, self._through(node, made, read, demand)) for read in reads(made)]

    def _through(self, node: Node, made: Apply, read: Read, demand: Demand | None) -> Demand | None:
        if demand is not None and not self._dims(demand.mask):
            # All or nothing is kept, and no function couples what it keeps.
            return demand
        call = operand_of(self.graph, node, read)
        if call is None:
            return None
        sink, axes = made.function.sink, followed(made.function, call)
        # Of an input itself nothing is computed: there, a pick alone needs no mask.
        entered = demand is None and is_read(self.graph, read.node)
        if sink == "pick" and read.at == 0 and axes is not None and not entered:
            chosen = (to for to, dim in zip(axes, call.dims, strict=True) if not dim.is_one)
            if None in chosen:
                return self._picked(node, made, call, axes, demand)
        if demand is None:
            return None
        if sink == "reshape":
            return self._reshaped(call, demand)
        if callable(sink):
            part: Part | None = sink(call)
            return None if part is None else self._part(demand, *part)
        return None if axes is None else self._followed(call, axes, demand)

    def elementwise(self, demand: Demand, result: ArrayType, type: ArrayType) -> Demand | None:
        """Line a mask over a result up with an operand that was broadcast to it."""
        if not self._dims(demand.mask):
            return demand
        call = Operand(0, (type.dims or (),), result.dims or (), {})
        return self._followed(call, broadcast(call), demand)

    def _followed(self, call: Operand, axes: Axes, demand: Demand) -> Demand | None:
        """Pass the axes that the function does not couple; None when the mask has no other."""
        mask = self._dims(demand.mask)
        kept: dict[int, int] = {}
        for at, to in enumerate(axes):
            if to is not None and not call.dims[at].is_one:
                kept.setdefault(to, at)
        gone = tuple(at for at in range(len(mask)) if at not in kept)
        lost = [at for at in gone if not mask[at].is_one]
        if lost and all(mask[at].is_one for at in kept):
            return None
        narrowed = self._any(demand, gone)
        if call.rank == len(mask) and all(at == to for to, at in kept.items()):
            return narrowed
        left = self._picked_out(narrowed, dict.fromkeys(gone, ("at", 0)))
        places = [kept[at] for at in sorted(kept)]
        order = tuple(sorted(range(len(places)), key=places.__getitem__))
        added = tuple(at for at in range(call.rank) if at not in places)
        return self._aligned(left, order, added)

    def _dims(self, mask: Node) -> tuple[Dim, ...]:
        return cast("ArrayType", self.graph.types[mask]).dims or ()

    def _any(self, demand: Demand, axes: tuple[int, ...]) -> Demand:
        """Reduce the mask over axes, keeping them with size 1."""
        dims = self._dims(demand.mask)
        varied = tuple(at for at in axes if not dims[at].is_one)
        if not varied:
            return demand
        left = tuple(Dim(1) if at in varied else dim for at, dim in enumerate(dims))
        reduced = self._formed(Form.PROJECT, demand, left, {"axes": varied, "keepdims": True})
        return Demand(reduced.mask, False)

    def _picked_out(self, demand: Demand, by_axis: Mapping[int, tuple[object, ...]]) -> Demand:
        """Index the mask along some axes."""
        if not by_axis:
            return demand
        dims = self._dims(demand.mask)
        items = tuple(by_axis.get(at, ("slice", None, None, None)) for at in range(len(dims)))
        left: list[Dim] = []
        for dim, item in zip(dims, items, strict=True):
            match item:
                case ("slice", int(start), int(stop), _):
                    left.append(literal_dim(stop - start))
                case ("slice", *_):
                    left.append(dim)
                case _:
                    pass
        return self._formed(Form.INDEX, demand, tuple(left), {"items": items})

    def _aligned(self, demand: Demand, order: tuple[int, ...], added: tuple[int, ...]) -> Demand:
        """Order the axes of the mask and give it more, of size 1."""
        if not added and order == tuple(range(len(order))):
            return demand
        dims = self._dims(demand.mask)
        rest = iter(order)
        left = tuple(
            Dim(1) if at in added else dims[next(rest)] for at in range(len(order) + len(added))
        )
        return self._formed(Form.ALIGN, demand, left, {"order": order, "expand": added})

    def _part(self, demand: Demand, axis: int, item: tuple[object, ...]) -> Demand:
        """Take the part of the mask that is over one operand."""
        if not self._dims(demand.mask)[axis].is_one:
            return self._picked_out(demand, {axis: item})
        return self._picked_out(demand, {axis: ("at", 0)}) if item[0] == "at" else demand

    def _reshaped(self, call: Operand, demand: Demand) -> Demand | None:
        over, to = _shape(call.result), _shape(call.dims)
        if over is None or to is None:
            return None
        return self._formed(Form.SPREAD, demand, call.dims, {"over": over, "to": to})

    def _picked(
        self, node: Node, made: Apply, call: Operand, axes: Axes, demand: Demand | None
    ) -> Demand | None:
        """An element that is not picked is not needed, also where all that is picked is."""
        over, shape = _shape(call.result), _shape(call.dims)
        if over is None or shape is None:
            return None
        asked = demand or Demand(self.graph.const(True, array("bool", ())))
        mask = self._dims(asked.mask)
        # Along these neither the mask nor what is picked varies.
        alike = {at: to for at, to in enumerate(axes) if to is not None}
        if mask:
            alike = {at: to for at, to in alike.items() if mask[to].is_one}
        dims = tuple(Dim(1) if at in alike else dim for at, dim in enumerate(call.dims))
        options = {
            "pick": made.function,
            "options": made.options,
            "output": cast("Apply", node).option("at") if call.output else None,
            "over": tuple(1 if at in alike.values() else axis for at, axis in enumerate(over)),
            "shape": tuple(1 if at in alike else size for at, size in enumerate(shape)),
        }
        return self._formed(Form.UNPICK, asked, dims, options, made.arguments[1:])

    def _formed(
        self,
        form: Form,
        demand: Demand,
        dims: tuple[Dim, ...],
        options: Mapping[str, object],
        beside: Sequence[Node | None] = (),
    ) -> Demand:
        """Return the demand with its mask in another form."""
        operands, type = [demand.mask, *beside], array("bool", dims)
        return Demand(self.graph.apply(of_form(form), operands, type, options), demand.exact)


def _together(a: Served, b: Served) -> Served:
    """Return what two readers ask with; of two demands with one mask one that serves both."""
    return a | {mask: _both(need, a.get(mask, need)) for mask, need in b.items()}


def _both(a: Demand | None, b: Demand | None) -> Demand | None:
    return None if a is None or b is None else Demand(a.mask, a.exact and b.exact)


def _shape(dims: Sequence[Dim]) -> tuple[int, ...] | None:
    sizes = [dim.known for dim in dims]
    return None if None in sizes else cast("tuple[int, ...]", tuple(sizes))
