"""Integers that 32 bits may not hold: where they come from, and the same computed in floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from lossdsl.analyze.dataflow import Analysis, forward
from lossdsl.analyze.outputs import operand_names
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node
from lossdsl.core.leaves import cast_node
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.types.types import LITERAL, ArrayType, TreeType, Type, arrays_of, kind

# Of what has these laws it makes no difference, but for rounding, where integers become floats.
_PASSED = {"monotone", "convex"}


def in_floats(graph: Graph, node: Node, wide: str, dtype: str) -> Node:
    """Return a node computed in floats of a `wide` dtype, as a `dtype`, or itself."""
    if not is_whole(graph, node):
        return node
    real = _Floats(graph, wide).converted(node)
    if real is node or wide == dtype:
        return real
    return cast_node(graph, real, _mapped(graph.types[real], dtype))


@dataclass(frozen=True, slots=True)
class Whole:
    """What is known of the integers of a value.

    They are `large` where they may be of any size: inputs of 32 bits, and what is made of them.
    They are `modular` where they are what they are in 32 bits however they wrapped on the way, and
    `grown` where what they are computed of may be outside of the range of its operands.
    """

    large: bool = False
    modular: bool = True
    grown: bool = False


@dataclass(frozen=True)
class WholeNumbers(Analysis[Whole]):
    """What is known of the integers of a graph."""

    graph: Graph
    bottom: ClassVar[Whole] = Whole()

    def given(self, node: Input | Leaves) -> Whole:
        return Whole(large=self._wide(node))

    def selected(self, node: Leaves, tree: Whole) -> Whole:
        grown = tree.grown and is_whole(self.graph, node)
        return Whole(self._wide(node), tree.modular, grown)

    def _wide(self, node: Node) -> bool:
        return any(array.dtype in _WIDE for array in arrays_of(self.graph.types[node]))

    def transfer(self, node: Apply, facts: Sequence[Whole | None]) -> Whole:
        function, read = node.function, [facts[at] or Whole() for at, _ in read_operands(node)]
        grown = any(fact is not None and fact.grown for fact in facts)
        passes = bool(function.grows or function.keeps)
        # So are those that are added, multiplied or moved; of others, such as the largest of some
        # that wrapped, nothing is known.
        linear = (function.grows and "convex" not in function.laws) or function.keeps
        return Whole(
            passes and any(fact.large for fact in read),
            all(fact.modular for fact in read) if linear else not grown,
            (function.grows is not None or grown) and is_whole(self.graph, node),
        )


_WIDE = ("i32", "i64", "u32", "u64", "int")


def is_whole(graph: Graph, node: Node) -> bool:
    """Say whether a node has integers, or is a tree with some; a number that is written has not."""
    return not isinstance(node, Const) and any(
        kind(array_type.dtype) == "int" for array_type in arrays_of(graph.types[node])
    )


def _passed(function: Builtin) -> frozenset[str]:
    """Return the parameters whose elements a function adds up, multiplies or passes on."""
    if not (function.grows or _PASSED & {*function.laws}):
        return frozenset(function.keeps)
    return frozenset(
        parameter.name
        for parameter in function.signatures[0].parameters
        if isinstance(parameter.type, ast.ArrayTypeExpr) and parameter.type.dtype == "num"
    )


def _mapped(type: Type, dtype: str, only: str | None = None) -> Type:
    """Return a type with another dtype, of its leaves if it is a tree; `only` those of a kind."""
    match type:
        case ArrayType() if only is None or (kind(type.dtype) == only and type.strength != LITERAL):
            return replace(type, dtype=dtype)
        case TreeType(leaves=leaves) if leaves is not None:
            mapped = ((path, _mapped(leaf, dtype, only)) for path, leaf in leaves)
            return replace(type, leaves=tuple(mapped))
        case _:
            return type


def read_operands(node: Apply) -> list[tuple[int, Node]]:
    """Return the operands that a function adds up, multiplies or passes on, each with its place."""
    pairs = zip(operand_names(node), node.arguments, strict=False)
    passed = _passed(node.function)
    return [(at, operand) for at, (name, operand) in enumerate(pairs) if operand and name in passed]


class _Floats:
    """Conversions in one graph to one dtype, each node once."""

    def __init__(self, graph: Graph, dtype: str):
        self.graph, self.dtype = graph, dtype
        self.known: dict[Node, Node] = {}
        self.facts: dict[Node, Whole] = {}

    def converted(self, node: Node) -> Node:
        """Return a node as one of floats; itself if it cannot outgrow what it is."""
        if node not in self.known:
            self.known[node] = self._converted(node)
        return self.known[node]

    def _converted(self, node: Node) -> Node:
        match node:
            case Apply() if is_whole(self.graph, node):
                return self._applied(node)
            case Leaves(tree, selector) if (made := self.converted(tree)) is not tree:
                return self.graph.leaves(made, selector, self._real(self.graph.types[node]))
            case _:
                return node

    def _applied(self, node: Apply) -> Node:
        type, grows = self.graph.types[node], node.function.grows
        casts = grows or node.function.fills or isinstance(type, TreeType)
        arguments = list(node.arguments)
        for at, operand in read_operands(node):
            inner = self.converted(operand)
            arguments[at] = self._cast(inner) if casts else inner
        if arguments == list(node.arguments):
            return node
        real = self.graph.again(node, arguments, self._real(type))
        unary = node.function.elementwise and len(arguments) == 1
        if grows != "sign" or unary or not self._is_modular(node):
            return real
        # A sum of two and a difference are exact, however their operands wrapped, if they fit.
        held = of_form(Form.HELD)
        fits = self.graph.apply(held, [real], _mapped(self.graph.types[real], "bool"))
        return self.graph.apply(of_form(Form.CHOOSE), [fits, node, real], self._real(type))

    def _is_modular(self, node: Node) -> bool:
        return forward([node], WholeNumbers(self.graph), self.facts)[node].modular

    def _real(self, type: Type) -> Type:
        return _mapped(type, self.dtype, only="int")

    def _cast(self, node: Node) -> Node:
        """Return integers as floats; a literal takes the dtype of what it meets."""
        type = self.graph.types[node]
        real = self._real(type)
        return node if real == type else cast_node(self.graph, node, real)
