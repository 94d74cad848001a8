"""Values of 0 and 1 that a condition makes: a truth value, or what is chosen by one.

`where(c, 1.0, 0.0)`, `1 - where(c, 0.0, 1.0)` and `c` are one flag, in whatever shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne

from lossdsl.analyze.dataflow import Analysis
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node
from lossdsl.core.pattern import bare
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType


@dataclass(frozen=True, slots=True)
class Flag:
    """What is 1 where a condition, or a mask that is passed, is as said, and 0 elsewhere."""

    condition: Apply | Input | Leaves
    when: bool = True

    @property
    def opposite(self) -> Flag:
        """What is 1 where this is 0."""
        return Flag(self.condition, not self.when)


@dataclass(frozen=True)
class Flags(Analysis["Flag | None"]):
    """The flags among the values of a graph."""

    graph: Graph

    def given(self, node: Input | Leaves) -> Flag | None:
        """What is passed is one as truth values, or by its role."""
        return Flag(node) if is_mask(self.graph, node) or is_truth(self.graph, node) else None

    def transfer(self, node: Apply, facts: Sequence[Flag | None]) -> Flag | None:
        """Return what a comparison is, what is chosen by a flag, and what holds its elements."""
        if node.undecided or not facts or not isinstance(self.graph.types[node], ArrayType):
            return None
        match node:
            case Apply(Builtin(operator="not")):
                return facts[0] and facts[0].opposite
            case Apply(Builtin(operator="==" | "!=" | "<" | "<=" | ">" | ">=" as symbol)):
                return _compared(symbol, node, facts[0]) or Flag(node)
            case Apply(Builtin(form=Form.CHOOSE), (_, a, b)) if facts[0] is not None:
                if _is_number(a, 1) and _is_number(b, 0):
                    return facts[0]
                return facts[0].opposite if _is_number(a, 0) and _is_number(b, 1) else None
            case Apply(Builtin(operator="-"), (a, _)) if _is_number(a, 1):
                return facts[1] and facts[1].opposite
            case Apply(Builtin(operator="*"), (a, b)):
                return facts[1] if _is_number(a, 1) else facts[0] if _is_number(b, 1) else None
            case Apply(Builtin(form=Form.CAST)):
                return facts[0]
            case _:
                pass
        if len(node.function.keeps) == 1:
            return facts[0]
        return Flag(node) if node.function.elementwise and is_truth(self.graph, node) else None


def _compared(symbol: str, node: Apply, flag: Flag | None) -> Flag | None:
    """Return what the comparison of a flag with a number is: `m > 0` is `m`."""
    match node.arguments[1]:
        case Const(int() | float() as number) if flag is not None:
            at = [_HOLDS[symbol](value, number) for value in (0, 1)]
            return None if at[0] == at[1] else flag if at[1] else flag.opposite
        case _:
            return None


_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def is_mask(graph: Graph, node: Node) -> bool:
    """Say whether a value is an array of the role of a mask."""
    type = graph.types[node]
    return isinstance(type, ArrayType) and type.role == "mask" and type.rank != 0


def is_truth(graph: Graph, node: Node) -> bool:
    """Say whether a value is of truth values."""
    type = graph.types[node]
    return isinstance(type, ArrayType) and type.dtype == "bool"


def _is_number(node: Node | None, number: int) -> bool:
    match None if node is None else bare(node):
        case Const(int() | float() as value):
            return value == number and not isinstance(value, bool)
        case _:
            return False
