"""LD415: term without the mask of another term.

What a mask leaves out of one term, padding for example, is garbage in every other term of the same
values. Each reduction has a mask of its own.

Inputs
  out: f32[B, T]
  tgt: f32[B, T]
  m: mask bool[B, T]

Wrong
  mse(out, tgt, where=m) + 0.1*mae(out, tgt)

Right
  mse(out, tgt, where=m) + 0.1*mae(out, tgt, where=m)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossdsl.analyze.flags import is_mask
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, meeting, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, operands, tape
from lossdsl.core.pattern import bare, picked_from
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType, Dim, same_dim

# A part that counts more is called by such names: they excuse and never accuse.
_PART = re.compile(
    "hole|region|fore|roi|face|edge|extra|focus|part|crop|object|box|pos|hard|match|sampl",
    re.IGNORECASE,
)

# What is of all on purpose is called by such names: they excuse and never accuse.
_WHOLE = re.compile("all|raw|total|full|whole|unmask|pad", re.IGNORECASE)


@lint()
def unmasked_term(subject: Subject) -> Iterator[Diagnostic]:
    """Yield terms without a mask of what another term of the result reads under one."""
    graph = subject.core.graph
    if not any(_is_mask(graph, node) for node in subject.tape):
        return
    for outcome in subject.core.results:
        order = [(term, tape([term.weighted])) for term in outcome.terms]
        masked = [(term, _values(graph, nodes), _masks(graph, nodes)) for term, nodes in order]
        for (term, values, masks), (_, nodes) in zip(masked, order, strict=True):
            for other, beside, by in masked if values and not masks else ():
                # What this term reads otherwise is a target.
                names = sorted(mask.name for mask in by.difference(nodes))
                if beside == values and names and not any(map(_PART.search, names)):
                    message = f"`{names[0]}` masks the term `{other.name}`, and not this one"
                    help = f"`where={names[0]}` leaves the same elements out of both"
                    yield at("LD415", message, term.span, help=help)
                    break


@lint()
def unmasked_metric(subject: Subject) -> Iterator[Diagnostic]:
    """Yield metrics that read no mask, of just the arrays that a term reads under one."""
    core, graph = subject.core, subject.core.graph
    if not core.metrics or not any(_is_mask(graph, node) for node in subject.tape):
        return
    orders = [(term, tape([term.weighted])) for outcome in core.results for term in outcome.terms]
    masked = [
        (term, _arrays(graph, nodes), masks)
        for term, nodes in orders
        if (masks := _masks(graph, nodes))
    ]
    for name, node in core.metrics.items() if masked else ():
        nodes, place = tape([node]), written(graph, node)
        if any(_is_mask(graph, inner) for inner in nodes) or _WHOLE.search(name) or place is None:
            continue
        for term, arrays, masks in masked:
            names = sorted(mask.name for mask in masks)
            if arrays and arrays == _arrays(graph, nodes) and not any(map(_PART.search, names)):
                message = f"`{names[0]}` masks the term `{term.name}`, and not this metric"
                help = f"`where={names[0]}` leaves the same elements out of both"
                yield at("LD415", message, place.span, help=help)
                break


def _arrays(graph: Graph, nodes: list[Node]) -> set[Input]:
    """Return the arrays that are read, but masks."""
    return {
        node
        for node in nodes
        if isinstance(node, Input)
        and isinstance(type := graph.types[node], ArrayType)
        and type.rank != 0
        and type.role != "mask"
    }


def _values(graph: Graph, nodes: list[Node]) -> set[Input]:
    """Return the arrays of numbers that a term reads, but masks."""
    return {node for node in _arrays(graph, nodes) if graph.kind(node) == "float"}


def _masks(graph: Graph, nodes: list[Node]) -> set[Input]:
    """Return the inputs that are masks of what a term selects."""
    selections = [
        node.arguments[0]
        for node in nodes
        if isinstance(node, Apply) and node.function.form in (Form.KEEP, Form.CHOOSE)
    ]
    read = tape([mask for mask in selections if mask is not None])
    return {node for node in read if isinstance(node, Input) and _is_mask(graph, node)}


def _is_mask(graph: Graph, node: Node) -> bool:
    type = graph.types[node]
    return isinstance(type, ArrayType) and type.role == "mask"


@lint()
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
    return _covers(graph.outer_dims(value), graph.outer_dims(mask))


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
                if any(isinstance(side, Input) and graph.outer_dims(side) for side in given):
                    return False
            case _:
                pass
    return True


def _covers(dims: list[Dim], masked: list[Dim]) -> bool:
    return bool(masked) and all(any(same_dim(a, b) for a in dims) for b in masked)
