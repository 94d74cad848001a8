"""What an array is computed from: the operands of an operation, of which it may be one output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lossdsl.core.graph import Apply, Graph, Leaves, Node
from lossdsl.core.leaves import tree_leaves
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.follow import Operand
from lossdsl.library.function import is_operand
from lossdsl.library.rules import Dims
from lossdsl.library.syntax_forms import Form
from lossdsl.selectors import Selector
from lossdsl.types.types import ArrayType, Path, RecordType


@dataclass(frozen=True, slots=True)
class Read:
    """An array that an operation reads: its operand at a place, or a leaf of one."""

    node: Node
    at: int
    leaf: int | None = None


def computed(graph: Graph, node: Node) -> Apply | None:
    """Return the operation that a node is, or of which it is one output; None where data enters."""
    match node:
        case Apply(Builtin(form=Form.LEAF), (made,)) | Leaves(made) if _is_record(graph, made):
            return made if isinstance(made, Apply) else None
        case Apply(function):
            return None if function.form is Form.LEAF else node
        case _:
            return None


def reads(made: Apply) -> tuple[Read, ...]:
    """Return what an operation reads: its operands, and each leaf of one that is built of leaves.

    A mask that was sunk to it is no part: it is made from what its select reads, and garbage in
    it reaches nothing needed.
    """
    operands_read: list[Read] = []
    for at, argument in enumerate(made.arguments):
        match argument:
            case Apply(Builtin(form=Form.BRANCHES), leaves):
                operands_read += [
                    Read(cast("Node", leaf), at, place) for place, leaf in enumerate(leaves)
                ]
            case None:
                pass
            case _:
                sunk = at == 0 and made.function.form is Form.SHIELD
                operands_read += [] if sunk else [Read(argument, at)]
    return tuple(operands_read)


def operand_names(node: Apply) -> list[str]:
    """Return the parameter that each operand of an operation was given for.

    While it is undecided what a call becomes, its options follow, and have no name here.
    """
    parameters = [*filter(is_operand, node.function.signatures[0].parameters)]
    names = [parameter.name for parameter in parameters]
    more = names[-1:] * (len(node.arguments) - len(names))
    return names + more if parameters and parameters[-1].variadic else names


def again(graph: Graph, node: Node, values: Sequence[Node]) -> Node:
    """Return a node over other arrays in place of those that it reads; itself if all are same."""
    made = computed(graph, node)
    if made is None:
        return node
    arguments = list(made.arguments)
    leaves: dict[int, list[Node]] = {}
    for read, value in zip(reads(made), values, strict=True):
        if read.leaf is None:
            arguments[read.at] = value
        else:
            leaves.setdefault(read.at, []).append(value)
    for at, each in leaves.items():
        arguments[at] = over(graph, cast("Apply", made.arguments[at]), each)
    whole = over(graph, made, arguments)
    return whole if made is node else over(graph, cast("Apply", node), [whole])


def over(graph: Graph, node: Apply, arguments: Sequence[Node | None]) -> Apply:
    """Return the same operation on other operands; itself if all are the same."""
    if all(a is b for a, b in zip(arguments, node.arguments, strict=True)):
        return node
    return cast("Apply", graph.again(node, arguments, graph.types[node]))


def operand_of(graph: Graph, node: Node, read: Read) -> Operand | None:
    """Return what a node reads as facts about axes see it; None where its dims are not known."""
    made = computed(graph, node)
    assert made is not None
    operands = [_dims(graph, argument) for argument in made.arguments]
    operands[read.at], result = _dims(graph, read.node), _dims(graph, node)
    if operands[read.at] is None or result is None:
        return None
    given, leaf = cast("Node", made.arguments[read.at]), read.leaf
    path = () if leaf is None else tree_leaves(graph.types[given])[leaf][0]
    output = _output(graph, node, made)
    return Operand(read.at, tuple(operands), result, dict(made.options), output, path)


def _dims(graph: Graph, node: Node | None) -> Dims | None:
    type = None if node is None else graph.types[node]
    return type.dims if isinstance(type, ArrayType) else None


def _output(graph: Graph, node: Node, made: Apply) -> Path:
    """Return the path of an output in the record of its operation; empty if it is all of it."""
    match node:
        case Leaves(selector=Selector(exact=path)):
            return path or ()
        case Apply() if node is not made:
            return tree_leaves(graph.types[made])[cast("int", node.option("at"))][0]
        case _:
            return ()


def _is_record(graph: Graph, node: Node | None) -> bool:
    return node is not None and isinstance(graph.types[node], RecordType)
