"""What a spec means: core, a hash-consed graph of four kinds of nodes.

Equal nodes are one object, so sharing is the representation. Every consumer is a loop over the
tape, which lists operands before the operations that read them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import field
from typing import Any, cast

from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval
from lossdsl.selectors import Selector
from lossdsl.source import Span
from lossdsl.syntax.ast import Expr, identity
from lossdsl.syntax.options import AXIS
from lossdsl.types.dims import substitute, symbol_dim
from lossdsl.types.types import UNKNOWN_DIM, ArrayType, Dim, Type, kind


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A number, a boolean, a dim whose size is not known yet, or a tuple of numbers and dims.

    `sizes` are the dims that a number was computed from; 4 and a `B` that is 4 today differ.
    """

    value: int | float | bool | Dim | tuple[int | float | Dim, ...]
    sizes: frozenset[Dim] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """A declared or inferred input."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Leaves:
    """The selected part of a tree: an array where the selector is the exact path of a leaf."""

    tree: Node
    selector: Selector


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """A primitive, its operands in the order of its signature (None: left out), its options.

    While it is `undecided` what a call becomes, since types are not known, the function is the one
    that is called, perhaps a definition, and the operands of its options follow its own; the option
    `reads` names those. Flat core has none.
    """

    function: Builtin
    arguments: tuple[Node | None, ...]
    options: tuple[tuple[str, object], ...] = ()
    undecided: bool = False

    def option(self, name: str) -> object:
        """Return the value of a static option, or None."""
        return dict(self.options).get(name)

    def options_at(self, leaf: int) -> dict[str, Any]:
        """Return the options for one leaf of a tree that the operation maps over.

        An elementwise function has the same for every leaf, a reduction has axes for each, and
        of any other every option is given leaf by leaf.
        """
        options: dict[str, Any] = dict(self.options)
        if self.function.elementwise:
            return options
        each = (AXIS,) if self.function.reduction else tuple(options)
        return {**options, **{name: options[name][leaf] for name in each}}


Node = Const | Input | Leaves | Apply


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node was written, and through which calls of definitions it came to be."""

    span: Span
    calls: tuple[tuple[str, Span], ...] = ()


@dataclasses.dataclass(repr=False)
class Graph:
    """The nodes of one program, made by `const`, `input`, `leaves` and `apply` only.

    `watched` has what a debug build looks at. `outer` says for which dim of its caller each symbol
    of an expanded definition stands. `sizes` has what symbols stand for whose number no call
    shows, as under `jax.export`. `bodies` says of which definition a value is the body, so that
    what is declared of it holds. `ranges` has where inputs are declared to lie, in flat core.
    """

    types: dict[Node, Type] = field(default_factory=dict["Node", "Type"])
    outer: dict[str, Dim] = field(default_factory=dict[str, Dim])
    sizes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    bodies: dict[Node, Builtin] = field(default_factory=dict["Node", "Builtin"])
    ranges: Mapping[str, Interval] = field(default_factory=dict[str, Interval])
    places: dict[Node, list[Place]] = field(default_factory=dict["Node", "list[Place]"])
    watched: list[Any] = field(default_factory=list["Any"])
    _known: dict[object, Node] = field(default_factory=dict["object", "Node"])

    def const(
        self,
        value: int | float | bool | Dim | tuple[int | float | Dim, ...],
        type: Type,
        sizes: frozenset[Dim] = frozenset(),
    ) -> Node:
        """Return the node of a constant."""
        parts = tuple(map(identity, value)) if isinstance(value, tuple) else identity(value)
        return self._node(("const", parts, str(type), sizes), lambda: Const(value, sizes), type)

    def input(self, name: str, type: Type) -> Node:
        """Return the node of an input."""
        return self._node(("input", name), lambda: Input(name), type)

    def leaves(self, tree: Node, selector: Selector, type: Type) -> Node:
        """Return the node of a selection."""
        return self._node(("leaves", id(tree), selector), lambda: Leaves(tree, selector), type)

    def size(self, dim: Dim) -> Any:
        """Return what a dim is worth at a call, a number or a size of JAX; None while unknown."""
        if dim.known is not None or dim.constant is None:
            return dim.known
        values = {
            symbol: self.sizes[symbol]
            if symbol in self.sizes
            else self.size(self.outer.get(symbol, UNKNOWN_DIM))
            for symbol in dim.symbols
        }
        return None if None in values.values() else dim.polynomial.evaluated(values)

    def outward(self, dim: Dim) -> Dim:
        """Return a dim in the symbols of the text: those of a definition stand for its caller's."""
        while dim.constant is not None and any(symbol in self.outer for symbol in dim.symbols):
            dim = substitute(dim.polynomial, lambda name: self.outer.get(name, symbol_dim(name)))
        return dim

    def dims(self, node: Node) -> tuple[Dim, ...]:
        """Return the dims of an array; none of a tree, or where they are not known."""
        type = self.types[node]
        return (type.dims or ()) if isinstance(type, ArrayType) else ()

    def outer_dims(self, node: Node) -> list[Dim]:
        """Return the dims of an array in the symbols of the text."""
        return [self.outward(dim) for dim in self.dims(node)]

    def kind(self, node: Node) -> str | None:
        """Return the kind of an array's numbers, such as `"float"`; None of a tree."""
        type = self.types[node]
        return kind(type.dtype) if isinstance(type, ArrayType) else None

    def again(self, node: Apply, arguments: Iterable[Node | None], type: Type) -> Node:
        """Return the same operation on other operands, written at the same places."""
        options = dict(node.options)
        made = self.apply(node.function, arguments, type, options, node.undecided)
        if node in self.places:
            self.places.setdefault(made, self.places[node])
        return made

    def apply(
        self,
        function: Builtin,
        arguments: Iterable[Node | None],
        type: Type,
        options: Mapping[str, object] | None = None,
        undecided: bool = False,
    ) -> Node:
        """Return the node of an operation."""
        operands = tuple(arguments)
        given = tuple(sorted((options or {}).items()))
        identities = tuple((name, _option_key(value)) for name, value in given)
        key = ("apply", id(function), undecided, tuple(map(id, operands)), identities)
        return self._node(key, lambda: Apply(function, operands, given, undecided), type)

    def _node(self, key: object, make: Callable[[], Node], type: Type) -> Node:
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = make()
            self.types[node] = type
        return node


