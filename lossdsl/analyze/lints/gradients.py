"""LD416: a term that no gradient leaves, so that it trains nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Graph, Input, Node, Term, operands, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.forms import Form
from lossdsl.types.types import ArrayType, kind


def trains_nothing(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the terms whose every path from an input ends in what has no gradient.

    An input with a default is a setting: added by itself it changes no gradient, as a weight would.
    Where no term trains anything the spec is an evaluation.
    """
    graph = subject.core.graph
    terms = [term for outcome in subject.core.results for term in outcome.terms]
    order = tape(term.weighted for term in terms)
    passes = _passes(graph, order, subject.settings)
    if not any(passes[term.weighted] for term in terms):
        return
    for term in terms:
        inputs = [node for node in tape([term.weighted]) if isinstance(node, Input)]
        if not passes[term.weighted] and inputs:
            names = {node.name for node in inputs}
            if names <= subject.settings:
                yield _added_setting(term)
            elif not all(_is_discrete(graph, node) for node in inputs):
                yield _stopped(term)


def _passes(graph: Graph, order: list[Node], settings: frozenset[str]) -> dict[Node, bool]:
    """Return of each node whether a gradient leaves it for an input."""
    passes: dict[Node, bool] = {}
    for node in order:
        match node:
            case Input():
                passes[node] = node.name not in settings and not _is_discrete(graph, node)
            case Apply(function):
                stops = function.form is Form.STOP_GRADIENT or "flat" in function.laws
                through = any(passes[operand] for operand in operands(node))
                passes[node] = through and not stops and not _is_discrete(graph, node)
            case _:
                passes[node] = any(passes[operand] for operand in operands(node))
    return passes


def _is_discrete(graph: Graph, node: Node) -> bool:
    type = graph.types[node]
    return isinstance(type, ArrayType) and kind(type.dtype) in ("int", "bool")


def _added_setting(term: Term) -> Diagnostic:
    message = "a setting is added: it changes the value and no gradient"
    help = "multiply a term by it to weigh one; an input without a default is trained"
    return at("LD416", message, term.span, help=help)


def _stopped(term: Term) -> Diagnostic:
    message = "this term has no gradient: it trains nothing"
    help = "comparisons, positions, rounding and `stop_gradient` pass none; report it as a `metric`"
    return at("LD416", message, term.span, help=help)
