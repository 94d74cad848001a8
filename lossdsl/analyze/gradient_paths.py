"""Where a gradient of a loss goes: past all but what is stopped, flat or discrete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from lossdsl.analyze.dataflow import Analysis, backward, every_operand
from lossdsl.core.graph import Apply, Core, Graph, Input, Leaves, Node
from lossdsl.frozen import dataclass
from lossdsl.library.syntax_forms import Form

DISCRETE = ("int", "bool")


@dataclass(frozen=True)
class Gradients(Analysis[bool]):
    """Whether a gradient leaves a value for an input."""

    graph: Graph
    bottom: ClassVar[bool] = False

    def given(self, node: Input | Leaves) -> bool:
        return self.graph.kind(node) not in DISCRETE

    def selected(self, node: Leaves, tree: bool) -> bool:
        return tree

    def transfer(self, node: Apply, facts: Sequence[bool | None]) -> bool:
        return any(facts) and not self.ends(node)

    def ends(self, node: Apply) -> bool:
        """Say whether no gradient goes past the result of an operation."""
        stops = node.function.form is Form.STOP_GRADIENT or "flat" in node.function.laws
        return stops or self.graph.kind(node) in DISCRETE


def carried(core: Core) -> frozenset[str]:
    """Return the names of the inputs into which a gradient of some result goes."""
    gradients = Gradients(core.graph)

    def passed(node: Node, carries: bool) -> Iterable[tuple[Node, bool]]:
        ends = isinstance(node, Apply) and gradients.ends(node)
        return () if ends else every_operand(node, carries)

    roots = [term.weighted for outcome in core.results for term in outcome.terms]
    carries = backward(dict.fromkeys(roots, True), passed, bool.__or__)
    inputs = (node for node in carries if isinstance(node, Input))
    return frozenset(node.name for node in inputs if core.graph.kind(node) not in DISCRETE)
