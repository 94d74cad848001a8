"""The drivers of analyses: each value is looked at once, and facts meet where readers meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import lossdsl
from lossdsl.analyze.dataflow import Analysis, backward, every_operand, forward
from lossdsl.core.graph import Apply, Const, Core, Input, Leaves, Node, operands, tape

TEXT = """
a, b: f32[B]
p: tree
s = a + b
loss = mean(s*s) + sum_squares(p.w)
"""


def core(text: str = TEXT) -> Core:
    program = lossdsl.check(text).program
    assert program is not None
    return program


class Depth(Analysis[int]):
    """How many operations are below a value."""

    def __init__(self) -> None:
        self.visited: list[Node] = []

    def given(self, node: Input | Leaves) -> int:
        return 0

    def selected(self, node: Leaves, tree: int) -> int:
        return tree + 100

    def constant(self, node: Const) -> int:
        return 0

    def transfer(self, node: Apply, facts: Sequence[int | None]) -> int:
        self.visited.append(node)
        return 1 + max((fact for fact in facts if fact is not None), default=0)


def test_forward_looks_once_at_every_value_operands_first() -> None:
    (root,) = (outcome.value for outcome in core().results)
    depth = Depth()
    facts = forward([root], depth)
    assert list(facts) == tape([root])
    assert len(set(depth.visited)) == len(depth.visited)
    for node in depth.visited:
        assert facts[node] == 1 + max(facts[operand] for operand in operands(node))
    assert {facts[node] for node in facts if isinstance(node, Leaves)} == {100}


def test_forward_takes_what_is_known_as_it_is() -> None:
    (root,) = (outcome.value for outcome in core().results)
    product = next(n for n in tape([root]) if isinstance(n, Apply) and n.function.operator == "*")
    known = forward([product], Depth()) | {product: 1000}
    later = Depth()
    assert forward([root], later, known) is known
    assert product not in later.visited
    assert known[root] > 1000


def test_nothing_is_known_of_what_an_analysis_does_not_speak() -> None:
    class Nothing(Analysis["int | None"]):
        def transfer(self, node: Apply, facts: Sequence[int | None]) -> int | None:
            return None

    assert set(forward(core().roots, Nothing()).values()) == {None}


def test_backward_joins_what_readers_say_and_makes_it_coarser_once() -> None:
    (root,) = (outcome.value for outcome in core().results)
    inputs = {node.name: node for node in tape([root]) if isinstance(node, Input)}
    widened: list[int] = []

    def through(node: Node, fact: int) -> Iterable[tuple[Node, int]]:
        return every_operand(node, fact) if isinstance(node, Apply) else ()

    def coarser(fact: int) -> int:
        widened.append(fact)
        return min(fact, 3)

    paths = backward({root: 1}, through, int.__add__, coarser)
    assert paths[inputs["a"]] == 2  # by each of the factors
    assert inputs["p"] not in paths  # a selection of leaves passes nothing on
    assert len(widened) == len(paths)
    three = backward({root: 2}, through, int.__add__, coarser)
    assert three[inputs["a"]] == 3
