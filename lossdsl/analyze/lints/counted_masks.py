"""LD415: a mask is counted, and the values that the count is for are not masked."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.flags import is_mask
from lossdsl.analyze.lints.subject import Subject, meeting
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, operands, tape
from lossdsl.core.pattern import bare, picked_from
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType, Dim, same_dim


def counted_mask(subject: Subject) -> Iterator[Diagnostic]:
    """Yield quotients by a count of a mask, and products with one, of what it leaves all in.

    The mask is read for counts alone. What is divided is a sum over its axes of what the text
    computes: values that are passed, or multiplied by some, may be masked before.
    """
    graph = subject.core.graph
    masks = [node for node in subject.tape if isinstance(node, Input) and is_mask(graph, node)]
    for mask in masks:
        counts = _counts(subject, mask)
        for node in subject.tape if counts else ():
            match node:
                case Apply(Builtin(operator="*" | "/" as symbol), (a, b)) if a and b:
                    pairs = ((a, b), (b, a)) if symbol == "*" else ((a, b),)
                case _:
                    continue
            is_left = _is_weighed if symbol == "*" else _is_total
            if any(_is_count(c, counts) and is_left(graph, v, mask) for v, c in pairs):
                span = meeting(graph, node, (a, b))
                if span is not None:
                    message = f"`{mask.name}` is counted here, and leaves nothing out"
                    help = f"`where={mask.name}` of the reduction of the values leaves out as well"
                    yield at("LD415", message, span, help=help)
                    break


def _counts(subject: Subject, mask: Input) -> set[Node]:
    """Return the counts of a mask; none where anything else reads it."""
    same: set[Node] = {mask}
    counts: set[Node] = set()
    for node in subject.tape:
        read = [operand for operand in operands(node) if operand in same]
        if not isinstance(node, Apply) or not read:
            continue
        if node.function.reduction and node.arguments[0] in same and len(read) == 1:
            counts.add(node)
        elif subject.flags[node] == subject.flags[mask]:
            same.add(node)
        else:
            return set()
    return counts


def _is_count(root: Node, counts: set[Node]) -> bool:
    """Say whether a value is a count, also one that is bounded or in another shape."""
    waiting = [root]
    while waiting:
        node = picked_from(bare(waiting.pop()))
        if node in counts:
            return True
        if isinstance(node, Apply) and node.function.elementwise and not node.function.operator:
            read = [operand for operand in operands(node) if not isinstance(operand, Const)]
            waiting += read if len(read) == 1 else []
    return False


def _is_weighed(graph: Graph, value: Node, mask: Input) -> bool:
    """Say whether a value has the axes of a mask."""
    return _covers(_dims(graph, value), _dims(graph, mask))


def _is_total(graph: Graph, total: Node, mask: Input) -> bool:
    """Say whether a value is a sum, over the axes of a mask, of what is computed of all."""
    node = bare(total)
    while isinstance(node, Apply) and node.function.operator == "neg":
        node = bare(operands(node)[0])
    if not isinstance(node, Apply) or node.function.across != "add" or any(node.arguments[1:]):
        return False
    value = operands(node)[0]
    return _is_weighed(graph, value, mask) and _is_of_all(graph, value)


def _is_of_all(graph: Graph, root: Node) -> bool:
    """Say whether a value is computed, and of nothing that is chosen or weighed."""
    if not isinstance(picked_from(bare(root)), Apply):
        return False
    for node in tape([root]):
        match node:
            case Apply(Builtin(form=Form.CHOOSE | Form.KEEP)):
                return False
            case Apply(Builtin(operator="*"), sides):
                given = [picked_from(bare(side)) for side in sides if side is not None]
                if any(isinstance(side, Input) and _dims(graph, side) for side in given):
                    return False
            case _:
                pass
    return True


def _covers(dims: list[Dim], masked: list[Dim]) -> bool:
    return bool(masked) and all(any(same_dim(a, b) for a in dims) for b in masked)


def _dims(graph: Graph, node: Node) -> list[Dim]:
    type = graph.types[node]
    dims = (type.dims or ()) if isinstance(type, ArrayType) else ()
    return [graph.outward(dim) for dim in dims]
