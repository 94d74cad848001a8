"""LD430: term stands twice.

Two terms of one value are one of the sum of their weights. It is a copy of which an input was to be
changed, or a `stop_gradient` that stands on the same side twice.

Inputs
  z: f32[B, D]
  e: f32[B, D]

Wrong
  mse(z, sg(e)) + 0.25*mse(sg(e), z)

Right
  mse(sg(z), e) + 0.25*mse(sg(e), z)
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Const, Input, Node, Outcome, inputs_of, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin

_EITHER = ("+", "*", "and", "or", "==", "!=")


@lint()
def duplicate(subject: Subject) -> Iterator[Diagnostic]:
    """Yield terms of which the value, without its weight, is that of an earlier term.

    An even function of a difference is the same either way round.
    """
    for outcome in subject.core.results:
        numbers = _numbers(term.raw for term in outcome.terms)
        first: dict[int, str] = {}
        yield from _added_again(subject, outcome, numbers)
        for term in outcome.terms:
            earlier = first.setdefault(numbers[term.raw], term.name)
            if earlier != term.name and _reads_input(term.raw):
                message = f"this is the term `{earlier}` once more"
                help = "one with the sum of their weights is the same; is another input meant?"
                yield at("LD430", message, term.span, help=help)


def _added_again(
    subject: Subject, outcome: Outcome, numbers: Mapping[Node, int]
) -> Iterator[Diagnostic]:
    """Yield the terms that are sums of which an addend is another term, as a running total is."""
    whole = {numbers[term.raw]: term for term in outcome.terms if _reads_input(term.raw)}
    for term in outcome.terms:
        addends = [numbers[node] for node in _addends(subject, term.raw) if node is not term.raw]
        again = next((whole[number] for number in addends if number in whole), None)
        if again is not None and again is not term:
            message = f"the term `{again.name}` is added once more in this one"
            help = "leave it out of one of them; is a total one of its own addends?"
            yield at("LD430", message, term.span, help=help)


def _addends(subject: Subject, root: Node) -> Iterator[Node]:
    """Yield what is added up in a number, in part or whole, without weights."""
    waiting, seen = [root], set[Node]()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node
        match node:
            case Apply(Builtin(operator="+"), (a, b)) if a and b:
                waiting += [a, b]
            case Apply(Builtin(operator="*"), (a, b)) if a and b and node is not root:
                waiting += [
                    value for weight, value in ((a, b), (b, a)) if _is_weight(subject, weight)
                ]
            case _:
                pass


def _is_weight(subject: Subject, node: Node) -> bool:
    return isinstance(node, Const) or (isinstance(node, Input) and node.name in subject.settings)


def _reads_input(root: Node) -> bool:
    computed = isinstance(root, Apply)
    return computed and bool(inputs_of(root))


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
