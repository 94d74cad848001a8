"""How a value combines over micro-batches: read off the reductions that end the batch axis."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import cast

from lossdsl.analyze.dataflow import Analysis, forward
from lossdsl.analyze.outputs import Read, operand_of
from lossdsl.core.graph import Apply, Combine, Const, Graph, Input, Leaves, Node, operands
from lossdsl.core.leaves import is_selection_of_input, record_tree, selected_at
from lossdsl.frozen import dataclass
from lossdsl.inputs.declarations import Declared, symbols_of
from lossdsl.library.follow import followed, same
from lossdsl.library.function import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.selectors import Selector
from lossdsl.syntax.options import AXIS, KEEPDIMS
from lossdsl.types.types import (
    ArrayType,
    Dim,
    Path,
    RecordType,
    TreeType,
    Type,
    arrays_of,
    same_dim,
    symbol_dim,
)

# What a node does with the batch: reads none, carries it along the axis of that number, has
# ended it in reductions that combine, or mixes examples in a way that cannot be split.
NONE, ENDED, WHOLE = "none", "ended", "whole"
State = str | int


@dataclass(frozen=True, slots=True)
class Batch:
    """The inputs that hold examples, and the dims along which the examples lie."""

    inputs: frozenset[str]
    dims: tuple[Dim, ...]

    def holds(self, dim: Dim) -> bool:
        """Say whether examples lie along a dim of an input."""
        return any(dim == batch_dim or same_dim(dim, batch_dim) for batch_dim in self.dims)


def batch_of(
    types: Mapping[str, Type],
    declared: Mapping[str, Declared],
    named: Collection[str] | None = None,
) -> Batch:
    """Return what of the inputs is a batch: those that are `named` as such, or else by their types.

    Candidates are arrays with at least one dim, and trees whose type names a dim of another
    input. One that leads with what is a later dim of another, such as a weight for each class,
    holds no examples.
    """

    def is_candidate(name: str, type: Type) -> bool:
        if named is not None:
            return name in named
        if isinstance(type, TreeType):
            others = [declaration for other, declaration in declared.items() if other != name]
            own = symbols_of([declared[name]]) if name in declared else {}
            return not own.keys().isdisjoint(symbols_of(others))
        return True

    candidates = {name: type for name, type in types.items() if is_candidate(name, type)}
    shapes = dict.fromkeys(
        array.dims for type in candidates.values() for array in _arrays(type) if array.dims
    )
    leads = dict.fromkeys(shape[0] for shape in shapes)
    examples = [dim for dim in leads if not _is_later(dim, shapes)]
    batch = Batch(frozenset(candidates), tuple(examples or leads))
    holding = (name for name, type in candidates.items() if _leading(type, batch) != NONE)
    return Batch(frozenset(holding), batch.dims)


def _is_later(dim: Dim, shapes: Mapping[tuple[Dim, ...], None]) -> bool:
    """Say whether a dim comes later in a shape that leads with another one."""
    return any(
        not same_dim(dim, first) and any(same_dim(dim, dim_after) for dim_after in later)
        for first, *later in shapes
    )


def _arrays(type: Type) -> Iterator[ArrayType]:
    """Yield the arrays that may hold examples: a tree in a record holds parameters."""
    if not isinstance(type, RecordType):
        yield from arrays_of(type)
        return
    for _, field in type.fields:
        if not isinstance(field, TreeType):
            yield from _arrays(field)


@dataclass(frozen=True, slots=True)
class Spread:
    """What a value does with the batch, and what each of its leaves does, where these are known."""

    whole: State
    leaves: tuple[State, ...] | None = None

    @property
    def states(self) -> tuple[State, ...]:
        """All of them."""
        return (self.whole, *(self.leaves or ()))

    def of_each(self, count: int) -> tuple[State, ...]:
        """Return the states of so many leaves: without leaves of its own, that of the whole."""
        return (self.whole,) * count if self.leaves is None else self.leaves


def combines(graph: Graph, root: Node, batch: Batch) -> Combine:
    """Return how a value combines: see `Combine`."""
    spread = forward([root], _Spreads(graph, batch))
    ends = [node for node in spread if isinstance(node, Apply) and _ends(node, spread)]
    if spread[root].whole == NONE:
        return Combine("constant")
    if spread[root].whole != ENDED:
        return Combine("whole")
    ended = _scaled(root, spread)
    if ends == [ended]:
        return Combine(str(cast("Apply", ended).function.combine), (ended,))
    return Combine("function", tuple(ends))


def _ends(node: Apply, spread: Mapping[Node, Spread]) -> bool:
    """Say whether an operation is a reduction of the batch."""
    if not node.function.reduction or ENDED not in spread[node].states:
        return False
    read = (state for operand in operands(node) for state in spread[operand].states)
    return any(isinstance(state, int) for state in read)


def _scaled(node: Node, spread: Mapping[Node, Spread]) -> Node:
    """Return what a value is a multiple of, by factors that no example is in."""
    while True:
        match node:
            case Apply(Builtin(operator="neg") | Builtin(form=Form.CAST), (Apply() as inner,)):
                node = inner
            case Apply(Builtin(operator="*"), (factor, Apply() as inner)) if _is_free(
                factor, spread
            ):
                node = inner
            case Apply(Builtin(operator="*" | "/"), (Apply() as inner, factor)) if _is_free(
                factor, spread
            ):
                node = inner
            case _:
                return node


def _is_free(node: Node | None, spread: Mapping[Node, Spread]) -> bool:
    return node is not None and spread[node].whole == NONE


@dataclass(frozen=True)
class _Spreads(Analysis[Spread]):
    """What the values of a graph do with the batch."""

    graph: Graph
    batch: Batch

    def constant(self, node: Const) -> Spread:
        return Spread(_sized(self.graph, node.sizes, self.batch))

    def given(self, node: Input | Leaves) -> Spread:
        holds = isinstance(node, Leaves) or node.name in self.batch.inputs
        return self._taken(node, self._leading(node) if holds else NONE)

    def selected(self, node: Leaves, tree: Spread) -> Spread:
        types = self.graph.types
        if is_selection_of_input(node.tree):
            return Spread(NONE) if tree.whole == NONE else self.given(node)
        if tree.leaves is None:
            return Spread(self._leading(node) if isinstance(tree.whole, int) else tree.whole)
        chosen = selected_at(node.selector, _leaves(types[node.tree]) or ())
        states = tuple(tree.leaves[at] for at in chosen)
        return Spread(_together(states), None if _leaves(types[node]) is None else states)

    def transfer(self, node: Apply, facts: Sequence[Spread | None]) -> Spread:
        read = [Spread(NONE) if fact is None else fact for fact in facts]
        whole = self._whole(node, [fact.whole for fact in read])
        if is_selection_of_input(node):
            return self._taken(node, whole)
        leaves = _leaves(self.graph.types[node])
        return Spread(whole, None if leaves is None else self._of_leaves(node, read, leaves))

    def _leading(self, node: Node) -> State:
        return _leading(self.graph.types[node], self.batch)

    def _taken(self, node: Node, whole: State) -> Spread:
        """Return what an input, or what is selected of one, does as a whole and in each leaf."""
        leaves = _leaves(self.graph.types[node])
        if leaves is None:
            return Spread(whole)
        states = (NONE if whole == NONE else _leading(leaf, self.batch) for _, leaf in leaves)
        return Spread(whole, tuple(states))

    def _whole(self, node: Apply, states: Sequence[State]) -> State:
        if node.undecided:
            return WHOLE if {*states} - {NONE} else NONE
        if not states:
            return _sized(self.graph, self.graph.dims(node), self.batch)
        return _applied(self.graph, node, states)

    def _of_leaves(
        self, node: Apply, read: Sequence[Spread], leaves: Sequence[tuple[Path, ArrayType]]
    ) -> tuple[State, ...] | None:
        """Return the state of each leaf of a tree, which may differ; None where unknown."""
        if node.function.form is Form.BRANCHES:
            branches = zip(node.arguments, read, strict=True)
            states = [fact.of_each(1) for argument, fact in branches if argument is not None]
            together = tuple(state for branch in states for state in branch)
            return together if len(together) == len(leaves) else None
        if isinstance(self.graph.types[node], RecordType):
            whole = [fact.whole for fact in read]
            outputs = (self.graph.leaves(node, Selector(exact=path), leaf) for path, leaf in leaves)
            return tuple(_applied(self.graph, node, whole, output) for output in outputs)
        by_operand = [fact.of_each(len(leaves)) for fact in read]
        if any(len(states) != len(leaves) for states in by_operand):
            return None
        return tuple(_applied(self.graph, node, states) for states in zip(*by_operand, strict=True))


def _leaves(type: Type) -> tuple[tuple[Path, ArrayType], ...] | None:
    match type:
        case RecordType():
            return record_tree(type).leaves
        case TreeType(leaves=leaves):
            return leaves
        case _:
            return None


def _together(states: Sequence[State]) -> State:
    """Return the state of what holds several values, each in a state of its own."""
    distinct = {state for state in states if state != NONE}
    return WHOLE if len(distinct) > 1 else distinct.pop() if distinct else NONE


def _leading(type: Type, batch: Batch) -> State:
    """Return the axis of the batch: the first, of every leaf too; a scalar holds none.

    A batch beside itself, such as the distances between all examples, cannot be split.
    """
    leading: set[State] = set()
    for array in _arrays(type):
        match array.dims:
            case None:
                leading.add(0)
            case (first, *later) if batch.holds(first):
                leading.add(WHOLE if first.terms and first in later else 0)
            case _:
                pass
    return WHOLE if WHOLE in leading else 0 if leading else NONE


def _sized(graph: Graph, sizes: Iterable[Dim], batch: Batch) -> State:
    """Return the state of a value made of sizes: how many examples there are is no part's own."""
    counted = {symbol for dim in batch.dims for symbol in dim.symbols}
    dims = (dim for size in sizes for dim in _outer(graph, size))
    return WHOLE if any(batch.holds(dim) or dim.name in counted for dim in dims) else NONE


