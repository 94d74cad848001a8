"""LD421: a term that falls without end, or a loss that is taken away: a minus too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf

from lossdsl.analyze.intervals import grows
from lossdsl.analyze.lints.subject import Subject, multiple_of
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, Outcome, Term, operands, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval
from lossdsl.types.types import ArrayType

_HELP = "training makes a loss small: is a minus missing, or one too many?"


def falls_without_end(subject: Subject) -> Iterator[Diagnostic]:
    """Yield terms that have no lower bound, and losses of the library that are taken away.

    The first are never above 0 and read nothing that another term reads too. The second are told
    where every term is one, or where one is a distance, that is 0 where its arguments agree.
    """
    for outcome in subject.core.results:
        taken = [_taken_away(subject, term.weighted) for term in outcome.terms]
        falling = list(_falling(subject, outcome.terms))
        for place, (term, loss) in enumerate(zip(outcome.terms, taken, strict=True)):
            distance = loss is not None and "zero" in loss.laws
            if _is_linear(subject, term):
                yield at("LD421", _LINEAR, term.span, help=_SQUASHED)
                continue
            # Where all are taken away, one sign is wrong.
            told = place == 0 if all(taken) else distance or term in falling
            if not told or _is_played(subject, outcome, term.weighted):
                continue
            if loss is not None:
                yield _of(term, loss)
            else:
                message = "this term is never above 0 and has no lower bound"
                yield at("LD421", message, term.span, help=_HELP)


_LINEAR = "this term is linear in scores, so that it has no lower bound"
_SQUASHED = "is a `log_softmax` or `log_sigmoid` of them missing?"


def _is_linear(subject: Subject, term: Term) -> bool:
    """Say whether the text makes a term linear in logits that it picks or weighs.

    Nothing else reads them. A critic's score is linear in a loss of the library, and in a game of
    two results.
    """
    scores = _linear_in(subject, term.weighted)
    every = [each.weighted for outcome in subject.core.results for each in outcome.terms]
    others = [each for each in every if each is not term.weighted]
    return bool(scores) and scores.isdisjoint(tape(others))


def _linear_in(subject: Subject, root: Node) -> set[Node]:
    """Return the inputs of logits that a value is linear in, and picks or weighs the classes of."""
    graph = subject.core.graph
    scores: set[Node] = set()
    waiting, plain, chooses = [root], list[Node](), False
    while waiting:
        node = waiting.pop()
        match node:
            case Input() if _is_scores(graph, node):
                scores.add(node)
            case _ if node in graph.bodies:
                plain.append(node)
            case Apply(Builtin(operator="+" | "-" | "neg"), sides):
                waiting += [side for side in sides if side is not None]
            case Apply(Builtin(operator="*"), (a, b)) if a is not None and b is not None:
                linear = _reads_scores(graph, b)
                waiting.append(b if linear else a)
                plain.append(a if linear else b)
                chooses |= _varies(graph, plain[-1])
            case Apply(function, (Apply() | Input() as value, *rest)) if (
                function.combine is not None or len(function.keeps) == 1 or function.operator == "/"
            ):
                waiting.append(value)
                plain += [operand for operand in rest if operand is not None]
                chooses |= bool(rest) and function.combine is None and function.operator != "/"
            case _:
                plain.append(node)
    elsewhere = any(_reads_scores(graph, node) for node in plain)
    return scores if chooses and not elsewhere else set()


def _varies(graph: Graph, node: Node) -> bool:
    """Say whether a factor may differ from class to class."""
    type = graph.types[node]
    return not isinstance(node, Const) and not (isinstance(type, ArrayType) and type.rank == 0)


def _reads_scores(graph: Graph, root: Node) -> bool:
    return any(_is_scores(graph, node) for node in tape([root]))


def _is_scores(graph: Graph, node: Node) -> bool:
    type = graph.types[node]
    return isinstance(node, Input) and isinstance(type, ArrayType) and type.role == "logits"


def _of(term: Term, loss: Builtin) -> Diagnostic:
    return at(
        "LD421", f"`{loss.name}` is taken away: training makes it large", term.span, help=_HELP
    )


def _falling(subject: Subject, terms: Sequence[Term]) -> Iterator[Term]:
    """Yield the terms that fall without end, and that no other term holds back."""
    intervals = subject.intervals
    known = [(term, intervals[term.weighted]) for term in terms]
    below = [term for term, fact in known if fact is not None and fact.high <= 0]
    readers = Counter(node for term in (terms if below else ()) for node in _inputs(term.weighted))
    for term in below:
        alone = all(readers[node] == 1 for node in _inputs(term.weighted))
        if alone and _falls(subject, term.weighted, intervals):
            yield term


def _taken_away(subject: Subject, node: Node) -> Builtin | None:
    loss, is_negative = multiple_of(subject, node)
    return loss if is_negative else None


def _inputs(root: Node) -> set[Node]:
    return {node for node in tape([root]) if isinstance(node, Input)}


def _is_played(subject: Subject, outcome: Outcome, root: Node) -> bool:
    """Say whether another result has what a term is made of with the other sign: a game of two."""
    made = {node for node in tape([root]) if _is_made(node)}
    for other in subject.core.results:
        terms = [term.weighted for term in other.terms if other is not outcome]
        for term in terms:
            known = subject.intervals[term]
            if known is not None and known.low >= 0 and not made.isdisjoint(tape([term])):
                return True
    return False


def _is_made(node: Node) -> bool:
    """Say whether a value is more than what is given, with a sign."""
    return isinstance(node, Apply) and node.function.operator != "neg"


def _falls(subject: Subject, root: Node, intervals: Mapping[Node, Interval | None]) -> bool:
    """Say whether a value is surely as low as its interval says, which is without end.

    Of operands that are computed from one input, such as `p*log(p)`, only one may be. What an input
    is declared to reach is a fact of the data, and no way for training to go.
    """
    graph, known = subject.core.graph, intervals[root]
    if known is None or known.low != -inf:
        return False
    falls = False
    waiting = [root]
    while waiting:
        node = waiting.pop()
        known = intervals[node]
        called = graph.bodies.get(node)
        if isinstance(node, Input) and node.name in subject.core.ranges:
            continue
        if known is None or not isinstance(node, Apply) or (called is not None and grows(called)):
            falls = True
            continue
        below = [operand for operand in operands(node) if not isinstance(operand, Const)]
        read = [_inputs(operand) for operand in below]
        if len(set().union(*read)) < sum(map(len, read)):
            return False
        endless = [operand for operand in below if _is_endless(intervals[operand])]
        falls = falls or not endless
        waiting += endless
    return falls


def _is_endless(known: Interval | None) -> bool:
    return known is not None and inf in (known.high, -known.low)
