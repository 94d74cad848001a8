"""A node of core as mathematics, with indices where axes are known.

`read(node, places)` is the value of a node at a place: one index for each of its axes, or None for
a whole axis. So a sum over the classes writes its body at the class `k`, and a gather writes what
it takes from at the label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, tape
from lossdsl.core.show import operand_names
from lossdsl.formula.arithmetic import divided, multiplied
from lossdsl.formula.extents import Read, bare, is_run, size
from lossdsl.formula.math import (
    ZERO,
    Fence,
    Fraction,
    Indexed,
    Listed,
    Math,
    Phrase,
    Power,
    Product,
    Symbol,
)
from lossdsl.formula.symbols import constant
from lossdsl.selectors.selector import EVERYTHING, Selector
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim, RecordType, TreeType

Place = Math | None
Places = Sequence[Place]
Dims = tuple[Dim, ...]
Notation = Callable[["Reader", Apply, Places], Math]
"""How a function is written: from an operation and the places at which it is read."""
ANONYMOUS = "nmijlrsuvwabcdefghopqtxyz"


@dataclass(frozen=True)
class Reader:
    """What stands where a node is read: the letters in use, and what goes without saying.

    `masks` keep what is read, as the reduction around it says; `leaves` has the symbols of the
    leaves that trees are read at, `shared` the names of what is written elsewhere, and `chosen`
    the options of the definition that is read. `reads` notes where inputs are read.
    """

    graph: Graph
    notation: Mapping[str, Notation]
    named: Notation
    letters: frozenset[str] = frozenset()
    masks: frozenset[Node | None] = frozenset()
    leaves: Mapping[Node, Math] = field(default_factory=dict["Node", "Math"])
    shared: Mapping[Node, Math] = field(default_factory=dict["Node", "Math"])
    chosen: Mapping[str, object] = field(default_factory=dict[str, object])
    reads: list[Read] = field(default_factory=list["Read"])

    def dims(self, node: Node) -> Dims | None:
        """Return the axes of a node in the symbols of the text; None where they are not known."""
        match self.graph.types[node]:
            case ArrayType(dims=dims) | TreeType(leaves=(((), ArrayType(dims=dims)),)) if (
                dims is not None
            ):
                return tuple(map(self.graph.outward, dims))
            case _:
                return None

    def is_tree(self, node: Node) -> bool:
        """Whether a node is of leaves that are not read apart."""
        match self.graph.types[node]:
            case TreeType(leaves=(((), _),)):
                return False
            case type:
                return isinstance(type, TreeType | RecordType)

    def fresh(self, dim: Dim) -> tuple[Symbol, Math | None, Reader]:
        """Return an unused index along an axis, its number of elements, and the reader within.

        Nobody knows how many elements some parts of an axis have.
        """
        name = bare(dim.symbols[0]) if len(dim.symbols) == 1 else ""
        preferred = name.lower() if len(name) == 1 and name.isalpha() else ""
        letter, reader = self.letter(preferred)
        known = size(dim) or (Symbol(letter.name.upper()) if is_run(dim) else None)
        return letter, known, reader

    def letter(self, preferred: str = "") -> tuple[Symbol, Reader]:
        """Return an unused letter, and the reader where it is in use."""
        free = (letter for letter in preferred + ANONYMOUS if letter not in self.letters)
        letter = next(free, "")
        if not letter:
            at = next(at for at in range(1, 99) if f"n{at}" not in self.letters)
            letter = f"n{at}"
        return Symbol(letter), replace(self, letters=self.letters | {letter})

    def whole(self, node: Node) -> Math:
        """Return a node without indices."""
        return self.read(node, [None] * len(self.dims(node) or ()))

    def read(self, node: Node, places: Places) -> Math:
        """Return the mathematics of a node at a place."""
        if node in self.shared:
            return self._noted(self.shared[node], node, places)
        return self.body(node, places)

    def body(self, node: Node, places: Places) -> Math:
        """Return the mathematics of a node, whether it has a name or not."""
        match node:
            case Const(value):
                return placed(number(value), places, self.dims(node))
            case Input() | Leaves():
                return self._noted(self.name(node), node, places)
            case Apply(function) if node.undecided and (
                function.definitions or (node.option(AXIS) and not function.reduction)
            ):
                return self.named(self, node, places)
            case Apply(function):
                return self.notation.get(function.name, self.named)(self, node, places)

    def _noted(self, name: Math, node: Node, places: Places) -> Math:
        """Return an element of what has a name, and note where it is read."""
        dims = self.dims(node)
        if dims is not None and len(dims) == len(places):
            pairs = zip(places, dims, strict=True)
            self.reads.extend((at, dim) for at, dim in pairs if at is not None)
        return placed(name, places, dims)

    def name(self, node: Input | Leaves) -> Math:
        """Return what an input, or a part of one, is called."""
        if node in self.leaves:
            return self.leaves[node]
        if isinstance(node, Input):
            return Symbol(node.name)
        tree, selector = node.tree, node.selector
        base = self.name(tree) if isinstance(tree, Input | Leaves) else self.whole(tree)
        if selector.exact is None:
            return Indexed(base, tuple(map(Phrase, _selected(selector))))
        for key in selector.exact:
            if isinstance(base, Symbol):
                base = Symbol(f"{base.name}.{key}")
            else:
                base = Indexed(base, (Phrase(key),))
        return base

    def part(self, node: Node, places: Places) -> Math:
        """Return an operand that is broadcast, at its share of the places of the result."""
        return self.read(node, self.share(node, places))

    def share(self, node: Node, places: Places) -> Places:
        """Return the places of an operand that is broadcast, of those of the result."""
        dims = self.dims(node)
        if dims is None:
            return ()
        shared = list(places[max(len(places) - len(dims), 0) :])
        shared = [None] * (len(dims) - len(shared)) + shared
        return [ZERO if dim.is_one and at is not None else at
                for dim, at in zip(dims, shared, strict=True)]  # fmt: skip

    def matrix(self, left: Node, right: Node, places: Places) -> Math:
        """Return a matrix product; at a row and a column, the inner product of these two."""
        rows, columns = self.dims(left), self.dims(right)
        if rows and columns and (len(columns) <= 2 or len(rows) == len(columns)):
            row = [*places[: len(rows) - 1], None]
            column = [*places[: max(len(columns) - 2, 0)], None, *places[len(rows) - 1 :]]
            if any(place is not None for place in places) or len(rows) == len(columns) == 1:
                return _inner(self.read(left, row), self.read(right, column[: len(columns)]))
        return placed(multiplied([self.whole(left), self.whole(right)]), places, None)


def _selected(selector: Selector) -> Iterator[str]:
    """Yield what a selector says of the leaves that it takes."""
    if selector.patterns != EVERYTHING or selector.exclusions:
        yield selector.pattern_text
    for sign, rank in selector.ndim:
        yield f"ndim {_SIGNS.get(sign, sign)} {rank}"
    if selector.dtype is not None:
        yield selector.dtype


_SIGNS = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}


def number(value: object) -> Math:
    """Return a constant, a size, or several."""
    match value:
        case tuple():
            return Fence("list", Listed(tuple(map(number, value))))
        case Dim():
            return size(value) or Phrase("?")
        case bool() | int() | float() | None:
            return constant(value)
        case _:
            return Phrase(f"“{value}”")


def named_operands(node: Apply) -> list[tuple[str, Node]]:
    """Return the operands of an operation beside their parameters, without those left out."""
    names = [*operand_names(node), *[""] * len(node.arguments)]
    pairs = zip(names, node.arguments, strict=False)
    return [(name, argument) for name, argument in pairs if argument is not None]


def operands(node: Apply) -> dict[str, Node]:
    """Return the operands of an operation by parameter; of a variadic one the last."""
    return dict(named_operands(node))


def couples(node: Node) -> bool:
    """Whether a node written without indices would hide what goes with what."""
    pairing = {"matmul", "transpose", "permute", "normalize", "pairwise_distance", "one_hot"}
    for part in tape((node,)):
        match part:
            case Apply(function) if function.name in pairing:
                return True
            case Apply(function) if function.name == "index":
                items = part.option("items")
                if isinstance(items, tuple) and ("new",) in items:
                    return True
            case _:
                pass
    return False


def _inner(a: Math, b: Math) -> Math:
    """Return the inner product of two vectors; lengths that divide them stand below both."""
    match a, b:
        case Fraction(), Fraction():
            return divided(_inner(a.above, b.above), multiplied([a.below, b.below]))
        case _:
            return Product((Power(a, Symbol("⊤")), b))


def placed(base: Math, places: Places, dims: Dims | None) -> Math:
    """Return an element, row or column: whole axes at the end, and runs, go without saying."""
    known = dims is not None and len(dims) == len(places)
    indices = [
        at
        for axis, at in enumerate(places)
        if at is not None or not (known and dims is not None and is_run(dims[axis]))
    ]
    while indices and indices[-1] is None:
        indices.pop()
    return Indexed(base, tuple(indices)) if indices else base
