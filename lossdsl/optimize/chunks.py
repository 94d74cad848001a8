"""Large values that are computed a chunk of rows at a time, as all that reads them goes by row.

A product may be far larger than its factors and than what a loss keeps of it: logits of a
vocabulary, of which each row becomes one number. Where the facts about axes say that a row of the
result needs but a row of the large value, both are computed in chunks, and the large value never
is. The pass names no function: `outer` marks what may be large, `axes` says where rows go.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import cast

from lossdsl.analyze.outputs import Read, operand_of
from lossdsl.core.graph import Apply, Const, Graph, Node, operands, tape
from lossdsl.core.pattern import picks
from lossdsl.frozen import dataclass
from lossdsl.library.follow import followed, regrouped
from lossdsl.library.function import is_own
from lossdsl.library.syntax_forms import Form
from lossdsl.optimize.chunk_size import Budget
from lossdsl.source import Span
from lossdsl.types.dtypes import bytes_of
from lossdsl.types.types import ArrayType

# What is kept of a large value has at most this share of its bytes.
KEPT = 1 / 8
# Values of rows along an axis, by node: the place of that axis in each.
Rows = dict[Node, int]


@dataclass(frozen=True, slots=True, eq=False)
class Chunked:
    """Values that are computed in chunks of rows.

    The `body` is computed a chunk at a time, operands first, of `sliced` values, cut along the axis
    of the rows, and of `whole` ones; `outputs` are what is read of it. Where nothing but one number
    is made of the outputs, of which it is a linear function, `tail` are the operations between,
    `beside` what else they read and `result` is that number.
    """

    large: Apply
    size: int
    rows: int
    each: int
    body: tuple[Node, ...]
    sliced: Mapping[Node, int]
    whole: tuple[Node, ...]
    outputs: Mapping[Node, int]
    tail: tuple[Node, ...] = ()
    beside: tuple[Node, ...] = ()

    @property
    def count(self) -> int:
        """How many chunks there are, the first of which may be smaller."""
        return -(-self.rows // self.each)

    @property
    def made(self) -> tuple[Node, ...]:
        """What the rest of a program reads of it."""
        return self.tail[-1:] or tuple(self.outputs)

    @property
    def read(self) -> tuple[Node, ...]:
        """What it reads of the rest of a program."""
        return tuple(dict.fromkeys((*self.sliced, *self.whole, *self.beside)))


Step = Node | Chunked


@dataclass(frozen=True, slots=True)
class LargeValue:
    """What is computed in chunks: its text, its bytes if it were whole, and how many chunks."""

    text: str
    bytes: int
    chunks: int


def large_value(graph: Graph, chunked: Chunked) -> LargeValue:
    """Return what a user is told of what is computed in chunks, in the words of the text."""
    span = _span(graph, chunked.large)
    text = chunked.large.function.name if span is None else span.text
    return LargeValue(text, chunked.size, chunked.count)


def _span(graph: Graph, node: Node) -> Span | None:
    """Return where a value is written, or the call of lossdsl's own function that makes it."""
    for place in graph.places.get(node, ()):
        spans = [place.span, *(span for _, span in reversed(place.calls))]
        return next((span for span in spans if not is_own(span.source)), None)
    return None


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
        if not any(node in (*chunked.body, *chunked.tail) for chunked in found):
            chunked = _Region(at_call, order, frozenset(roots), budget, node).chunked()
            found += [] if chunked is None else [chunked]
    return tuple(found)


