"""Masks sunk to the inputs: what a select leaves out is never computed from.

`keep(m, f(a, b))` becomes `keep(m, f(keep(m, a), keep(m, b)))`, down to the inputs, which take a
safe value where the mask is false. What is read under several masks is computed under each. Where
a mask covers an operand only in part, the operand of a function that can be infinite gets a select
of its own. So a NaN under a mask reaches neither value nor gradient. The branches of a conditional
are masked by their condition in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lossdsl.core.graph import Apply, Const, Graph, Leaves, Node, operands, tape
from lossdsl.library.declare import Builtin, of_form, of_operator
from lossdsl.library.forms import Form
from lossdsl.optimize.demand import Demand, Projector, is_read, mask_of, read
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType, kind

SAFE = {"float": 0.5, "int": 0, "bool": False}


def sink(graph: Graph, roots: Sequence[Node]) -> list[Node]:
    """Return roots in which every select is sunk."""
    sinker = _Sinker(graph, Projector(graph))
    done: dict[Node, Node] = {}
    for node in tape(roots):
        done[node] = sinker.rebuilt(node, done)
        match done[node]:
            case Apply(Builtin(form=Form.KEEP), (mask, inner)) as whole:
                assert mask is not None and inner is not None
                kept = sinker.pushed(mask, inner, frozenset())
                done[node] = sinker.with_arguments(whole, (mask, kept))
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

    def rebuilt(self, node: Node, done: dict[Node, Node]) -> Node:
        """Return the node over rewritten operands; itself when none changed."""
        arguments = node.arguments if isinstance(node, Apply) else operands(node)
        return self._over(node, [None if one is None else done[one] for one in arguments])

    def with_arguments(self, node: Apply, arguments: tuple[Node | None, ...]) -> Node:
        """Return the same operation on other operands."""
        if all(a is b for a, b in zip(arguments, node.arguments, strict=True)):
            return node
        return self.graph.again(node, arguments, self.graph.types[node])

    def branches(self, whole: Apply, condition: Node, a: Node, b: Node) -> Node:
        """Mask each branch by when it is taken; what both read shows its NaN anyway."""
        if not all(
            isinstance(self.graph.types[one], ArrayType) for one in (whole, condition, a, b)
        ):
            return whole
        negated = self.graph.apply(of_operator("not"), [condition], self.graph.types[condition])
        kept_a = self.pushed(condition, a, frozenset(_sources([b])))
        kept_b = self.pushed(negated, b, frozenset(_sources([a])))
        return self.with_arguments(whole, (condition, kept_a, kept_b))

    def pushed(self, mask: Node, root: Node, shared: frozenset[Node]) -> Node:
        """Return a value of which only the elements under a mask are computed from the inputs.

        Inputs in `shared` are read elsewhere too, and stay as they are.
        """
        type, mask_type = self.graph.types[root], self.graph.types[mask]
        if not isinstance(type, ArrayType) or not isinstance(mask_type, ArrayType):
            return root
        if _is_source(self.graph, root):
            return root  # nothing is computed from it: the select itself keeps its NaN out
        first = self.projector.elementwise(Demand(mask), mask_type, type)
        if first is None:
            return root
        served = self.projector.served(root, first)
        done: dict[tuple[Node, Node | None], tuple[Node, bool]] = {}
        for node in tape([root]):
            asked = served.get(node, {})
            for demand in dict.fromkeys(asked.values()):
                found = self._selected(node, demand, done, shared)
                done |= {(node, by): found for by, one in asked.items() if one == demand}
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
        if _is_source(self.graph, node):
            if demand is None or node in shared:
                return node, False
            return self._keep(demand.mask, node, None), demand.exact
        needs = self.projector.operands(node, demand)
        found = [
            None if one is None else done[one, mask_of(need)]
            for one, need in zip(read(node), needs, strict=True)
        ]
        new = self._over(node, [None if one is None else one[0] for one in found])
        covered = [one is None or one[1] for one in found]
        if isinstance(new, Apply):
            assert isinstance(node, Apply)
            new = self._guarded(node, new, demand, needs, covered)
            if demand is not None and _may_be_empty(node):
                new = self._keep(demand.mask, new, None)
        return new, demand is not None and demand.exact and all(covered)

    def _over(self, node: Node, found: Sequence[Node | None]) -> Node:
        """Return the node over other operands; one that is not given stays."""
        match node:
            case Apply(_, arguments):
                pairs = zip(arguments, found, strict=True)
                return self.with_arguments(node, tuple(new or old for old, new in pairs))
            case Leaves(tree, selector) if found[0] is not tree and found[0] is not None:
                return self.graph.leaves(found[0], selector, self.graph.types[node])
            case _:
                return node

    def _guarded(
        self,
        node: Apply,
        new: Apply,
        demand: Demand | None,
        needs: Sequence[Demand | None],
        covered: Sequence[bool],
    ) -> Node:
        """Select the operands at which the function can be infinite, unless they are covered."""
        if demand is None or not node.function.partial:
            return new
        arguments = list(new.arguments)
        for at, name in enumerate(_operand_names(node)):
            safe, inner, need = node.function.partial.get(name), arguments[at], needs[at]
            if inner is None or safe is None or need is None or covered[at]:
                continue
            arguments[at] = self._keep(need.mask, inner, safe)
        return self.with_arguments(new, tuple(arguments))

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


def _operand_names(node: Apply) -> list[str]:
    """Return the parameter that each operand was given for."""
    names = [
        (one.name, one.variadic)
        for one in node.function.signatures[0].parameters
        if isinstance(one.type, (ast.ArrayTypeExpr, ast.OptionalTypeExpr, ast.UnionTypeExpr))
    ]
    found = [name for name, _ in names]
    return found + [found[-1]] * (len(node.arguments) - len(found)) if found else []


def _is_source(graph: Graph, node: Node) -> bool:
    """Say whether a node is an array among where data enters."""
    return is_read(node) and isinstance(graph.types[node], ArrayType)


def _sources(roots: Iterable[Node]) -> set[Node]:
    return {node for node in tape(roots) if is_read(node)}
