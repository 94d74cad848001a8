"""Integers where floats are wanted: what may outgrow 32 bits is computed in floats from the start.

A sum or a product of i32 that ends as a float is one of floats, whose size has no bound; one of
two, or a difference, is one only where it is large, else exact. What is counted, compared or
indexed with stays an integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import nan

from lossdsl.check.context import Context, Scope, Value
from lossdsl.check.core import Apply, Graph, Leaves, Node
from lossdsl.check.leaves import cast_node
from lossdsl.check.patterns import is_operand
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.forms import Form
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import LITERAL, ArrayType, TreeType, Type, kind

# Of what has these laws it makes no difference, but for rounding, where integers become floats.
_PASSED = {"monotone", "convex"}


def as_floats(context: Context, scope: Scope, value: Value, dtype: str, span: Span) -> Value:
    """Return integers that may outgrow 32 bits as floats of a dtype, any other value as it is."""
    if not context.concrete or kind(dtype) != "float" or not _whole(context.graph, value.node):
        return value
    made = _Floats(context.graph, dtype).converted(value.node)
    if made is value.node:
        return value
    return context.value(made, context.graph.types[made], span, scope)


def compared(context: Context, scope: Scope, value: Value, span: Span) -> Value:
    """Return a comparison of integers as one of floats where 32 bits do not hold the integers."""
    node = value.node
    if not context.concrete or not isinstance(node, Apply) or node.function.rounded is None:
        return value
    if _whole(context.graph, node):
        return value  # an index, unless it ends as a float
    made = _Floats(context.graph, context.default_float).rounded(node)
    return value if made is node else context.value(made, value.type, span, scope)


def unbounded(graph: Graph, root: Node) -> Apply | None:
    """Return a sum or a product of integers that an integer is computed from, if there is one."""
    waiting, seen = [root], {root}
    while waiting:
        node = waiting.pop()
        if isinstance(node, Leaves):
            waiting.append(node.tree)
        if not isinstance(node, Apply) or not _whole(graph, node):
            continue
        operands = [one for _, one in _read(node)]
        varying = [one for one in operands if any(map(_varies, _arrays(graph, one)))]
        if node.function.grows == "size" and len(varying) == len(operands):
            return node
        waiting += [one for one in varying if one not in seen]
        seen.update(varying)
    return None


def _varies(type: ArrayType) -> bool:
    return kind(type.dtype) == "int" and type.strength != LITERAL


def _whole(graph: Graph, node: Node) -> bool:
    """Say whether a node computes integers, or a tree with some."""
    computed = isinstance(node, (Apply, Leaves))
    return computed and any(kind(one.dtype) == "int" for one in _arrays(graph, node))


def _arrays(graph: Graph, node: Node) -> tuple[ArrayType, ...]:
    match graph.types[node]:
        case ArrayType() as type:
            return (type,)
        case TreeType(leaves=leaves):
            return tuple(leaf for _, leaf in leaves or ())
        case _:
            return ()


def _passed(function: Builtin) -> frozenset[str]:
    """Return the parameters whose elements a function adds up, multiplies or passes on."""
    if not (function.grows or _PASSED & {*function.laws}):
        return frozenset(function.keeps)
    return frozenset(
        one.name
        for one in function.signatures[0].parameters
        if isinstance(one.type, ast.ArrayTypeExpr) and one.type.dtype == "num"
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
    names = [one.name for one in parameters]
    if parameters and parameters[-1].variadic:
        names += names[-1:] * (len(node.arguments) - len(names))
    pairs = enumerate(zip(names, node.arguments, strict=False))
    return [(at, one) for at, (name, one) in pairs if one is not None and name in passed]


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
                return self._applied(node) if node.function.rounded is None else self.rounded(node)
            case Leaves(tree, selector) if (made := self.converted(tree)) is not tree:
                return self.graph.leaves(made, selector, self._real(self.graph.types[node]))
            case _:
                return node

    def _applied(self, node: Apply) -> Node:
        type, grows = self.graph.types[node], node.function.grows
        casts = grows or node.function.fills or isinstance(type, TreeType)
        arguments = list(node.arguments)
        for at, one in _read(node):
            inner = self.converted(one)
            arguments[at] = self._cast(inner) if casts else inner
        if arguments == list(node.arguments):
            return node
        real = self.graph.again(node, arguments, self._real(type))
        unary = node.function.elementwise and len(arguments) == 1
        return real if grows != "sign" or unary else self._choice([real], node, real)

    def rounded(self, node: Apply) -> Node:
        """Return a function of integers as it is of floats where an operand outgrows 32 bits."""
        operands = [one for one in node.arguments if one is not None]
        large = [made for one in operands if (made := self.converted(one)) is not one]
        if not large:
            return node
        type = self._real(self.graph.types[node])
        if node.function.rounded == "nan":
            real = self.graph.const(nan, ArrayType(self.dtype, (), LITERAL))
        else:
            floats = [self._cast(self.converted(one)) for one in operands]
            real = self.graph.again(node, floats, type)
        return self._choice(large, node, real)

    def _choice(self, sizes: Sequence[Node], whole: Node, real: Node) -> Node:
        """Return `whole` where 32 bits hold the integers that `sizes` round, else `real`."""
        choose, held = of_form(Form.CHOOSE), of_form(Form.HELD)
        type = self._real(self.graph.types[whole])
        for size in sizes:
            fits = self.graph.apply(held, [size], _mapped(self.graph.types[size], "bool"))
            whole = self.graph.apply(choose, [fits, whole, real], type)
        return whole

    def _real(self, type: Type) -> Type:
        return _mapped(type, self.dtype, only="int")

    def _cast(self, node: Node) -> Node:
        """Return integers as floats; a literal takes the dtype of what it meets."""
        type = self.graph.types[node]
        real = self._real(type)
        return node if real == type else cast_node(self.graph, node, real)
