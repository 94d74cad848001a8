"""LD421: a term that falls without end, so that a minus is missing or one too many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.intervals import Intervals, grows
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, operands, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.domains import Interval


def falls_without_end(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the results that have no lower bound, by a term that no other one holds back.

    Such a term is never above 0, and reads nothing that another term reads too; a distance that is
    taken away is told anyway.
    """
    graph = subject.core.graph
    for outcome in subject.core.results:
        intervals = forward(
            (term.weighted for term in outcome.terms), Intervals(graph, subject.core.ranges)
        )
        read = [_inputs(term.weighted) for term in outcome.terms]
        for at_, term in enumerate(outcome.terms):
            known = intervals[term.weighted]
            others = set[Node]().union(*(one for i, one in enumerate(read) if i != at_))
            if known is None or known.high > 0:
                continue
            if not read[at_].isdisjoint(others) and not _is_distance(graph, term.weighted):
                continue
            if _falls(graph, term.weighted, intervals):
                message = "this term is never above 0 and has no lower bound"
                help = "training makes a loss small: is a minus missing, or one too many?"
                yield at("LD421", message, term.span, help=help)


def _is_distance(graph: Graph, node: Node) -> bool:
    """Say whether a term is a multiple of a loss that is 0 where its arguments agree."""
    while node not in graph.bodies and isinstance(node, Apply):
        inner = [one for one in operands(node) if not isinstance(one, Const)]
        plain = node.function.reduction or node.function.operator in ("*", "/", "neg")
        if len(inner) != 1 or not plain:
            return False
        (node,) = inner
    called = graph.bodies.get(node)
    return called is not None and called.is_loss and "zero" in called.laws


def _inputs(root: Node) -> set[Node]:
    return {node for node in tape([root]) if isinstance(node, Input)}


def _falls(graph: Graph, root: Node, intervals: Mapping[Node, Interval | None]) -> bool:
    """Say whether a value is surely as low as its interval says, which is without end.

    Of operands that are computed from one input, such as `p*log(p)`, only one may be.
    """
    known = intervals[root]
    if known is None or known.low != -inf:
        return False
    waiting = [root]
    while waiting:
        node = waiting.pop()
        known = intervals[node]
        called = graph.bodies.get(node)
        if known is None or not isinstance(node, Apply) or (called is not None and grows(called)):
            continue
        below = [one for one in operands(node) if not isinstance(one, Const)]
        read = [_inputs(operand) for operand in below]
        if len(set().union(*read)) < sum(map(len, read)):
            return False
        waiting += [one for one in below if _is_endless(intervals[one])]
    return True


def _is_endless(known: Interval | None) -> bool:
    return known is not None and inf in (known.high, -known.low)
