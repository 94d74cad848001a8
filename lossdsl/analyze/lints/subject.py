"""What a lint looks at: a right program, as it is written and as core."""

from __future__ import annotations

from dataclasses import dataclass

from lossdsl.core.graph import Core, Graph, Node, Place
from lossdsl.library.function import is_own
from lossdsl.syntax import ast


@dataclass(frozen=True, slots=True)
class Subject:
    """A program without errors; `settings` are its inputs that have a default."""

    program: ast.Program
    core: Core
    settings: frozenset[str]

    @property
    def roots(self) -> list[Node]:
        """The values of results and metrics."""
        return [*(one.value for one in self.core.results), *self.core.metrics.values()]


def written(graph: Graph, node: Node) -> Place | None:
    """Return where a node stands in a text of the user; None where only lossdsl's own has it."""
    places = graph.places.get(node, ())
    return next((place for place in places if not is_own(place.span.source)), None)
