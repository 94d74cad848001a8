"""Integers that 32 bits may not hold: where they come from, and the same computed in floats."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.core.graph import Apply, Const, Graph, Leaves, Node, operands
from lossdsl.core.leaves import cast_node
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.function import is_operand
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.types.types import LITERAL, ArrayType, TreeType, Type, arrays_of, kind

# Of what has these laws it makes no difference, but for rounding, where integers become floats.
_PASSED = {"monotone", "convex"}


def in_floats(graph: Graph, node: Node, wide: str, dtype: str) -> Node:
    """Return a node computed in floats of a `wide` dtype, as a `dtype`, or itself."""
    if not _whole(graph, node):
        return node
    real = _Floats(graph, wide).converted(node)
    if real is node or wide == dtype:
        return real
    return cast_node(graph, real, _mapped(graph.types[real], dtype))


def unbounded(graph: Graph, root: Node, sums: bool = True) -> Apply | None:
    """Return a product, or with `sums` a sum, of inputs of 32 bits that a node is computed from."""
    waiting, seen = [root], {root}
    while waiting:
        node = waiting.pop()
        below = [
            operand for operand in operands(node) if _whole(graph, operand) and operand not in seen
        ]
        seen.update(below)
        waiting += below
        if not isinstance(node, Apply) or node.function.grows != "size":
            continue
        read = [operand for _, operand in _read(node)]
        if (sums or len(read) > 1) and all(_is_large(graph, operand) for operand in read):
            return node
    return None


def _is_large(graph: Graph, node: Node) -> bool:
    """Say whether a node has integers of any size: inputs of 32 bits, and what is made of them."""
    if not isinstance(node, Apply):
        wide = ("i32", "i64", "u32", "u64", "int")
        return not isinstance(node, Const) and any(
            array_type.dtype in wide for array_type in arrays_of(graph.types[node])
        )
    passes = node.function.grows or node.function.keeps
    return bool(passes) and any(_is_large(graph, operand) for _, operand in _read(node))


def _whole(graph: Graph, node: Node) -> bool:
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


def _read(node: Apply) -> list[tuple[int, Node]]:
    """Return the operands that a function adds up, multiplies or passes on, each with its place."""
    passed = _passed(node.function)
    parameters = list(filter(is_operand, node.function.signatures[0].parameters))
    names = [parameter.name for parameter in parameters]
    if parameters and parameters[-1].variadic:
        names += names[-1:] * (len(node.arguments) - len(names))
    pairs = enumerate(zip(names, node.arguments, strict=False))
    return [
        (at, argument) for at, (name, argument) in pairs if argument is not None and name in passed
    ]


class _Floats:
    """Conversions in one graph to one dtype, each node once."""

    def __init__(self, graph: Graph, dtype: str):
        self.graph, self.dtype = graph, dtype
        self.known: dict[Node, Node] = {}

    def converted(self, node: Node) -> Node:
        """Return a node as one of floats; itself if it cannot outgrow what it is."""
        if node not in self.known:
            self.known[node] = self._converted(node)
        return self.known[node]

    def _converted(self, node: Node) -> Node:
        match node:
            case Apply() if _whole(self.graph, node):
                return self._applied(node)
            case Leaves(tree, selector) if (made := self.converted(tree)) is not tree:
                return self.graph.leaves(made, selector, self._real(self.graph.types[node]))
            case _:
                return node

    def _applied(self, node: Apply) -> Node:
        type, grows = self.graph.types[node], node.function.grows
        casts = grows or node.function.fills or isinstance(type, TreeType)
        arguments = list(node.arguments)
        for at, operand in _read(node):
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
        """Say whether integers are what they are in 32 bits however they wrapped on the way.

        So are those that are added, multiplied or moved; of others, such as the largest of some
        that wrapped, nothing is known.
        """
        if not isinstance(node, Apply):
            return all(self._is_modular(operand) for operand in operands(node))
        linear = node.function.grows and "convex" not in node.function.laws
        if linear or node.function.keeps:
            return all(self._is_modular(operand) for _, operand in _read(node))
        return not any(self._outgrows(operand) for operand in operands(node))

    def _outgrows(self, node: Node) -> bool:
        """Say whether a node is computed by what may be outside of the range of its operands."""
        if not _whole(self.graph, node):
            return False
        grows = isinstance(node, Apply) and node.function.grows is not None
        return grows or any(self._outgrows(operand) for operand in operands(node))

    def _real(self, type: Type) -> Type:
        return _mapped(type, self.dtype, only="int")

    def _cast(self, node: Node) -> Node:
        """Return integers as floats; a literal takes the dtype of what it meets."""
        type = self.graph.types[node]
        real = self._real(type)
        return node if real == type else cast_node(self.graph, node, real)
