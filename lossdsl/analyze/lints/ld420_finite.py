"""LD420: argument can be where the function is infinite.

One element at which a value or a gradient is infinite makes the gradient of the whole loss NaN, and
it is the rare batch that has it: a probability that is 0, a mask that keeps nothing.

Inputs
  t: f32[B]
  p: probs f32[B]

Wrong
  mean(t*log(p))

Right
  mean(t*log(clip(p, 1e-7, 1)))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf

from lossdsl.analyze.dataflow import backward, every_operand, forward
from lossdsl.analyze.intervals import Intervals
from lossdsl.analyze.lints.ld401_by_hand import is_free
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Input, Node, inputs_of, operands, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval
from lossdsl.library.images import Reach, interval
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType


@lint(around=("LD401", "LD421"))
def reaches_infinity(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the operations of the text whose operands can be where they are infinite.

    What a mask or a condition leaves out is not computed, and a metric is read by a person.
    """
    graph = subject.core.graph
    roots = [outcome.value for outcome in subject.core.results]
    intervals = forward(
        roots, Intervals(graph, subject.core.ranges, excused=True, cosines=subject.cosines)
    )
    exposed = backward(dict.fromkeys(roots, True), _exposed, bool.__or__)
    told: set[Node | None] = set()
    for node in tape(roots):
        place = written(graph, node) if isinstance(node, Apply) and exposed[node] else None
        if not isinstance(node, Apply) or node.undecided or place is None or place.calls:
            continue
        finite = node.function.finite
        known = [None if operand is None else intervals[operand] for operand in node.arguments]
        if node.function.operator != "/":
            pairs = zip(node.arguments, known, strict=True)
            known = [
                _ANY if fact is None and _is_difference(subject, operand) else fact
                for operand, fact in pairs
            ]
        reach = None if finite is None else finite(*known)
        if reach is None or not _is_likely(subject, node, reach, known[reach.operand]):
            continue
        operand = node.arguments[reach.operand]
        if operand in told or _leaves_domain(subject, node.function, operand):
            continue
        if _is_of_unknown(subject, node, operand, intervals):
            continue
        # What is told of a value is told of what is made of it there: of `q` in `log(p/q)`.
        told |= {node, operand}
        yield _infinite(subject, node, reach)


_ANY, _ZERO = interval("(-inf, inf)"), Interval(0, 0)


def _is_difference(subject: Subject, node: Node | None) -> bool:
    """Say whether a value is a difference of what is given, as it is, which may be below 0."""
    match node:
        case Apply(Builtin(operator="-"), sides):
            return all(is_free(subject, side, arithmetic=False) for side in sides)
        case _:
            return False


def _leaves_domain(subject: Subject, function: Builtin, operand: Node | None) -> bool:
    """Say whether an input is declared to leave the domain of a function, which is told as that."""
    declared = subject.core.ranges.get(operand.name) if isinstance(operand, Input) else None
    domains = function.domains.values()
    return declared is not None and not all(domain.holds(declared) for domain in domains)


def _is_of_unknown(
    subject: Subject,
    node: Apply,
    operand: Node | None,
    intervals: Mapping[Node, Interval | None],
) -> bool:
    """Say whether a divisor, or what a logarithm is taken of, is 0 only where an unknown value is.

    To divide by `square(x)` is to divide by `x`, twice. A difference is 0 where its sides agree.
    """
    if not _has_pole(node.function):
        return False
    waiting, unknown = [operand], False
    while waiting:
        match waiting.pop():
            case Const():
                pass
            case None:
                return False
            case inner if intervals[inner] is None:
                if _is_difference(subject, inner):
                    return False
                unknown = True
            case Apply(function, (inner,)) if _is_even(function):
                waiting.append(inner)
            case Apply(Builtin(operator="**"), (inner, Const())):
                waiting.append(inner)
            case Apply(Builtin(operator="*"), sides):
                waiting += sides
            case inner if 0 in (intervals[inner] or _ANY):
                return False
            case _:
                pass
    return unknown


