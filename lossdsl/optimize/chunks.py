"""Large values that are computed a chunk of rows at a time, as all that reads them goes by row.

A product may be far larger than its factors and than what a loss keeps of it: logits of a
vocabulary, of which each row becomes one number. Where the facts about axes say that a row of the
result needs but a row of the large value, both are computed in chunks, and the large value never
is. The pass names no function: `outer` marks what may be large, `axes` says where rows go.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import field
from itertools import combinations
from typing import cast

from lossdsl.analyze.outputs import Read, operand_of
from lossdsl.core.graph import Apply, Const, Graph, Node, operands, tape
from lossdsl.core.pattern import picks
from lossdsl.frozen import dataclass
from lossdsl.library.follow import followed, regrouped
from lossdsl.library.syntax_forms import Form
from lossdsl.optimize.chunk_size import Budget
from lossdsl.optimize.chunked_values import Chunked, Loop, span_of
from lossdsl.types.dtypes import bytes_of
from lossdsl.types.types import ArrayType

# What is kept of a large value has at most this share of its bytes.
KEPT = 1 / 8
# What is read both by row and by column is made twice, which takes up to twice the time: it is
# worth that where it has so many times the bytes of the budget.
TWICE = 8
# Values of rows along an axis, by node: the place of that axis in each.
Rows = dict[Node, int]


def chunks(
    graph: Graph, roots: Sequence[Node], sizes: Mapping[str, int], budget: Budget | None
) -> tuple[Chunked, ...]:
    """Return what is computed in chunks at a call of these sizes."""
    if budget is None or graph.sizes:
        return ()
    order = tape(roots)
    at_call = _Sizes(graph, sizes)
    large = (node for node in order if isinstance(node, Apply) and _is_large(node, at_call, budget))
    found: list[Chunked] = []
    for node in large:
        if not any(node in chunked.within for chunked in found):
            chunked = _Region(at_call, order, frozenset(roots), budget, node).chunked()
            found += [] if chunked is None else [chunked]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """A graph at the sizes of a call, which are asked for and not read."""

    graph: Graph
    sizes: Mapping[str, int]

    def shape(self, node: Node) -> tuple[int, ...] | None:
        type = self.graph.types[node]
        return type.shape_at(self.sizes) if isinstance(type, ArrayType) else None

    def bytes(self, node: Node) -> int:
        type, shape = self.graph.types[node], self.shape(node)
        if shape is None or not isinstance(type, ArrayType):
            return 0
        return math.prod(shape) * bytes_of(type.dtype)


def _is_large(node: Apply, at_call: _Sizes, budget: Budget) -> bool:
    return (
        node.function.outer
        and budget.is_over(at_call.bytes(node))
        and at_call.bytes(node) > sum(map(at_call.bytes, operands(node)))
    )


@dataclass(frozen=True, slots=True)
class _Region:
    """What goes by row around a large value."""

    at_call: _Sizes
    order: Sequence[Node]
    roots: frozenset[Node]
    budget: Budget
    large: Apply
    readers: dict[Node, list[Node]] = field(default_factory=dict[Node, "list[Node]"])

    def chunked(self) -> Chunked | None:
        """Return the large value in chunks, along one axis if that is enough, else along two."""
        shape = self.at_call.shape(self.large)
        assert shape is not None
        for node in self.order:
            for operand in operands(node):
                self.readers.setdefault(operand, []).append(node)
        most = self.budget.most(self.at_call.bytes(self.large))
        axes = sorted(range(len(shape)), key=lambda axis: -min(shape[axis], most))
        by_row = [(self._after(axis, shape[axis]), shape[axis]) for axis in axes if shape[axis] > 1]
        groups: list[tuple[tuple[Rows, int], ...]] = [(each,) for each in by_row]
        if self.at_call.bytes(self.large) > TWICE * self.budget.bytes:
            groups += combinations(by_row, 2)
        return next((made for group in groups if (made := self._made(group)) is not None), None)

    def _made(self, group: Sequence[tuple[Rows, int]]) -> Chunked | None:
        """Return the value in chunks along some axes; None if something reads more than rows."""
        counts = Counter(node for after, _ in group for node in after)
        for node, count in counts.items():
            if count > 1 and self._leaves(node, counts):
                return None
        size, loops = self.at_call.bytes(self.large), cast("list[Loop]", [])
        for after, rows in group:
            outputs = {
                node: at
                for node, at in after.items()
                if counts[node] == 1 and self._leaves(node, after)
            }
            body, sliced, whole = self._before(after, outputs, rows)
            bytes = sum(map(self.at_call.bytes, outputs))
            if not outputs or not sliced or bytes > KEPT * size:
                return None
            span = span_of(self.at_call.graph, self.large)
            each = self.budget.rows(size, rows, sum(map(self.at_call.bytes, whole)), span)
            ordered = tuple(node for node in tape(outputs) if node in body)
            loops.append(Loop(rows, each, ordered, sliced, whole, outputs))
        made = {node for loop in loops for node in loop.outputs}
        tail = self._tail(made, counts)
        reads = dict.fromkeys(each for node in tail for each in operands(node))
        beside = tuple(each for each in reads if each not in made and each not in tail)
        return Chunked(self.large, size, tuple(loops), tail, beside)

    def _leaves(self, node: Node, within: Container[Node]) -> bool:
        """Say whether a value is read by what is not within."""
        return node in self.roots or any(by not in within for by in self.readers.get(node, ()))

    def _after(self, axis: int, rows: int) -> Rows:
        """Return what goes by row from the large value on."""
        by_row: Rows = {self.large: axis}
        reached: set[Node] = {self.large}
        for node in self.order:
            reads = operands(node)
            if node is self.large or reached.isdisjoint(reads):
                continue
            reached.add(node)
            known = {each for each in reads if each in reached}
            if known <= by_row.keys() and isinstance(node, Apply):
                at = self._place(node, by_row, rows)
                if at is not None:
                    by_row[node] = at
        return by_row

    def _place(self, node: Apply, by_row: Mapping[Node, int], rows: int) -> int | None:
        """Return the axis of a result that rows of what it reads become; None if they do not."""
        places: set[int | None] = set()
        for at, operand in enumerate(node.arguments):
            if operand is not None and operand in by_row:
                axes = self._axes(node, at)
                places.add(None if axes is None else axes[by_row[operand]])
        place = places.pop() if len(places) == 1 else None
        shape = self.at_call.shape(node)
        if place is None or shape is None or shape[place] != rows:
            return None
        needs = self._needs(node, place, rows)
        if needs is None or any(needs[each] != by_row[each] for each in needs if each in by_row):
            return None
        return place

    def _axes(self, node: Apply, at: int) -> tuple[int | None, ...] | None:
        operand = node.arguments[at]
        read = None if operand is None else operand_of(self.at_call.graph, node, Read(operand, at))
        return None if read is None else followed(node.function, read)

    def _needs(self, node: Node, place: int, rows: int) -> dict[Node, int | None] | None:
        """Return which axis of each operand has the rows of a result, None for those that have
        none; None if it is not known, or if an option says how many rows there are.
        """
        if not isinstance(node, Apply) or node.function.foreign or node.function.axes is regrouped:
            return None
        needs: dict[Node, int | None] = {}
        for at, operand in enumerate(node.arguments):
            if operand is None:
                continue
            shape = self.at_call.shape(operand)
            axes = () if shape == () else self._axes(node, at)
            if shape is None or axes is None:
                return None
            own = axes.index(place) if place in axes else None
            own = None if own is not None and shape[own] != rows else own
            if needs.setdefault(operand, own) != own:
                return None
        return needs if any(own is not None for own in needs.values()) else None

    def _before(
        self, after: Rows, outputs: Rows, rows: int
    ) -> tuple[set[Node], Rows, tuple[Node, ...]]:
        """Return what is computed in chunks for outputs, and what it reads: by row, and whole.

        What is large itself, and of which a row needs but rows, is computed in the chunks too.
        """
        body, sliced, whole = set(outputs), cast("Rows", {}), cast("list[Node]", [])
        stack = list(outputs.items())
        while stack:
            node, place = stack.pop()
            needs = self._needs(node, place, rows)
            assert needs is not None
            for operand, own in needs.items():
                if operand in body or operand in sliced or operand in whole:
                    continue
                if isinstance(operand, Const):
                    body.add(operand)
                elif own is None:
                    whole.append(operand)
                elif operand in after or self._is_made_by_row(operand, own, rows):
                    body.add(operand)
                    stack.append((operand, own))
                else:
                    sliced[operand] = own
        return body, sliced, tuple(whole)

    def _is_made_by_row(self, node: Node, place: int, rows: int) -> bool:
        large = self.at_call.bytes(node) > self.budget.bytes / 8
        return large and self._needs(node, place, rows) is not None

    def _tail(self, outputs: set[Node], by_row: Mapping[Node, int]) -> tuple[Node, ...]:
        """Return the linear operations from the outputs to the one number that is made of them."""
        within, tail = set(outputs), cast("list[Node]", [])
        reached = set(by_row)
        for node in self.order:
            known = [each for each in operands(node) if each in reached]
            if not known or node in by_row:
                continue
            reached.add(node)
            if not isinstance(node, Apply) or not _is_linear(node, within):
                return ()
            if not within.issuperset(known):
                return ()
            within.add(node)
            tail.append(node)
            left = {each for each in within if self._leaves(each, {*within, *by_row})}
            if left == {node}:
                return tuple(tail) if self.at_call.shape(node) == () else ()
        return ()


def _is_linear(node: Apply, within: set[Node]) -> bool:
    """Say whether a result is a linear function of the operands that are `within`, together."""
    function = node.function
    given = [at for at, operand in enumerate(node.arguments) if operand in within]
    if function.operator in ("+", "-", "neg") or function.form is Form.CAST:
        return True
    if given == [1] and function.form is Form.KEEP:
        return True
    if function.reduction:
        return given == [0] and function.across in ("add", "mean")
    if len(given) != 1:
        return False
    names = [parameter.name for parameter in function.signatures[0].parameters]
    return names[given[0]] in function.scales or (given == [0] and picks(node))
