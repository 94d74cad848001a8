"""Integers where floats are wanted: what may outgrow 32 bits is computed in floats from the start.

A sum or a product of i32 that ends as a float is one of floats, whose size has no bound; one of
two, or a difference, is one only where it is large, else exact. What is counted, compared or
indexed with stays an integer.
"""

from __future__ import annotations

from dataclasses import replace

from lossdsl.check.context import Context, Scope, Value
from lossdsl.check.core import Apply, Graph, Node
from lossdsl.check.patterns import is_operand
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.forms import Form
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import LITERAL, ArrayType, array, kind

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


def _whole(graph: Graph, node: Node) -> bool:
    type = graph.types[node]
    return isinstance(node, Apply) and isinstance(type, ArrayType) and kind(type.dtype) == "int"


def _passed(function: Builtin) -> frozenset[str]:
    """Return the parameters whose elements a function adds up, multiplies or passes on."""
    if not (function.grows or _PASSED & {*function.laws}):
        return frozenset(function.keeps)
    return frozenset(
        one.name
        for one in function.signatures[0].parameters
        if isinstance(one.type, ast.ArrayTypeExpr) and one.type.dtype == "num"
    )


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
        if not isinstance(node, Apply) or not _whole(self.graph, node):
            return node
        passed = _passed(node.function)
        operands = list(filter(is_operand, node.function.signatures[0].parameters))
        names = [one.name for one in operands]
        if operands and operands[-1].variadic:
            names += names[-1:] * (len(node.arguments) - len(names))
        arguments = list(node.arguments)
        for at, (name, one) in enumerate(zip(names, arguments, strict=False)):
            if one is not None and name in passed:
                inner = self.converted(one)
                arguments[at] = self._cast(inner) if node.function.grows else inner
        if arguments == list(node.arguments):
            return node
        type = self.graph.types[node]
        assert isinstance(type, ArrayType)
        type = replace(type, dtype=self.dtype)
        real = self.graph.again(node, arguments, type)
        if node.function.grows != "sign" or (len(operands) == 1 and node.function.elementwise):
            return real
        return self.graph.apply(of_form(Form.EXACT), [node, real], type)

    def _cast(self, node: Node) -> Node:
        """Return integers as floats; a literal takes the dtype of what it meets."""
        type = self.graph.types[node]
        if not isinstance(type, ArrayType) or kind(type.dtype) != "int" or type.strength == LITERAL:
            return node
        cast = of_form(Form.CAST)
        return self.graph.apply(cast, [node], array(self.dtype, type.dims), {"dtype": self.dtype})
