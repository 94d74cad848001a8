"""Facts of the values of a program: one pass forward over the tape, or one backward.

An analysis says what is known of a constant, of what is passed, and of the result of an operation
whose operands are known; the driver composes it. Backward, it says what a fact about a result
means for what the result is computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from lossdsl.core.graph import Apply, Const, Input, Leaves, Node, operands, tape

Fact = TypeVar("Fact")


class Analysis(Protocol, Generic[Fact]):
    """What is known of a value: a fact of a lattice, made from those of the operands."""

    def constant(self, node: Const) -> Fact:
        """Return what is known of a number of the text."""
        ...

    def given(self, node: Input | Leaves) -> Fact:
        """Return what is known of an input, or of a selection of leaves, by its type."""
        ...

    def transfer(self, node: Apply, facts: Sequence[Fact | None]) -> Fact:
        """Return what is known of a result; the operand that was left out has no fact."""
        ...


def forward(roots: Iterable[Node], analysis: Analysis[Fact]) -> Mapping[Node, Fact]:
    """Return what is known of every value that the roots are computed from."""
    facts: dict[Node, Fact] = {}
    for node in tape(roots):
        match node:
            case Const():
                facts[node] = analysis.constant(node)
            case Input() | Leaves():
                facts[node] = analysis.given(node)
            case Apply(_, arguments):
                known = [None if argument is None else facts[argument] for argument in arguments]
                facts[node] = analysis.transfer(node, known)
    return facts


def backward(
    roots: Mapping[Node, Fact],
    transfer: Callable[[Node, Fact], Iterable[tuple[Node, Fact]]],
    join: Callable[[Fact, Fact], Fact],
) -> Mapping[Node, Fact]:
    """Return what follows from facts about roots for the values that they are computed from.

    `transfer` yields the operands of a value that its fact says something of; what several readers
    say of one value is joined. A value of which nothing is said has no entry.
    """
    facts = dict(roots)
    for node in reversed(tape(roots)):
        if node not in facts:
            continue
        for operand, fact in transfer(node, facts[node]):
            facts[operand] = join(facts[operand], fact) if operand in facts else fact
    return facts


def every_operand(node: Node, fact: Fact) -> Iterable[tuple[Node, Fact]]:
    """Yield a fact for all that a value is computed from."""
    return ((operand, fact) for operand in operands(node))
