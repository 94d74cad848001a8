"""LD415: a mask leaves elements out of one term, and another term of the same values has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Graph, Input, Node, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType, Type, kind

# A part that counts more is called by such names: they excuse and never accuse.
_PART = re.compile(
    "hole|region|fore|roi|face|edge|extra|focus|part|crop|object|box|pos|hard|match|sampl",
    re.IGNORECASE,
)

# What is of all on purpose is called by such names: they excuse and never accuse.
_WHOLE = re.compile("all|raw|total|full|whole|unmask|pad", re.IGNORECASE)


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
    return {node for node in _arrays(graph, nodes) if _is_float(graph.types[node])}


def _is_float(type: Type) -> bool:
    return isinstance(type, ArrayType) and kind(type.dtype) == "float"


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
