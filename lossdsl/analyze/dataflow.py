"""Facts of the values of a program: one pass forward over the tape, or one backward.

Forward, an analysis says what is known of a constant, of what is passed, and of a result whose
operands are known; the driver composes it. Backward, it says what a fact about a result means for
what the result is computed from. Either looks at a value once, however often it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from lossdsl.core.graph import Apply, Const, Input, Leaves, Node, operands, tape

Fact = TypeVar("Fact")


class Analysis(Generic[Fact]):
    """What is known of a value: a fact of a lattice, made from those of the operands.

    Of what an analysis does not speak, the `bottom` is known: nothing.
    """

    bottom: ClassVar[Any] = None

    def constant(self, node: Const) -> Fact:
        """Return what is known of a number of the text."""
        return self.bottom

    def given(self, node: Input | Leaves) -> Fact:
        """Return what is known of an input, or of a selection of leaves, by its type."""
        return self.bottom

    def selected(self, node: Leaves, tree: Fact) -> Fact:
        """Return what is known of leaves of a tree of which something is known."""
        return self.given(node)

    def transfer(self, node: Apply, facts: Sequence[Fact | None]) -> Fact:
        """Return what is known of a result; the operand that was left out has no fact."""
        raise NotImplementedError


def forward(
    roots: Iterable[Node], analysis: Analysis[Fact], known: dict[Node, Fact] | None = None
) -> dict[Node, Fact]:
    """Return what is known of every value that the roots are computed from, in their order.

    What is `known` already, by an earlier pass, is taken as it is, and what is new is added to it.
    """
    facts: dict[Node, Fact] = {} if known is None else known
    for node in tape(roots, facts):
        match node:
            case Const():
                facts[node] = analysis.constant(node)
            case Input():
                facts[node] = analysis.given(node)
            case Leaves(tree):
                facts[node] = analysis.selected(node, facts[tree])
            case Apply(_, arguments):
                read = [None if argument is None else facts[argument] for argument in arguments]
                facts[node] = analysis.transfer(node, read)
    return facts


def backward(
    roots: Mapping[Node, Fact],
    transfer: Callable[[Node, Fact], Iterable[tuple[Node, Fact]]],
    join: Callable[[Fact, Fact], Fact],
    widen: Callable[[Fact], Fact] = lambda fact: fact,
) -> dict[Node, Fact]:
    """Return what follows from facts about roots for the values that they are computed from.

    `transfer` yields the operands of a value that its fact says something of; what several readers
    say of one value is joined, and, where they have said all, perhaps made coarser by `widen`. A
    value of which nothing is said has no entry.
    """
    facts = dict(roots)
    for node in reversed(tape(roots)):
        if node not in facts:
            continue
        facts[node] = widen(facts[node])
        for operand, fact in transfer(node, facts[node]):
            facts[operand] = join(facts[operand], fact) if operand in facts else fact
    return facts


def every_operand(node: Node, fact: Fact) -> Iterable[tuple[Node, Fact]]:
    """Yield a fact for all that a value is computed from."""
    return ((operand, fact) for operand in operands(node))
