"""Masks sunk to the inputs: what a select leaves out is never computed from.

`keep(m, f(a, b))` becomes `keep(m, f(keep(m, a), keep(m, b)))`, down to the inputs, which take a
safe value where the mask is false. What is read under several masks is computed under each. Where
a mask covers an operand only in part, the operand of a function that can be infinite gets a select
of its own. So a NaN under a mask reaches neither value nor gradient. The branches of a conditional
are masked by their condition in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lossdsl.analyze.outputs import again, computed, operand_names, over, reads
from lossdsl.core.graph import Apply, Const, Graph, Node, tape
from lossdsl.library.declare import Builtin, of_form, of_operator
from lossdsl.library.syntax_forms import Form
from lossdsl.optimize.demand import Demand, Projector, is_read, mask_of
from lossdsl.types.types import ArrayType, kind

SAFE = {"float": 0.5, "int": 0, "bool": False}


def sink(graph: Graph, roots: Sequence[Node]) -> list[Node]:
    """Return roots in which every select is sunk."""
    sinker = _Sinker(graph, Projector(graph))
    done: dict[Node, Node] = {}
    for node in tape(roots):
        done[node] = (
            over(
                graph,
                node,
                [None if argument is None else done[argument] for argument in node.arguments],
            )
            if isinstance(node, Apply)
            else node
        )
        match done[node]:
            case Apply(Builtin(form=Form.KEEP), (mask, inner)) as whole:
                assert mask is not None and inner is not None
                kept = sinker.pushed(mask, inner, frozenset())
                done[node] = over(graph, whole, (mask, kept))
            case Apply(Builtin(form=Form.CHOOSE), (condition, a, b)) as whole:
                assert condition is not None and a is not None and b is not None
                done[node] = sinker.branches(whole, condition, a, b)
            case _:
                pass
    return [done[root] for root in roots]


@dataclass
class _Sinker:
    graph: Graph
    projector: Projector

    def branches(self, whole: Apply, condition: Node, a: Node, b: Node) -> Node:
        """Mask each branch by when it is taken; what both read shows its NaN anyway."""
        if not all(
            isinstance(self.graph.types[operand], ArrayType) for operand in (whole, condition, a, b)
        ):
            return whole
        negated = self.graph.apply(of_operator("not"), [condition], self.graph.types[condition])
        kept_a = self.pushed(condition, a, self._sources(b))
        kept_b = self.pushed(negated, b, self._sources(a))
        return over(self.graph, whole, (condition, kept_a, kept_b))

    def pushed(self, mask: Node, root: Node, shared: frozenset[Node]) -> Node:
        """Return a value of which only the elements under a mask are computed from the inputs.

        Inputs in `shared` are read elsewhere too, and stay as they are.
        """
        type, mask_type = self.graph.types[root], self.graph.types[mask]
        if not isinstance(type, ArrayType) or not isinstance(mask_type, ArrayType):
            return root
        if self._is_source(root):
            return root  # nothing is computed from it: the select itself keeps its NaN out
        first = self.projector.elementwise(Demand(mask), mask_type, type)
        if first is None:
            return root
        served = self.projector.served(root, first)
        done: dict[tuple[Node, Node | None], tuple[Node, bool]] = {}
        for node in tape([root]):
            asked = served.get(node, {})
            for demand in dict.fromkeys(asked.values()):
                selected = self._selected(node, demand, done, shared)
                done |= {
                    (node, by): selected
                    for by, asked_demand in asked.items()
                    if asked_demand == demand
                }
        return done[root, first.mask][0]

    def _selected(
        self,
        node: Node,
        demand: Demand | None,
        done: Mapping[tuple[Node, Node | None], tuple[Node, bool]],
        shared: frozenset[Node],
    ) -> tuple[Node, bool]:
        """Return the node under its demand, and whether its inputs are all under it too."""
        if isinstance(node, Const):
            return node, True
        if self._is_source(node):
            if demand is None or node in shared:
                return node, False
            return self._keep(demand.mask, node, None), demand.exact
        made = computed(self.graph, node)
        assert made is not None
        needs = self.projector.operands(node, demand)
        served = [done[operand, mask_of(need)] for operand, need in needs]
        covered = [under for _, under in served]
        values = [value for value, _ in served]
        if demand is not None:
            safe = _safe_values(made)
            for at, (_, need) in enumerate(needs):
                # At these the function can be infinite: they are selected, unless they are covered.
                if safe[at] is not None and need is not None and not covered[at]:
                    values[at] = self._keep(need.mask, values[at], safe[at])
        new = again(self.graph, node, values)
        if demand is not None and _may_be_empty(made):
            new = self._keep(demand.mask, new, None)
        return new, demand is not None and demand.exact and all(covered)

    def _is_source(self, node: Node) -> bool:
        """Say whether a node is an array among where data enters."""
        return is_read(self.graph, node) and isinstance(self.graph.types[node], ArrayType)

    def _sources(self, root: Node) -> frozenset[Node]:
        return frozenset(node for node in tape([root]) if is_read(self.graph, node))

    def _keep(self, mask: Node, node: Node, fill: float | None) -> Node:
        type = self.graph.types[node]
        assert isinstance(type, ArrayType)
        value = SAFE[kind(type.dtype)] if fill is None else fill
        plain = replace(type, role=None)
        return self.graph.apply(of_form(Form.SHIELD), [mask, node], plain, {"fill": value})


def _may_be_empty(node: Apply) -> bool:
    """Say whether a reduction has a mask of its own, and is infinite where that keeps nothing.

    What the outer mask leaves out has any truth values for that mask.
    """
    masked = node.function.reduction and len(node.arguments) > 1 and node.arguments[1] is not None
    return masked and node.function.fills


def _safe_values(made: Apply) -> list[float | None]:
    """Return for all that an operation reads a value at which its function is finite, if needed."""
    if not made.function.partial:
        return [None for _ in reads(made)]
    names = operand_names(made)
    return [made.function.partial.get(names[read.at]) for read in reads(made)]