def steps(roots: Iterable[Node], chunked: Sequence[Chunked]) -> list[Step]:
    """Return what is computed for roots, operands first: nodes, and values that come in chunks."""
    whole: dict[Node, Step] = {node: each for each in chunked for node in each.made}
    order: list[Step] = []
    seen: set[Step] = set()
    stack: list[Step | tuple[Step]] = [whole.get(root, root) for root in reversed(list(roots))]
    while stack:
        step = stack.pop()
        if isinstance(step, tuple):
            order.append(step[0])
        elif step not in seen:
            seen.add(step)
            stack.append((step,))
            reads = step.read if isinstance(step, Chunked) else operands(step)
            stack += [whole.get(node, node) for node in reversed(reads)]
    return order


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
    """What goes by row around a large value: `reached` has all that is computed from it."""

    at_call: _Sizes
    order: Sequence[Node]
    roots: frozenset[Node]
    budget: Budget
    large: Apply
    readers: dict[Node, list[Node]] = field(default_factory=dict[Node, "list[Node]"])

    def chunked(self) -> Chunked | None:
        """Return the large value in chunks along an axis that allows it, of several the first."""
        shape = self.at_call.shape(self.large)
        assert shape is not None
        for node in self.order:
            for operand in operands(node):
                self.readers.setdefault(operand, []).append(node)
        size = self.at_call.bytes(self.large)
        axes = sorted(range(len(shape)), key=lambda axis: -min(shape[axis], self.budget.most(size)))
        made = (self._along(axis, shape[axis]) for axis in axes)
        return next((chunked for chunked in made if chunked is not None), None)

    def _along(self, axis: int, rows: int) -> Chunked | None:
        if rows < 2:
            return None
        after, reached = self._after(axis, rows)
        outputs = {node: at for node, at in after.items() if self._leaves(node, after)}
        size = self.at_call.bytes(self.large)
        if sum(map(self.at_call.bytes, outputs)) > KEPT * size:
            return None
        body, sliced, whole = self._before(after, rows)
        if not sliced:
            return None
        span = _span(self.at_call.graph, self.large)
        each = self.budget.rows(size, rows, sum(map(self.at_call.bytes, whole)), span)
        ordered = tuple(node for node in self.order if node in body)
        tail = self._tail(outputs, reached)
        return Chunked(
            self.large, size, rows, each, ordered, sliced, whole, outputs, tail,
            self._beside(tail, outputs),
        )  # fmt: skip

    def _leaves(self, node: Node, after: Mapping[Node, int]) -> bool:
        """Say whether what a chunk makes is read by what is no part of it."""
        return node in self.roots or any(by not in after for by in self.readers.get(node, ()))

    def _after(self, axis: int, rows: int) -> tuple[Rows, set[Node]]:
        """Return what goes by row from the large value on, and all that is computed from it."""
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
        return by_row, reached

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

    def _before(self, after: Rows, rows: int) -> tuple[set[Node], Rows, tuple[Node, ...]]:
        """Return what is computed in chunks, and what it reads: by row, and whole.

        What is large itself, and of which a row needs but rows, is computed in the chunks too.
        """
        body, sliced, whole = set(after), cast("Rows", {}), cast("list[Node]", [])
        stack = list(after.items())
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
                elif self._is_made_by_row(operand, own, rows):
                    body.add(operand)
                    stack.append((operand, own))
                else:
                    sliced[operand] = own
        return body, sliced, tuple(whole)

    def _is_made_by_row(self, node: Node, place: int, rows: int) -> bool:
        large = self.at_call.bytes(node) > self.budget.bytes / 8
        return large and self._needs(node, place, rows) is not None

    def _tail(self, outputs: Mapping[Node, int], reached: set[Node]) -> tuple[Node, ...]:
        """Return the linear operations from the outputs to the one number that is made of them."""
        within, tail = set(outputs), cast("list[Node]", [])
        for node in self.order:
            known = [each for each in operands(node) if each in reached]
            if within.isdisjoint(known) or node in within or node not in reached:
                continue
            if not isinstance(node, Apply) or not within.issuperset(known):
                return ()
            if not _is_linear(node, within):
                return ()
            within.add(node)
            tail.append(node)
            left = {each for each in within if self._leaves(each, dict.fromkeys(within, 0))}
            if left == {node}:
                return tuple(tail) if self.at_call.shape(node) == () else ()
        return ()

    def _beside(self, tail: Sequence[Node], outputs: Mapping[Node, int]) -> tuple[Node, ...]:
        reads = dict.fromkeys(each for node in tail for each in operands(node))
        return tuple(each for each in reads if each not in outputs and each not in tail)


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
