"""Rules driven to a fixed point: what the text says, computed so that no extreme is lost.

The driver knows no function: rules are data. What is computed by lossdsl's own definitions alone
is left as it is, since these are written with care.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from functools import cache
from typing import cast

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.intervals import Intervals
from lossdsl.analyze.lints.subject import written
from lossdsl.analyze.outputs import over
from lossdsl.core.graph import Apply, Const, Graph, Node, Place, inputs_of, tape
from lossdsl.core.graph import operands as inner_operands
from lossdsl.core.pattern import CARRIED, Match, Patterns, bare, matches, pattern, picks
from lossdsl.diagnostics.defect import defect
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.frozen import dataclass
from lossdsl.library.domains import read_domains
from lossdsl.library.images import interval
from lossdsl.library.syntax_forms import Form
from lossdsl.optimize.replace import replacement
from lossdsl.optimize.stability_rules import RULES, Rule
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType, TreeType

# Rules make what they replace smaller or of functions that no rule is about, so that few follow
# each other; a chain of operations has at most as many links as `Limits` allows.
ROUNDS = 256
FIRED_PER_NODE = 16
_ANYWHERE = interval("(-inf, inf)")


def stabilize(graph: Graph, roots: Sequence[Node]) -> list[Node]:
    """Return roots of flat core in which no rule fires."""
    return Rewriter(graph)(roots)


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired: what was written and what is computed, nodes of one graph.

    `picked` says that elements of both are picked.
    """

    rule: Rule
    before: Node
    after: Node
    names: Match
    place: Place
    picked: bool = False


@dataclass(frozen=True, slots=True)
class Rewriter:
    """A table of rules, applied to one graph; `flat` says that it is one of flat core."""

    graph: Graph
    rules: Sequence[Rule] = RULES
    flat: bool = True
    fired: list[Fired] = field(default_factory=list["Fired"])

    def __call__(self, roots: Sequence[Node]) -> list[Node]:
        """Return roots of equal meaning in which no rule fires."""
        rules, before = _patterns(tuple(self.rules)), list(roots)
        most = FIRED_PER_NODE * (1 + len(tape(roots)))
        for _ in range(ROUNDS):
            after = self._round(rules, before)
            if after == before:
                return after
            before = after
            if len(self.fired) > most:
                break
        last = self.fired[-1]
        rule = f"`{last.rule.written}` -> `{last.rule.becomes}`"
        what = f"rewrite rules that come to no end, the last of them {rule}"
        raise LossError([defect(what, last.place.span)])

    def _round(self, rules: Patterns[Rule], roots: Sequence[Node]) -> list[Node]:
        order = tape(roots)
        if not any(map(rules.begin, order)):
            return list(roots)
        done: dict[Node, Node] = {}
        for node in order:
            done[node] = node
            if isinstance(node, Apply):
                inner = [None if each is None else done[each] for each in node.arguments]
                made = over(self.graph, node, inner)
                done[node] = self._rewritten(rules, made)
        return [done[root] for root in roots]

    def _rewritten(self, rules: Patterns[Rule], node: Apply) -> Node:
        fired = self._any(rules, node) or self._any_below(rules, node)
        if fired is None:
            return node
        self.fired.append(fired)
        return fired.after

    def _any(self, rules: Patterns[Rule], node: Apply) -> Fired | None:
        for rule, expr in rules.of(node):
            fired = self._tried(rule, expr, node)
            if fired is not None:
                return fired
        return None

    def _tried(self, rule: Rule, expr: ast.Expr, node: Apply) -> Fired | None:
        for names in matches(expr, node, exact=True):
            place = self._place(node, names)
            if place is None or not self._holds(rule, node, names) or self._shows(node, names):
                continue
            becomes = pattern(rule.becomes)
            after = replacement(self.graph, becomes, node, names, place, self.flat)
            if after is not None and after is not node:
                return Fired(rule, node, after, names, place)
        return None

    def _any_below(self, rules: Patterns[Rule], node: Apply) -> Fired | None:
        """Try a function of elements that are picked as the same elements of the function."""
        if not node.function.elementwise or len(node.arguments) != 1 or not rules.begin(node):
            return None
        inner = bare(cast("Node", node.arguments[0]))
        chain: list[Apply] = []
        while picks(inner) and not cast("Apply", inner).function.elementwise:
            chain.append(cast("Apply", inner))
            inner = cast("Node", chain[-1].arguments[0])
        if not chain or any(link.function.foreign for link in chain):
            return None
        type = self.graph.types[inner]
        type = replace(type, role=None) if isinstance(type, ArrayType) else type
        whole = self.graph.apply(node.function, [inner], type)
        if node in self.graph.places:
            self.graph.places.setdefault(whole, self.graph.places[node])
        fired = self._any(rules, cast("Apply", whole))
        if fired is None:
            return None
        after = fired.after
        for link in reversed(chain):
            # What is picked is no longer of the role that it had, such as probabilities.
            type = self.graph.types[link]
            type = replace(type, role=None) if isinstance(type, ArrayType) else type
            operands, options = [after, *link.arguments[1:]], dict(link.options)
            after = self.graph.apply(link.function, operands, type, options)
        return Fired(fired.rule, node, after, fired.names, fired.place, picked=True)

    def _place(self, node: Apply, names: Match) -> Place | None:
        """Return where the user wrote what is replaced, or a part of it."""
        places = (written(self.graph, inner) for inner in _replaced(node, names))
        return next((place for place in places if place is not None), None)

    def _shows(self, node: Apply, names: Match) -> bool:
        """Say whether a debug build looks at what is replaced, and may have to complain of it."""
        for inner in _replaced(node, names):
            if inner.function.form is not Form.WATCH:
                continue
            readers = [each for each in _replaced(node, names) if inner in each.arguments]
            domains = [domain for each in readers for domain in each.function.domains.values()]
            # What is passed may be any number, of which an exponential is above 0.
            passed = [each.name for each in inputs_of(inner)]
            ranges = {**dict.fromkeys(passed, _ANYWHERE), **self.graph.ranges}
            known = forward([inner], Intervals(self.graph, ranges))[inner]
            if known is None or not all(domain.holds(known) for domain in domains):
                return True
        return False

    def _is_tree(self, end: object) -> bool:
        return isinstance(self.graph.types.get(cast("Node", end)), TreeType)

    def _holds(self, rule: Rule, node: Apply, names: Match) -> bool:
        if CARRIED in names and any(map(self._is_tree, names.values())):
            return False  # what reduces a tree is a reduction of each leaf
        if rule.holds is not None and not rule.holds(self.graph, node, names):
            return False
        domains = read_domains(rule.domain)
        nodes = {name: cast("Node", names[name]) for name in domains}
        known = forward(nodes.values(), Intervals(self.graph, self.graph.ranges)) if domains else {}
        for name, domain in domains.items():
            where = known[nodes[name]]
            if where is None or not domain.holds(where):
                return False
        return True


def _replaced(node: Apply, names: Match) -> list[Apply]:
    """Return the operations that a match is made of: those between its root and its letters."""
    ends = {bare(end) for end in names.values() if isinstance(end, Apply | Const)}
    within: list[Apply] = []
    stack: list[Node] = [node]
    while stack:
        inner = stack.pop()
        if isinstance(inner, Apply) and (inner is node or bare(inner) not in ends):
            within.append(inner)
            stack += inner_operands(inner)
    return within


@cache
def _patterns(rules: Sequence[Rule]) -> Patterns[Rule]:
    return Patterns(rules, lambda rule: rule.written)
