"""How a value combines over micro-batches: read off the reductions that end the batch axis."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import cast

from lossdsl.analyze.outputs import Read, operand_of
from lossdsl.core.graph import Apply, Combine, Const, Graph, Input, Leaves, Node, tape
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
Each = dict[Node, tuple[State, ...]]  # by leaf, of every tree whose leaves are known


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


def combines(graph: Graph, root: Node, batch: Batch) -> Combine:
    """Return how a value combines: see `Combine`."""
    state: dict[Node, State] = {}
    each: Each = {}
    ends: list[Node] = []
    for node in tape([root]):
        state[node] = _state(graph, node, state, each, batch)
        leaves = _of_leaves(graph, node, state, each, batch)
        if leaves is not None:
            each[node] = leaves
        if isinstance(node, Apply) and node.function.reduction:
            given = [argument for argument in node.arguments if argument is not None]
            read = [
                operand_state for arg in given for operand_state in (state[arg], *each.get(arg, ()))
            ]
            ended = ENDED in (state[node], *each.get(node, ()))
            if ended and any(isinstance(operand_state, int) for operand_state in read):
                ends.append(node)
    if state[root] == NONE:
        return Combine("constant")
    if state[root] != ENDED:
        return Combine("whole")
    ended = _scaled(root, state)
    if ends == [ended]:
        assert isinstance(ended, Apply)
        return Combine(str(ended.function.combine), (ended,))
    return Combine("function", tuple(ends))


def _scaled(node: Node, state: Mapping[Node, State]) -> Node:
    """Return what a value is a multiple of, by factors that no example is in."""
    while True:
        match node:
            case Apply(Builtin(operator="neg") | Builtin(form=Form.CAST), (Apply() as inner,)):
                node = inner
            case Apply(Builtin(operator="*"), (factor, Apply() as inner)) if _is_free(
                factor, state
            ):
                node = inner
            case Apply(Builtin(operator="*" | "/"), (Apply() as inner, factor)) if _is_free(
                factor, state
            ):
                node = inner
            case _:
                return node


def _is_free(node: Node | None, state: Mapping[Node, State]) -> bool:
    return node is not None and state[node] == NONE


def _state(
    graph: Graph, node: Node, state: Mapping[Node, State], each: Each, batch: Batch
) -> State:
    match node:
        case Const(sizes=sizes):
            return _sized(graph, sizes, batch)
        case Input(name):
            return _leading(graph.types[node], batch) if name in batch.inputs else NONE
        case Leaves(tree) if is_selection_of_input(tree):
            return NONE if state[tree] == NONE else _leading(graph.types[node], batch)
        case Leaves(tree, selector) if tree in each:
            chosen = selected_at(selector, _leaves(graph.types[tree]) or ())
            return _together([each[tree][at] for at in chosen])
        case Leaves(tree):
            carried = isinstance(state[tree], int)
            return _leading(graph.types[node], batch) if carried else state[tree]
        case Apply(undecided=True, arguments=arguments):
            reads = {NONE if argument is None else state[argument] for argument in arguments}
            return WHOLE if reads - {NONE} else NONE
        case Apply(arguments=()):
            return _sized(graph, _dims(graph.types[node]), batch)
        case Apply():
            states = [NONE if argument is None else state[argument] for argument in node.arguments]
            return _applied(graph, node, states)


def _of_leaves(
    graph: Graph, node: Node, state: Mapping[Node, State], each: Each, batch: Batch
) -> tuple[State, ...] | None:
    """Return the state of each leaf of a tree, whose leaves may differ; None where unknown."""
    type = graph.types[node]
    leaves = _leaves(type)
    if leaves is None:
        return None
    match node:
        case _ if is_selection_of_input(node):
            taken = state[node] != NONE
            return tuple(_leading(leaf, batch) if taken else NONE for _, leaf in leaves)
        case Leaves(tree, selector) if tree in each:
            chosen = selected_at(selector, _leaves(graph.types[tree]) or ())
            return tuple(each[tree][at] for at in chosen)
        case Apply(Builtin(form=Form.BRANCHES), arguments):
            branches = [
                each.get(argument, (state[argument],))
                for argument in arguments
                if argument is not None
            ]
            leaf_states = tuple(leaf_state for branch in branches for leaf_state in branch)
            return leaf_states if len(leaf_states) == len(leaves) else None
        case Apply(arguments=arguments) if isinstance(type, RecordType):
            states = [NONE if argument is None else state[argument] for argument in arguments]
            outputs = (graph.leaves(node, Selector(exact=path), leaf) for path, leaf in leaves)
            return tuple(_applied(graph, node, states, output) for output in outputs)
        case Apply(arguments=arguments):
            by_operand = [
                (NONE,) * len(leaves)
                if argument is None
                else each.get(argument, (state[argument],) * len(leaves))
                for argument in arguments
            ]
            if any(len(operand_states) != len(leaves) for operand_states in by_operand):
                return None
            return tuple(
                _applied(graph, node, leaf_states) for leaf_states in zip(*by_operand, strict=True)
            )
        case _:
            return None


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


def _dims(type: Type) -> tuple[Dim, ...]:
    return type.dims or () if isinstance(type, ArrayType) else ()


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
