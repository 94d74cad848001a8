"""LD434: targets that the text shifts before a loss that shifts them itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import cast

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.lints.subject import Subject, call_of, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves
from lossdsl.core.pattern import match, pattern
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import AXIS


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the entries of a value lie ahead along an axis: by the text, and by a library.

    Of what lies where it was given there is no axis.
    """

    axis: int | None = None
    text: int = 0
    library: int = 0


# What takes the entries that follow, the last one where there is no other.
_FOLLOWING = "minimum(arange(stop=n) + k, m)"


@dataclass(frozen=True, slots=True)
class Offsets:
    """The offsets of the values of a graph, an analysis of the driver; None where not known."""

    graph: Graph

    def constant(self, node: Const) -> Offset | None:
        """A number lies nowhere."""
        return None

    def given(self, node: Input | Leaves) -> Offset | None:
        """What is passed lies where it was given."""
        return Offset()

    def transfer(self, node: Apply, facts: Sequence[Offset | None]) -> Offset | None:
        """Return the offset of an index or of what is taken; that of an operand that is kept."""
        fact = facts[0] if facts else None
        if fact is None or node.undecided:
            return None
        if node.function.form is Form.INDEX:
            return self._moved(node, fact, *_started(node))
        if len(node.arguments) == 2:
            taken = _following(node)
            if taken is not None:
                return self._moved(node, fact, *taken)
        alone = sum(fact is not None for fact in facts) == 1
        same = node.function.elementwise or node.function.form is Form.CAST
        return fact if alone and same else None

    def _moved(
        self, node: Apply, fact: Offset, axis: int | None = None, by: int = 0
    ) -> Offset | None:
        if axis is None:
            return fact if by == 0 else None
        if fact.axis not in (None, axis):
            return None
        place = written(self.graph, node)
        if place is None or place.calls:
            return Offset(axis, fact.text, fact.library + by)
        return Offset(axis, fact.text + by, fact.library)


def _started(node: Apply) -> tuple[int | None, int]:
    """Return the axis along which an index leaves out the first entries, and how many."""
    starts: list[tuple[int, int]] = []
    for axis, item in enumerate(cast("tuple[object, ...]", node.option("items") or ())):
        match item:
            case ("slice", None | 0, _, None | 1):
                pass
            case ("slice", int() as start, _, None | 1) if start > 0:
                starts.append((axis, start))
            case _:
                return None, 1
    if len(starts) > 1:
        return None, 1
    return starts[0] if starts else (None, 0)


def _following(node: Apply) -> tuple[int, int] | None:
    """Return the axis along which following entries are taken, and by how many they follow."""
    positions = node.arguments[1]
    axis = node.option(AXIS)
    names = None if positions is None else match(pattern(_FOLLOWING), positions)
    match names, axis:
        case {"k": Const(int() as by)}, int():
            return axis, by
        case _:
            return None


def shifted_twice(subject: Subject) -> Iterator[Diagnostic]:
    """Yield where two values meet that a library shifts as far apart as the text did before."""
    graph = subject.core.graph
    applied = [node for node in subject.tape if isinstance(node, Apply)]
    if not any(node.function.form is Form.INDEX for node in applied):
        return
    offsets = forward(subject.roots, Offsets(graph))
    for node in applied:
        known = [offsets[operand] for operand in node.arguments if operand is not None]
        for a, b in combinations([fact for fact in known if fact is not None], 2):
            text, library = b.text - a.text, b.library - a.library
            call = call_of(graph, node)
            if text == library != 0 and call is not None:
                name, span = call
                message = f"`{name}` shifts its targets, and they are shifted here too"
                help = "pass both as they are, or use the loss without a shift, `cross_entropy`"
                yield at("LD434", message, span, help=help)