def _is_even(function: Builtin) -> bool:
    """Say whether a function grows with the distance from 0, where it is 0."""
    anywhere = None if function.image is None else function.image(None)
    return "even" in function.laws and anywhere == interval("[0, inf)")


def _has_pole(function: Builtin) -> bool:
    """Say whether the values of a function are infinite at 0, not its gradient alone."""
    at_zero = None if function.image is None else function.image(_ZERO, _ZERO)
    return function.operator == "/" or (at_zero is not None and at_zero.high == -inf)


def _exposed(node: Node, exposed: bool) -> Iterable[tuple[Node, bool]]:
    """Yield whether what a value is computed from counts wherever it is.

    A choice between two values by what neither is made of, such as a label, keeps nothing out.
    """
    match node:
        case Apply(Builtin(form=Form.CHOOSE), (mask, Apply() as a, Apply() as b)) if (
            mask is not None and inputs_of(mask).isdisjoint(inputs_of(a) | inputs_of(b))
        ):
            yield from every_operand(node, exposed)
        case Apply(Builtin(form=Form.KEEP | Form.CHOOSE), (mask, *values)):
            assert mask is not None
            yield mask, exposed
            yield from ((value, False) for value in values if value is not None)
        case _:
            yield from every_operand(node, exposed)


def _is_likely(subject: Subject, node: Apply, reach: Reach, known: Interval | None) -> bool:
    """Say whether a batch may hold such a number: an element that is 0, or a mask of nothing.

    What is computed of many elements, such as their norm, is hardly 0, and no more is a divisor
    that is of both signs.
    """
    operand = node.arguments[reach.operand]
    if operand is None or _is_count(subject, operand):
        return operand is not None
    type = subject.core.graph.types[operand]
    whole = isinstance(type, ArrayType) and type.rank == 0
    crosses = known is not None and known.low < reach.number < known.high
    hardly = _is_of_many(operand) or (crosses and node.function.operator == "/")
    return not whole and not hardly


def _is_of_many(root: Node) -> bool:
    """Say whether a value is computed of a reduction, or adds up several values."""
    waiting = [root]
    while waiting:
        match waiting.pop():
            case Apply(function) if function.reduction:
                return True
            case Apply(Builtin(operator="+"), (Apply() | Input(), Apply() | Input())):
                return True
            case Apply(function) as node if function.elementwise or function.keeps:
                waiting += operands(node)
            case _:
                pass
    return False


def _is_count(subject: Subject, node: Node | None) -> bool:
    """Say whether a value adds up a mask."""
    while isinstance(node, Apply) and node.function.elementwise | (node.function.form is Form.CAST):
        below = [operand for operand in operands(node) if not isinstance(operand, Const)]
        if len(below) != 1:
            return False
        (node,) = below
    match node:
        case Apply(Builtin(across="add" | "mean"), (inner, *_)) if inner is not None:
            while isinstance(inner, Apply) and inner.function.form is Form.CAST:
                (inner,) = operands(inner)
            type = subject.core.graph.types[inner]
            flag = subject.flags[inner] is not None
            return flag or (isinstance(type, ArrayType) and type.role == "mask")
        case _:
            return False


def _infinite(subject: Subject, node: Apply, reach: Reach) -> Diagnostic:
    operand = node.arguments[reach.operand]
    assert operand is not None
    graph = subject.core.graph
    place, inner = written(graph, node), written(graph, operand)
    assert place is not None
    text = "its argument" if inner is None else f"`{' '.join(inner.span.text.split())}`"
    if node.function.operator == "/":
        message = f"{text} can be {reach}, and is divided by"
    else:
        name = node.function.operator or node.function.name
        message = f"{text} can be {reach}, where `{name}` or its gradient is infinite"
    if _is_count(subject, operand):
        help = "a `mean` with `where=` is 0 where its mask keeps nothing"
    else:
        help = "keep it away from there, as by `clip`, or leave such elements out by `where=`"
    return at("LD420", message, place.span, help=help)