def _option_key(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_option_key(item) for item in value)  # type: ignore[misc]
    return identity(value)


def operands(node: Node) -> tuple[Node, ...]:
    """Return the nodes that a node reads."""
    if isinstance(node, Apply):
        if None in node.arguments:
            return tuple(argument for argument in node.arguments if argument is not None)
        return cast("tuple[Node, ...]", node.arguments)
    return (node.tree,) if isinstance(node, Leaves) else ()


def tape(roots: Iterable[Node], known: Container[Node] = ()) -> list[Node]:
    """Return every node that the roots read, operands first, left to right; none that is known."""
    order: list[Node] = []
    seen: set[Node] = set()
    # A node, or in a tuple one whose operands are ahead of it.
    stack: list[Node | tuple[Node]] = [*reversed(list(roots))]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            order.append(node[0])
        elif node not in seen and node not in known:
            seen.add(node)
            stack.append((node,))
            stack += reversed(operands(node))
    return order


def inputs_of(*roots: Node) -> set[Input]:
    """Return the inputs that the roots read."""
    return {node for node in tape(roots) if isinstance(node, Input)}


@dataclass(frozen=True, slots=True)
class Combine:
    """How a term combines over micro-batches.

    `kind` is `constant` (reads no batch), `mean` or `sum` (one reduction, perhaps scaled),
    `function` (a function of several reductions) or `whole` (cannot be split).
    """

    kind: str
    reductions: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """One addend of a result; `factors` are those of the text that are no weight."""

    name: str
    raw: Node
    weight: Node
    weighted: Node
    combine: Combine
    span: Span
    factors: Expr


@dataclass(frozen=True, slots=True)
class Outcome:
    """One named result (`loss` when it has no name of its own) with its terms."""

    name: str
    value: Node
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Core:
    """A checked program; `ranges` has where inputs are declared to lie."""

    graph: Graph
    inputs: Mapping[str, Type]
    results: tuple[Outcome, ...]
    metrics: Mapping[str, Node]
    metric_combines: Mapping[str, Combine] = field(default_factory=dict[str, Combine])
    ranges: Mapping[str, Interval] = field(default_factory=dict[str, Interval])

    @property
    def roots(self) -> tuple[Node, ...]:
        """Everything that is asked of a program: results, terms with their weights, metrics."""
        terms = [term for outcome in self.results for term in outcome.terms]
        parts = [node for term in terms for node in (term.raw, term.weight, term.weighted)]
        return (*(outcome.value for outcome in self.results), *parts, *self.metrics.values())
