"""How reductions are written: with an index for each axis that they take away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from lossdsl.core.graph import Apply as Operation
from lossdsl.core.graph import Input, Leaves, Node, tape
from lossdsl.formula.arithmetic import divided, exponential, multiplied
from lossdsl.formula.conditions import TRUE, joined
from lossdsl.formula.extents import limit
from lossdsl.formula.math import (
    ONE,
    Big,
    Fence,
    Listed,
    Math,
    Operator,
    Relation,
)
from lossdsl.formula.named_calls import own_mask
from lossdsl.formula.reader import Notation, Place, Places, Reader, operands, placed
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import AXIS, KEEPDIMS, NORMALIZE, WEIGHT, WHERE


@dataclass(frozen=True)
class Domain:
    """What a reduction runs over: indices with their numbers of elements, those that a mask keeps.

    `limits` says where an index ends that runs along a part of an axis.
    """

    indices: tuple[Math, ...]
    sizes: tuple[Math | None, ...]
    limits: tuple[Math, ...] = ()
    mask: Math | None = None

    @property
    def under(self) -> Math | None:
        """What stands below the sign of the reduction."""
        held = [*self.limits, *([] if self.mask is None else [self.mask])]
        if not self.indices:
            return self.mask
        index = self.indices[0] if len(self.indices) == 1 else Listed(self.indices)
        if not held:
            return index
        if len(self.indices) == 1 and len(self.limits) == len(held):
            return self.limits[0]
        return Relation(index, ((":", joined("and", held) if len(held) > 1 else held[0]),))

    def total(self, body: Math) -> Math:
        """Return the sum of a body."""
        return Big("sum", self.under, body)

    @property
    def count(self) -> Math | None:
        """How many elements there are, None where nobody knows."""
        known = [size for size in self.sizes if size is not None]
        return multiplied(known) if known and len(known) == len(self.sizes) else None


def _reduction(name: str) -> Notation:
    """Return the notation of an operator over indices, one for each axis that it takes away."""

    def notation(reader: Reader, node: Operation, places: Places) -> Math:
        given = operands(node)
        operand = next(iter(given.values()))
        mask, weight = given.get(WHERE), given.get(WEIGHT)
        leaf = _leaf(reader, operand)
        if leaf is not None and mask is None and weight is None and _option(node) is None:
            under, within = leaf
            return _BUILT.get(name, _big)(name, within.read(operand, ()), Domain((under,), (None,)))
        axes = _axes(reader, node, operand)
        if axes is None:
            if _option(node) not in (None, "all") or node.option(KEEPDIMS):
                return reader.named(reader, node, places)
            if weight is not None or (mask is not None and reader.is_tree(operand)):
                return reader.named(reader, node, places)
            axes = ()
        inner, indices, sizes, within = _opened(reader, node, operand, axes, places)
        if not indices and reader.dims(operand) is not None and name in _OF_ONE:
            return within.read(operand, inner)
        own = own_mask(mask, weight)
        within = replace(within, masks=within.masks | ({mask} if mask is not None else set()),
                         reads=[])  # fmt: skip
        body = within.read(operand, inner)
        held = None if own is None else within.part(own, inner)
        held = None if held == TRUE else held
        dims = reader.dims(operand) or ()
        limits = [limit(cast("Math", inner[axis]), dims[axis], within.reads) for axis in axes]
        reader.reads.extend(within.reads)
        known = tuple(end for end in limits if end is not None)
        domain = Domain(tuple(indices), tuple(sizes), known, held)
        weighing = None if weight is None else within.part(weight, inner)
        if weighing is not None:
            body = multiplied([weighing, body])
        if name != "mean":
            return _BUILT.get(name, _big)(name, body, domain)
        match node.option(NORMALIZE):
            case None | "weight" if weighing is not None:
                return divided(domain.total(body), domain.total(weighing))
            case None | "weight":
                return _mean(name, body, domain)
            case "count" if weighing is None:
                return _mean(name, body, domain)
            case "count":
                kept = domain if mask is None else replace(domain, mask=within.part(mask, inner))
                ones = kept.count if kept.mask is None else kept.total(ONE)
                return (
                    reader.named(reader, node, places)
                    if ones is None
                    else divided(domain.total(body), ones)
                )
            case _:
                if domain.count is None:
                    return reader.named(reader, node, places)
                return multiplied([divided(ONE, domain.count), domain.total(body)])

    return notation


_OF_ONE = ("mean", "sum", "prod", "max", "min", "any", "all")
"""What is of one number that number."""


def _leaf(reader: Reader, operand: Node) -> tuple[Math, Reader] | None:
    """Return what the leaves of a tree are called where each is reduced by itself, and a reader.

    None where a reduction sees every element of every leaf.
    """
    nodes = tape((operand,))
    if reader.leaves or (reader.dims(operand) is not None):
        return None
    if not any(isinstance(n, Operation) and _is_leafwise(reader, n) for n in nodes):
        return None
    read = {n.tree for n in nodes if isinstance(n, Leaves)}
    trees = [n for n in nodes if isinstance(n, Input | Leaves) and n not in read
             and reader.is_tree(n)]  # fmt: skip
    if not trees:
        return None
    letter, within = reader.letter("p" if len(trees) == 1 else "i")
    if len(trees) == 1:
        under = Relation(letter, (("in", reader.name(trees[0])),))
        return under, replace(within, leaves={trees[0]: letter})
    named = {tree: placed(reader.name(tree), [letter], None) for tree in trees}
    return letter, replace(within, leaves=named)


def _is_leafwise(reader: Reader, node: Operation) -> bool:
    """Whether an operation makes of each leaf of a tree one number."""
    along = node.function.reduction and node.option(AXIS) is not None
    read = [operand for operand in node.arguments if operand is not None]
    return (along or node.function.form is Form.MAP) and any(map(reader.is_tree, read))


def _option(node: Operation) -> object:
    """Return the axes of a reduction; of a tree of one leaf those of the leaf."""
    match node.option(AXIS):
        case (None | tuple() as axes,):
            return axes
        case axes:
            return axes


def _axes(reader: Reader, node: Operation, operand: Node) -> tuple[int, ...] | None:
    """Return the axes that a reduction takes away; None where they are not known."""
    dims = reader.dims(operand)
    if dims is None:
        return None
    axes = _option(node)
    if axes is None:
        return tuple(range(len(dims)))
    if not isinstance(axes, tuple):
        return None
    return tuple(sorted(axis % len(dims) for axis in cast("tuple[int, ...]", axes)))


def _opened(
    reader: Reader, node: Operation, operand: Node, axes: tuple[int, ...], places: Places
) -> tuple[list[Place], list[Math], list[Math | None], Reader]:
    """Return the places of the operand, the new indices, their sizes, and the reader within."""
    keeps = bool(node.option(KEEPDIMS))
    remaining = list(places)
    indices, sizes, inner = list[Math](), list[Math | None](), list[Place]()
    for axis, dim in enumerate(reader.dims(operand) or ()):
        if axis in axes:
            index, size, reader = reader.fresh(dim)
            indices.append(index)
            sizes.append(size)
            inner.append(index)
            if keeps and remaining:
                remaining.pop(0)
        else:
            inner.append(remaining.pop(0) if remaining else None)
    return inner, indices, sizes, reader


def _big(name: str, body: Math, domain: Domain) -> Math:
    return Big(name, domain.under, body)


def _mean(name: str, body: Math, domain: Domain) -> Math:
    if domain.mask is not None or domain.count is None:
        return Big("mean", domain.under, body)
    return multiplied([divided(ONE, domain.count), domain.total(body)])


def _log_of(inner: Callable[[str, Math, Domain], Math], name: str) -> Callable[..., Math]:
    return lambda _, body, domain: Operator("log", inner(name, exponential(body), domain))


def _count(name: str, body: Math, domain: Domain) -> Math:
    return domain.total(Fence("holds", body))


_BUILT: Mapping[str, Callable[[str, Math, Domain], Math]] = {
    "logsumexp": _log_of(_big, "sum"),
    "logmeanexp": _log_of(_mean, "mean"),
    "count": _count,
}


def _norm(reader: Reader, node: Operation, places: Places) -> Math:
    """Return a length: of a row or column where one axis goes, of everything otherwise."""
    given = operands(node)
    operand = next(iter(given.values()))
    if WHERE in given:
        return reader.named(reader, node, places)
    axes = _axes(reader, node, operand)
    if axes is None:
        if _option(node) is None:
            return Fence("norm", reader.whole(operand))
        return reader.named(reader, node, places)
    remaining = list(places)
    keeps = bool(node.option(KEEPDIMS))
    inner: list[Place] = []
    for axis in range(len(reader.dims(operand) or ())):
        if axis in axes:
            inner.append(None)
            if keeps and remaining:
                remaining.pop(0)
        else:
            inner.append(remaining.pop(0) if remaining else None)
    return Fence("norm", reader.read(operand, inner))


REDUCTIONS: Mapping[str, Notation] = {
    "mean": _reduction("mean"),
    "sum": _reduction("sum"),
    "prod": _reduction("prod"),
    "max": _reduction("max"),
    "min": _reduction("min"),
    "any": _reduction("any"),
    "all": _reduction("all"),
    "var": _reduction("var"),
    "std": _reduction("std"),
    "rms": _reduction("rms"),
    "count": _reduction("count"),
    "logsumexp": _reduction("logsumexp"),
    "logmeanexp": _reduction("logmeanexp"),
    "norm": _norm,
}
"""By the name of the function."""
