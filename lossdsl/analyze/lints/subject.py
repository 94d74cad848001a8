"""What a lint looks at: a right program, as it is written and as core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import cast

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.flags import Flag, Flags, is_mask, is_truth
from lossdsl.analyze.intervals import Intervals
from lossdsl.analyze.unit_axes import cosines
from lossdsl.analyze.whole_numbers import Whole, WholeNumbers
from lossdsl.core.graph import Apply, Const, Core, Graph, Input, Node, Place, operands, tape
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval
from lossdsl.library.function import is_own
from lossdsl.source import Span
from lossdsl.syntax import ast


@dataclass(frozen=True)
class Subject:
    """A program without errors; `settings` has the defaults of its inputs."""

    program: ast.Program
    core: Core
    settings: Mapping[str, float]

    @property
    def roots(self) -> list[Node]:
        """The values of results and metrics."""
        return [*(outcome.value for outcome in self.core.results), *self.core.metrics.values()]

    @cached_property
    def tape(self) -> Sequence[Node]:
        """Every value of the program, operands first."""
        return tape(self.roots)

    @cached_property
    def readers(self) -> Mapping[Node, Sequence[Apply]]:
        """The operations that read each value, in the order of the tape."""
        readers: dict[Node, list[Apply]] = {}
        for node in self.tape:
            for operand in dict.fromkeys(operands(node)) if isinstance(node, Apply) else ():
                readers.setdefault(operand, []).append(cast("Apply", node))
        return readers

    @cached_property
    def whole_numbers(self) -> Mapping[Node, Whole]:
        """What is known of the integers among the values of the program."""
        return forward(self.roots, WholeNumbers(self.core.graph))

    @cached_property
    def cosines(self) -> frozenset[Node]:
        """The products of unit vectors with unit vectors."""
        return cosines(self.core.graph, self.tape)

    @cached_property
    def intervals(self) -> Mapping[Node, Interval | None]:
        """Where every value of the program and of its terms lies, as far as it is known."""
        terms = (term.weighted for outcome in self.core.results for term in outcome.terms)
        graph = self.core.graph
        known = Intervals(graph, self.core.ranges, cosines=self.cosines)
        return forward([*self.roots, *terms], known)

    @cached_property
    def flags(self) -> Mapping[Node, Flag | None]:
        """What is 0 or 1 by a condition among the values of the program."""
        graph = self.core.graph
        made = any(is_truth(graph, node) or is_mask(graph, node) for node in self.tape)
        return forward(self.roots, Flags(graph)) if made else dict.fromkeys(self.tape)

    @cached_property
    def has_flags(self) -> bool:
        """Whether anything is 0 or 1 by a condition."""
        return any(self.flags.values())


def written(graph: Graph, node: Node) -> Place | None:
    """Return where a node stands in a text of the user; None where only lossdsl's own has it."""
    places = graph.places.get(node, ())
    return next((place for place in places if not is_own(place.span.source)), None)


def call_of(graph: Graph, node: Node) -> tuple[str, Span] | None:
    """Return the call in a text of the user through which a node of a library came to be."""
    for place in graph.places.get(node, ()):
        for name, span in place.calls[::-1]:
            if not is_own(span.source):
                return name, span
    return None


def meeting(graph: Graph, node: Node, values: Iterable[Node]) -> Span | None:
    """Return where a text brings values together: an operator, or a call that is given them."""
    place = written(graph, node)
    if place is not None and not place.calls:
        return place.span
    places = [written(graph, value) for value in values]
    given = all(place is not None and not place.calls for place in places)
    call = call_of(graph, node) if given else None
    return None if call is None else call[1]


def multiple_of(subject: Subject, node: Node) -> tuple[Builtin | None, bool]:
    """Return the loss that a term is a multiple of, if it is one, and whether by what is below 0.

    Settings, inputs with a default, are above 0.
    """
    graph, negative = subject.core.graph, False
    while node not in graph.bodies and isinstance(node, Apply):
        inner: list[Node] = []
        for operand in operands(node)[: 1 if node.function.reduction else None]:
            match operand:
                case Const(int() | float() as number):
                    negative ^= number < 0
                case Input(name) if name in subject.settings:
                    pass
                case _:
                    inner.append(operand)
        symbol = node.function.operator
        if len(inner) != 1 or not (node.function.reduction or symbol in ("*", "/", "neg")):
            return None, False
        negative ^= symbol == "neg"
        (node,) = inner
    loss = graph.bodies.get(node)
    return (loss, negative) if loss is not None and loss.is_loss else (None, False)