def _outer(graph: Graph, dim: Dim) -> Iterator[Dim]:
    """Yield the dims of inputs that a dim, perhaps of a definition, is made of."""
    if not dim.terms:
        yield dim
    for symbol in dim.symbols:
        if symbol in graph.outer:
            yield from _outer(graph, graph.outer[symbol])
        else:
            yield symbol_dim(symbol)


def _applied(
    graph: Graph, node: Apply, states: Sequence[State], output: Node | None = None
) -> State:
    """Return the state of the result of an operation, or of one output of several."""
    carried = [(at, state) for at, state in enumerate(states) if isinstance(state, int)]
    if WHOLE in states or (carried and ENDED in states):
        return WHOLE
    if not carried:
        return ENDED if ENDED in states else NONE
    if node.function.reduction:
        axes = {axis for _, axis in carried}
        return _reduced(graph, node, axes.pop()) if len(axes) == 1 else WHOLE
    moved = {_moved(graph, node, at, axis, output) for at, axis in carried}
    (axis, *others) = moved
    return WHOLE if axis is None or others else axis


def _reduced(graph: Graph, node: Apply, batch: int) -> State:
    operand, axes = node.arguments[0], node.option(AXIS)
    assert operand is not None
    ended: State = ENDED if node.function.combine is not None else WHOLE
    if axes is None:
        return ended
    if isinstance(graph.types[operand], TreeType | RecordType):
        each = cast("tuple[tuple[int, ...] | None, ...]", axes)
        over = [leaf_axes is None or batch in leaf_axes for leaf_axes in each]
        return ended if all(over) else WHOLE if any(over) else batch
    assert isinstance(axes, tuple)
    if batch in axes:
        return ended
    return batch if node.option(KEEPDIMS) else batch - sum(1 for axis in axes if axis < batch)


def _moved(graph: Graph, node: Apply, at: int, axis: int, output: Node | None = None) -> int | None:
    """Return the axis of a result that holds the examples of an operand's axis, one for one.

    None where the function mixes the examples, or where nothing is known about it. Of a function
    with several outputs, the result is one `output`.
    """
    if output is None and node.function.axes is same:
        return axis
    if isinstance(graph.types[node], TreeType):
        return axis if axis == 0 and node.function.elementwise else None
    given = node.arguments[at]
    operand = None if given is None else operand_of(graph, output or node, Read(given, at))
    if operand is None:
        return axis if node.function.elementwise else None
    axes = followed(node.function, operand)
    return None if axes is None else axes[axis]
