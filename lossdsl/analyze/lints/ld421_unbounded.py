"""LD421: term falls without end.

What is never above 0 and has no lower bound is made as large as can be, with a minus in front: the
likelihood of the data falls, or a distance grows.

Inputs
  out: f32[B]

Wrong
  mean(log_sigmoid(out))

Right
  -mean(log_sigmoid(out))
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf

from lossdsl.analyze.intervals import grows
from lossdsl.analyze.lints.addends import addends
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, multiple_of
from lossdsl.core.graph import (
    Apply,
    Const,
    Graph,
    Input,
    Node,
    Outcome,
    Term,
    inputs_of,
    operands,
    tape,
)
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval
from lossdsl.types.types import ArrayType, TreeType, kind

# What is made large on purpose is called by such names: they excuse and never accuse.
_ASCENT = re.compile("attack|advers|ascent|confus|fool|forget|unlearn|maxim", re.IGNORECASE)
_HELP = "training makes a loss small: is a minus missing, or one too many?"


@lint(within=("LD440",))
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
            along = _falls_along(subject, outcome, term)
            if (
                along is not None
                and loss is None
                and not _is_played(subject, outcome, term.weighted)
            ):
                message = f"this term has no lower bound: it falls as `{along}` grows"
                yield at("LD421", message, term.span, help=_HELP)
                continue
            # Where all are taken away, one sign is wrong.
            told = place == 0 if all(taken) else distance or term in falling
            ascends = any(map(_ASCENT.search, (outcome.name, term.name)))
            if not told or ascends or _is_played(subject, outcome, term.weighted):
                continue
            if loss is not None:
                yield _of(term, loss)
            else:
                message = "this term is never above 0 and has no lower bound"
                yield at("LD421", message, term.span, help=_HELP)


def _falls_along(subject: Subject, outcome: Outcome, term: Term) -> str | None:
    """Return an input along which a term falls without end: it reads it in one addend alone.

    That addend is taken away, and grows with the input to both sides: a square, an absolute value.
    """
    parts = list(addends(subject, term.weighted))
    if all(positive for _, positive in parts):
        return None
    others = [each.weighted for each in outcome.terms if each is not term]
    for part, positive in parts:
        node = _weighed(part)
        known = subject.intervals.get(node)
        if positive or known is None or known.low < 0 or known.high != inf or not _is_even(node):
            continue
        beside = tape([*others, *(other for other, _ in parts if other is not part)])
        alone = inputs_of(part).difference(beside)
        for input in sorted(alone, key=lambda input: input.name):
            type = subject.core.graph.types[input]
            several = isinstance(type, TreeType) or (
                isinstance(type, ArrayType) and type.rank != 0 and kind(type.dtype) == "float"
            )
            if several and input.name not in subject.core.ranges and _is_grown(node, input):
                return input.name
    return None


def _weighed(node: Node) -> Node:
    """Return the even function that a product weighs, whatever the sign of its weight."""
    match node:
        case Apply(Builtin(operator="*"), (a, b)) if a is not None and b is not None:
            even = [side for side in (a, b) if _is_even(side)]
            return even[0] if len(even) == 1 else node
        case _:
            return node


def _is_even(node: Node) -> bool:
    match node:
        case Apply(Builtin(operator="**"), (_, Const(2 | 2.0 | 4 | 4.0))):
            return True
        case Apply(function):
            return "even" in function.laws and not node.undecided
        case _:
            return False


def _is_grown(node: Node, input: Input) -> bool:
    """Say whether a value is an even function of sums and multiples of an input that it reads."""
    while isinstance(node, Apply):
        if not (_is_even(node) or node.function.operator in _AFFINE):
            return False
        below = [operand for operand in operands(node) if input in tape([operand])]
        divides = node.function.operator == "/" and node.arguments[0] not in below
        if len(below) != 1 or divides:
            return False
        (node,) = below
    return True


_AFFINE = ("+", "-", "neg", "*", "/")
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
    waiting, plain, chooses, seen = [root], list[Node](), False, set[Node]()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
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
    if not scores or not chooses or any(_reads_scores(graph, node) for node in plain):
        return set()
    return scores


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
    inputs = (inputs_of(term.weighted) for term in (terms if below else ()))
    readers = Counter(node for read in inputs for node in read)
    for term in below:
        alone = all(readers[node] == 1 for node in inputs_of(term.weighted))
        if alone and _falls(subject, term.weighted, intervals):
            yield term


def _taken_away(subject: Subject, node: Node) -> Builtin | None:
    loss, is_negative = multiple_of(subject, node)
    return loss if is_negative else None


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
        read = [inputs_of(operand) for operand in below]
        if len(set().union(*read)) < sum(map(len, read)):
            return False
        endless = [operand for operand in below if _is_endless(intervals[operand])]
        if not endless and any(map(_compares_one, tape(below))):
            return False
        falls = falls or not endless
        waiting += endless
    return falls


def _compares_one(node: Node) -> bool:
    """Say whether a function that is not elementwise has two operands of one input."""
    if not isinstance(node, Apply) or node.function.elementwise:
        return False
    read = [inputs_of(operand) for operand in operands(node)]
    return len(set().union(*read)) < sum(map(len, read))


def _is_endless(known: Interval | None) -> bool:
    return known is not None and inf in (known.high, -known.low)
