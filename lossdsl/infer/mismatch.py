"""What stands in the way of an application, as a value: which operand, and how."""

from __future__ import annotations

from lossdsl.frozen import dataclass
from lossdsl.types.broadcast import BroadcastProblem
from lossdsl.types.types import Path, Type


@dataclass(frozen=True, slots=True)
class WrongDtype:
    """An operand whose dtype the function does not take."""

    operand: int
    expected: str
    given: str


@dataclass(frozen=True, slots=True)
class LiteralChanges:
    """A number that is written down and that the dtype it takes does not hold."""

    operand: int
    code: str
    change: str
    dtype: str


@dataclass(frozen=True, slots=True)
class RecordGiven:
    """A record where arrays are taken."""

    operand: int


@dataclass(frozen=True, slots=True)
class ArrayBesideTree:
    """An array that meets a tree, for which leaf is not clear."""

    operand: int
    tree: int


@dataclass(frozen=True, slots=True)
class StructuresDiffer:
    """Two trees whose leaves do not correspond; their paths in order."""

    left: int
    right: int
    left_paths: tuple[Path, ...]
    right_paths: tuple[Path, ...]


Problem = (
    WrongDtype
    | LiteralChanges
    | RecordGiven
    | ArrayBesideTree
    | StructuresDiffer
    | BroadcastProblem
)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A problem, and the types of the operands that have it: where trees meet, those of a leaf."""

    problem: Problem
    types: tuple[Type, ...]
