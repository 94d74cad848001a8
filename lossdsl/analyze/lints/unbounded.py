"""LD421: a term that falls without end, or a loss that is taken away: a minus too many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.intervals import Intervals, grows
from lossdsl.analyze.lints.subject import Subject, multiple_of
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, Term, operands, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval

_HELP = "training makes a loss small: is a minus missing, or one too many?"


def falls_without_end(subject: Subject) -> Iterator[Diagnostic]:
    """Yield terms that have no lower bound, and losses of the library that are taken away.

    The first are never above 0 and read nothing that another term reads too. The second are told
    where every term is one, or where one is a distance, that is 0 where its arguments agree.
    """
    for outcome in subject.core.results:
        taken = [_taken_away(subject, term.weighted) for term in outcome.terms]
        if all(taken):
            yield _of(outcome.terms[0], taken[0])
            continue
        falling = list(_falling(subject, outcome.terms))
        for term, loss in zip(outcome.terms, taken, strict=True):
            if loss is not None and "zero" in loss.laws:
                yield _of(term, loss)
            elif term in falling:
                message = "this term is never above 0 and has no lower bound"
                yield at("LD421", message, term.span, help=_HELP)


def _of(term: Term, loss: Builtin | None) -> Diagnostic:
    name = "the loss" if loss is None else f"`{loss.name}`"
    return at("LD421", f"{name} is taken away: training makes it large", term.span, help=_HELP)


def _falling(subject: Subject, terms: Sequence[Term]) -> Iterator[Term]:
    """Yield the terms that fall without end, and that no other term holds back."""
    graph = subject.core.graph
    intervals = forward((term.weighted for term in terms), Intervals(graph, subject.core.ranges))
    read = [_inputs(term.weighted) for term in terms]
    for place, term in enumerate(terms):
        known = intervals[term.weighted]
        others = set[Node]().union(*(one for other, one in enumerate(read) if other != place))
        below = known is not None and known.high <= 0 and read[place].isdisjoint(others)
        if below and _falls(graph, term.weighted, intervals):
            yield term


def _taken_away(subject: Subject, node: Node) -> Builtin | None:
    loss, is_negative = multiple_of(subject, node)
    return loss if is_negative else None


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
