"""LD436: mean counts what a mask makes 0.

A mask that is multiplied in makes elements 0, and a mean still divides by all of them: a batch with
more padding has a smaller loss, and its tokens count less.

Inputs
  out: f32[B, T]
  tgt: f32[B, T]
  m: mask f32[B, T]

Wrong
  mean(square(out - tgt)*m)

Right
  mean(square(out - tgt), where=m > 0)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from lossdsl.analyze.dataflow import Analysis, forward
from lossdsl.analyze.flags import Flag
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.padding import marks_given
from lossdsl.analyze.lints.subject import Subject, call_of, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, operands, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Span

# The masks outside of which a value is 0.
Masks = frozenset[Flag]
_NONE: Masks = frozenset()


@dataclass(frozen=True)
class ZeroOutside(Analysis[Masks]):
    """The masks that were multiplied into the values of a program; a number is 0 nowhere."""

    subject: Subject
    bottom: ClassVar[Masks] = _NONE

    def given(self, node: Input | Leaves) -> Masks:
        """A mask is 0 outside of itself."""
        return self._of_flag(node) or _NONE

    def transfer(self, node: Apply, facts: Sequence[Masks | None]) -> Masks:
        """Return the masks of any factor, and of every addend; those of what keeps 0."""
        function, known = node.function, [fact or _NONE for fact in facts]
        if node.undecided or not known:
            return _NONE
        made = self._of_flag(node)
        if made is not None:
            return made
        match node:
            case Apply(Builtin(operator="*")):
                return known[0] | known[1]
            case Apply(Builtin(operator="+" | "-" as symbol), (_, b)):
                return known[0] & known[1] if not _is_zero(b) or symbol == "-" else known[0]
            case Apply(Builtin(operator="/" | "**" | "neg")):
                return known[0]
            case Apply(Builtin(form=Form.CHOOSE), (condition, a, b)):
                if _is_zero(b):
                    return known[0] | known[1]
                if _is_zero(a) and condition is not None:
                    return self._outside(condition) | known[2]
                return known[1] & known[2]
            case Apply(Builtin(form=Form.CAST)):
                return known[0]
            case _:
                pass
        if function.keeps and len(function.keeps) == 1:
            return known[0]
        return known[0] if function.elementwise and _keeps_zero(function, len(known)) else _NONE

    def _of_flag(self, node: Node) -> Masks | None:
        """Return the mask that a flag is, if it is one of what is given."""
        flag = self.subject.flags[node]
        return frozenset({flag}) if flag and marks_given(self.subject, flag) else None

    def _outside(self, condition: Node) -> Masks:
        """Return the mask outside of which a condition holds."""
        flag = self.subject.flags[condition]
        marks = flag is not None and marks_given(self.subject, flag.opposite)
        return frozenset({flag.opposite}) if flag is not None and marks else _NONE


def _keeps_zero(function: Builtin, count: int) -> bool:
    """Say whether a function of one value is 0 at 0."""
    if count != 1:
        return False
    if function.image is not None:
        return function.image(Interval(0, 0)) == Interval(0, 0)
    return "odd" in function.laws


def _is_zero(node: Node | None) -> bool:
    return isinstance(node, Const) and not isinstance(node.value, bool) and node.value == 0


@lint(within=("LD447",))
def masked_mean(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the means, without `where=`, of what a mask is multiplied into.

    The quotient of two means is one over what is kept, and so is what is divided by a count of it.
    What the mask says an event is, and no padding, is reduced without it as well.
    """
    graph, flags = subject.core.graph, subject.flags
    applied = [node for node in subject.tape if isinstance(node, Apply)]
    means = [node for node in applied if _is_plain_mean(node)]
    if not means or not subject.has_flags:
        return
    zero = forward(subject.roots, ZeroOutside(subject))
    divided = [
        [set(tape([operand])) for operand in operands(node)]
        for node in applied
        if node.function.operator == "/"
    ]
    for node in means:
        (value, *_) = operands(node)
        masks = set(zero[value]) if flags[value] is None and _computes(value) else set[Flag]()
        masks -= {flags[mask] for above, below in divided if node in above for mask in below}
        if masks and _is_read_unmasked(subject, applied, node, zero):
            continue
        place = written(graph, node)
        call = call_of(graph, node)
        span = place.span if place is not None and not place.calls else call and call[1]
        if masks and span is not None:
            yield _counts(graph, masks, span)


def _counts(graph: Graph, masks: Iterable[Flag], span: Span) -> Diagnostic:
    passed = sorted(
        mask.condition.name for mask in masks if isinstance(mask.condition, Input) and mask.when
    )
    if passed:
        message = f"this mean counts what `{passed[0]}` makes 0"
        help = f"`where={passed[0]}` in place of the factor divides by what is kept"
        return at("LD436", message, span, help=help)
    places = [written(graph, mask.condition) for mask in masks]
    text = next((" ".join(place.span.text.split()) for place in places if place), "a condition")
    message = f"this mean counts what `{text}` makes 0"
    help = "`where=` in place of the factor divides by what is kept"
    return at("LD436", message, span, help=help)


def _is_read_unmasked(
    subject: Subject, applied: Sequence[Apply], mean: Apply, zero: Mapping[Node, Masks]
) -> bool:
    """Say whether another reduction, of what is not 0 outside a mask, reads the same inputs."""
    read = set(_values(subject, operands(mean)))
    inner = set(tape([mean]))
    for node in applied:
        if not node.function.reduction or node is mean or node.arguments[0] is None:
            continue
        below = tape([node.arguments[0]])
        apart = mean not in below and node not in inner
        if apart and not zero[node.arguments[0]] and not read.isdisjoint(below):
            return True
    return False


def _values(subject: Subject, roots: Iterable[Node]) -> Iterator[Input]:
    """Yield the inputs that are read otherwise than by a mask."""
    waiting, seen = list(roots), set[Node]()
    while waiting:
        node = waiting.pop()
        if node in seen or marks_given(subject, subject.flags[node]):
            continue
        seen.add(node)
        if isinstance(node, Input):
            yield node
        waiting += operands(node)


def _is_plain_mean(node: Apply) -> bool:
    function = node.function
    plain = all(operand is None for operand in node.arguments[1:])
    return function.reduction and function.combine == "mean" and plain and not node.undecided


def _computes(value: Node) -> bool:
    """Say whether more is reduced than a mask alone, or what is made of it by a cast."""
    while isinstance(value, Apply) and len(operands(value)) == 1:
        (value,) = operands(value)
    return isinstance(value, Apply)
