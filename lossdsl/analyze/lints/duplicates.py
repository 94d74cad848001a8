"""LD430: a term that is another one once more."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping

from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Const, Input, Node, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin

_EITHER = ("+", "*", "and", "or", "==", "!=")


def duplicate(subject: Subject) -> Iterator[Diagnostic]:
    """Yield terms of which the value, without its weight, is that of an earlier term.

    An even function of a difference is the same either way round.
    """
    for outcome in subject.core.results:
        numbers = _numbers(term.raw for term in outcome.terms)
        first: dict[int, str] = {}
        for term in outcome.terms:
            earlier = first.setdefault(numbers[term.raw], term.name)
            if earlier != term.name and _reads_input(term.raw):
                message = f"this is the term `{earlier}` once more"
                help = "one with the sum of their weights is the same; is another input meant?"
                yield at("LD430", message, term.span, help=help)


def _reads_input(root: Node) -> bool:
    computed = isinstance(root, Apply)
    return computed and any(isinstance(node, Input) for node in tape([root]))


def _numbers(roots: Iterable[Node]) -> Mapping[Node, int]:
    """Return a number for each value, the same for values that are equal by such laws."""
    numbers: dict[Node, int] = {}
    known: dict[Hashable, int] = {}
    for node in tape(roots):
        key: Hashable = id(node)
        match node:
            case Apply(function, (Apply(Builtin(operator="-"), (a, b)), *rest)) if (
                a and b and "even" in function.laws
            ):
                pair = sorted((numbers[a], numbers[b]))
                others = [other and numbers[other] for other in rest]
                key = ("even", id(function), node.options, *pair, *others)
            case Apply(Builtin(operator=str() as symbol), (a, b)) if a and b and symbol in _EITHER:
                key = (symbol, *sorted((numbers[a], numbers[b])))
            case Apply(function, arguments):
                operands = (operand and numbers[operand] for operand in arguments)
                key = ("call", id(function), node.options, node.undecided, *operands)
            case Const(value):
                key = (type(value).__name__, value)
            case _:
                pass
        numbers[node] = known.setdefault(key, len(known))
    return numbers
