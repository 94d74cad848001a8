"""LD452: pieces that do not meet.

A loss in two pieces is meant to go from one to the other without a jump: where it has one, a small
step changes the loss by a lot, and no gradient says so.

Inputs
  x: f32[B]
  t: f32[B]

Wrong
  mean(square(where(x > 0, x, exp(x)) - t))

Right
  mean(square(where(x > 0, x, exp(x) - 1) - t))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.intervals import Intervals
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Input, Leaves, Node, tape
from lossdsl.core.pattern import bare
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval
from lossdsl.library.syntax_forms import Form

# How far apart what is cut at a small number may be, of its size: where `x` is 1e-6 `sin(x)/x` is
# not quite 1.
_NEAR = 1e-2
_COMPARISONS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class _AtEdge(Intervals):
    """Intervals where some values are one number each."""

    pinned: Mapping[Node, Interval] = field(default_factory=dict["Node", "Interval"])

    def given(self, node: Input | Leaves) -> Interval | None:
        return self.pinned.get(node) or Intervals.given(self, node)

    def transfer(self, node: Apply, facts: Sequence[Interval | None]) -> Interval | None:
        return self.pinned.get(node) or Intervals.transfer(self, node, facts)


@lint(around=("LD440",))
def jumps(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the choices of two values by a threshold at which these surely differ.

    What a threshold cuts to 0, or to a label, is cut on purpose; one of the two reads what is
    compared, and neither is infinite there.
    """
    graph = subject.core.graph
    for node in subject.tape:
        match node:
            case Apply(Builtin(form=Form.CHOOSE), (Apply(compared, (x, edge)), above, below)) if (
                compared.operator in _COMPARISONS and x and edge and above and below
            ):
                place = written(graph, node)
                if place is None or place.calls or graph.kind(x) != "float":
                    continue
                ends = _ends(subject, bare(x), bare(edge), (bare(above), bare(below)))
                if ends is not None:
                    a, b = (f"{end:.3g}" for end in ends)
                    message = f"where the two pieces meet, one is {a} and the other {b}"
                    help = "a loss without a jump has pieces that agree there"
                    yield at("LD452", message, place.span, help=help)
            case _:
                pass


def _ends(
    subject: Subject, x: Node, edge: Node, pieces: tuple[Node, Node]
) -> tuple[float, float] | None:
    """Return what two pieces are at a threshold, if that is known and not the same."""
    threshold = _number(subject, edge)
    if threshold is None:
        return None
    here = Interval(threshold, threshold)
    moved = {x}
    match x:
        case Apply(Builtin(laws=laws), (inner,)) if inner is not None and "even" in laws:
            if "scale 1" in laws:
                moved.add(bare(inner))  # the size of what the pieces may read as well
        case _:
            pass
    pinned = {**_settings(subject), **dict.fromkeys(moved, here)}
    reads = [not moved.isdisjoint(tape([piece])) for piece in pieces]
    constants = [piece for piece, moves in zip(pieces, reads, strict=True) if not moves]
    # What is compared is put out of the way of a function: `log(where(x > 0, x, 1))`.
    guards = bool(constants) and x in pieces
    if guards or len(constants) > 1:
        return None
    if any(_number(subject, each) in (None, 0) for each in constants):
        return None
    facts = forward(pieces, _AtEdge(subject.core.graph, subject.core.ranges, pinned=pinned))
    first, second = (facts[piece] for piece in pieces)
    if first is None or second is None:
        return None
    a, b = ((fact.low + fact.high) / 2 for fact in (first, second))
    narrow = all(fact.high - fact.low <= _NEAR * abs(fact.low) for fact in (first, second))
    return (a, b) if narrow and abs(a - b) > _NEAR * max(abs(a), abs(b)) else None


def _number(subject: Subject, node: Node) -> float | None:
    match node:
        case Const(int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case Input(name):
            return subject.settings.get(name)
        case _:
            return None


def _settings(subject: Subject) -> dict[Node, Interval]:
    """Return the inputs that have a default, each as that number."""
    return {
        node: Interval(number, number)
        for node in subject.tape
        if isinstance(node, Input) and (number := subject.settings.get(node.name)) is not None
    }
