"""Which elements of an operand the kept elements of a result need: masks carried backwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lossdsl.check.core import Apply, Graph, Node, operands
from lossdsl.library.declare import Library
from lossdsl.types.types import ArrayType, Dim, array, literal_dim


@dataclass(frozen=True, slots=True)
class Demand:
    """A mask of the rank of a value, with size 1 where it does not vary, or of rank 0.

    `exact` when what is outside the mask is needed by nothing that is kept *and* nothing kept
    shares a row with it: no axis was reduced with `any` on the way.
    """

    mask: Node
    exact: bool = True


def read(node: Node) -> tuple[Node, ...]:
    """Return the operands of a node, without a mask that was sunk to it.

    Such a mask is made from what its select reads, and garbage in it reaches nothing needed.
    """
    if isinstance(node, Apply) and node.function.name == "shield":
        return operands(node)[1:]
    return operands(node)


def joined(graph: Graph, library: Library, asked: Sequence[Demand | None]) -> Demand | None:
    """Return the demand of several readers: what any of them needs."""
    if not asked or any(one is None for one in asked):
        return None
    first, *rest = [one for one in asked if one is not None]
    for other in rest:
        if other.mask is first.mask:
            first = Demand(first.mask, first.exact and other.exact)
            continue
        a, b = graph.types[first.mask], graph.types[other.mask]
        assert isinstance(a, ArrayType) and isinstance(b, ArrayType)
        dims = a.dims or b.dims or ()
        if a.dims and b.dims:
            dims = tuple(y if x.is_one else x for x, y in zip(a.dims, b.dims, strict=True))
        either = graph.apply(library.operators["or"], [first.mask, other.mask], array("bool", dims))
        first = Demand(either, False)
    return first


class Projector:
    """Carries the demand on a result to its operands, by what the function declares."""

    def __init__(self, graph: Graph, library: Library):
        self.graph = graph
        self.library = library

    def operands(self, node: Node, demand: Demand | None) -> Iterable[tuple[Node, Demand | None]]:
        """Yield each operand with the demand on it; None asks for all of it."""
        for at, operand in enumerate(read(node)):
            type = self.graph.types[operand]
            if demand is not None and not self._dims(demand.mask):
                # All or nothing is kept, and no function couples what it keeps.
                yield operand, demand
            elif demand is None or not isinstance(node, Apply) or not isinstance(type, ArrayType):
                yield operand, None
            else:
                yield operand, self._through(node, at, type, demand)

    def _through(self, node: Apply, at: int, type: ArrayType, demand: Demand) -> Demand | None:
        function, result = node.function, self.graph.types[node]
        if not isinstance(result, ArrayType):
            return None
        if function.elementwise or function.sink == "elementwise":
            return self.elementwise(demand, result, type)
        if function.reduction:
            return self._reduction(node, type, demand)
        match function.sink:
            case "same":
                return demand
            case "axis":
                return self._axis(node, result, type, demand)
            case "matmul":
                return self._matmul(at, result, type, demand)
            case "permute":
                return self._permute(node, type, demand)
            case "reshape":
                return self._reshape(result, type, demand)
            case "index":
                return self._index(node, type, demand)
            case "align":
                return self._align(node, demand)
            case _:
                return None

    def elementwise(self, demand: Demand, result: ArrayType, type: ArrayType) -> Demand | None:
        """Line a mask over a result up with an operand that was broadcast to it."""
        dims, mask = type.dims or (), self._dims(demand.mask)
        if not mask:
            return demand
        missing = len(mask) - len(dims)
        if missing < 0:
            return self._expanded(demand, len(mask), len(dims), tuple(range(-missing)))
        shrink = tuple(
            at
            for at, dim in enumerate(mask)
            if not dim.is_one and (at < missing or dims[at - missing].is_one)
        )
        if len(shrink) == sum(not dim.is_one for dim in mask) and shrink:
            return None
        kept = self._any(demand, shrink)
        return self._squeezed(kept, tuple(range(missing)))

    def _dims(self, mask: Node) -> tuple[Dim, ...]:
        type = self.graph.types[mask]
        assert isinstance(type, ArrayType)
        return type.dims or ()

    def _any(self, demand: Demand, axes: tuple[int, ...]) -> Demand:
        """Reduce the mask over axes, keeping them with size 1."""
        dims = self._dims(demand.mask)
        varied = tuple(at for at in axes if not dims[at].is_one)
        if not varied:
            return demand
        left = tuple(Dim(1) if at in varied else dim for at, dim in enumerate(dims))
        mask = self.graph.apply(
            self.library["project"],
            [demand.mask],
            array("bool", left),
            {"axes": varied, "keepdims": True},
        )
        return Demand(mask, False)

    def _squeezed(self, demand: Demand, axes: tuple[int, ...]) -> Demand:
        if not axes:
            return demand
        dims = self._dims(demand.mask)
        entries = tuple(
            ("at", 0) if at in axes else ("slice", None, None, None) for at in range(len(dims))
        )
        left = tuple(dim for at, dim in enumerate(dims) if at not in axes)
        mask = self.graph.apply(
            self.library["index"], [demand.mask], array("bool", left), {"items": entries}
        )
        return Demand(mask, demand.exact)

    def _expanded(self, demand: Demand, before: int, after: int, axes: tuple[int, ...]) -> Demand:
        """Give the mask more axes, of size 1."""
        if before == after:
            return demand
        rest = iter(self._dims(demand.mask))
        dims = tuple(Dim(1) if at in axes else next(rest) for at in range(after))
        mask = self.graph.apply(
            self.library["align"],
            [demand.mask],
            array("bool", dims),
            {"order": tuple(range(before)), "expand": axes},
        )
        return Demand(mask, demand.exact)

    def _reduction(self, node: Apply, type: ArrayType, demand: Demand) -> Demand | None:
        """Pass the axes that stay; a mask or weight is lined up with what is reduced."""
        axes, reduced = node.option("axis"), self.graph.types[operands(node)[0]]
        if axes is None or not isinstance(reduced, ArrayType):
            return None
        assert isinstance(axes, tuple)
        if not node.option("keepdims"):
            rank = len(reduced.dims or ())
            demand = self._expanded(demand, rank - len(axes), rank, tuple(sorted(axes)))
        return self.elementwise(demand, reduced, type)

    def _axis(
        self, node: Apply, result: ArrayType, type: ArrayType, demand: Demand
    ) -> Demand | None:
        """Pass the axes that the function does not couple."""
        given = node.option("axis")
        axes = (given,) if isinstance(given, int) else given
        if not isinstance(axes, tuple):
            return None
        rank, after = len(type.dims or ()), len(result.dims or ())
        if rank == 0:
            return None
        if rank == after:
            kept = self._any(demand, axes)
            varied = any(not dim.is_one for dim in self._dims(kept.mask))
            return kept if varied else None
        if rank == after + len(axes):
            return self._expanded(demand, after, rank, axes)
        return None

    def _matmul(self, at: int, result: ArrayType, type: ArrayType, demand: Demand) -> Demand | None:
        """Of `a @ b`, a row of `a` is needed by its row of the result, and so for columns."""
        rank, after = len(type.dims or ()), len(result.dims or ())
        if rank < 2 or after < 2 or rank != after:
            return None
        kept = self._any(demand, (after - 1,) if at == 0 else (after - 2,))
        varied = any(not dim.is_one for dim in self._dims(kept.mask))
        return Demand(kept.mask, False) if varied else None

    def _permute(self, node: Apply, type: ArrayType, demand: Demand) -> Demand | None:
        order = node.option("order") or node.option("axes")
        if order is None:
            order = tuple(reversed(range(len(self._dims(demand.mask)))))
        assert isinstance(order, tuple)
        return self._unordered(demand, order)

    def _unordered(self, demand: Demand, order: tuple[int, ...]) -> Demand:
        """Put the axes of the mask back where they were before they were ordered."""
        dims = self._dims(demand.mask)
        inverse = tuple(sorted(range(len(order)), key=order.__getitem__))
        if inverse == order == tuple(range(len(order))):
            return demand
        left = tuple(dims[at] for at in inverse)
        return self._reformed("permute", demand, left, {"order": inverse})

    def _align(self, node: Apply, demand: Demand) -> Demand:
        order, added = node.option("order"), node.option("expand")
        assert isinstance(order, tuple) and isinstance(added, tuple)
        return self._unordered(self._squeezed(demand, added), order)

    def _reshape(self, result: ArrayType, type: ArrayType, demand: Demand) -> Demand | None:
        before, after = type.shape, result.shape
        if before is None or after is None:
            return None
        return self._spread_over(demand, after, before)

    def _spread_over(self, demand: Demand, over: tuple[int, ...], to: tuple[int, ...]) -> Demand:
        dims = tuple(map(literal_dim, to))
        return self._reformed("spread", demand, dims, {"over": over, "to": to})

    def _index(self, node: Apply, type: ArrayType, demand: Demand) -> Demand | None:
        """An element that a slice leaves out is not needed."""
        shape, result = type.shape, self.graph.types[node]
        if shape is None or not isinstance(result, ArrayType) or result.shape is None:
            return None
        options = {"items": node.option("items"), "shape": shape, "over": result.shape}
        return self._reformed("unindex", demand, tuple(map(literal_dim, shape)), options)

    def _reformed(
        self, form: str, demand: Demand, dims: tuple[Dim, ...], options: Mapping[str, object]
    ) -> Demand:
        """Return the demand with its mask in another shape."""
        mask = self.graph.apply(self.library[form], [demand.mask], array("bool", dims), options)
        return Demand(mask, demand.exact)
