"""The body of an emitted loss: flat core as statements, in the order in which it is computed.

What several read, what has a name in the spec, and what is too long for a line has a name. All
else stands where it is read: statements are in the order of the tape, so that gradients are added
up in the order in which the compiled loss adds them up.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import jax
import jax.numpy as jnp
import numpy as np

from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, Place, operands, tape
from lossdsl.lower.foreign import python_arguments
from lossdsl.lower.jax_dtypes import jax_dtype
from lossdsl.polynomial import Polynomial
from lossdsl.standalone.emitted_file import Block
from lossdsl.standalone.expression_text import text
from lossdsl.standalone.read_calls import KernelReader
from lossdsl.standalone.values import Code, codes, dotted, expression, name, unwrapped
from lossdsl.types.size_guards import GuardedSize
from lossdsl.types.types import ArrayType, Dim, Type

# An expression that is longer has a name.
_LONG = 60
_CALL = re.compile(r"([A-Za-z_]\w*)\(")
_RESULTS = {"+": "total", "-": "difference", "*": "product", "/": "ratio", "**": "power"}


def _called(graph: Graph, order: Sequence[Node]) -> dict[Node, str]:
    """Return the names of the functions whose calls, in the text or a definition, have a value."""
    last: dict[Place, Node] = {}
    for node in order:
        last |= dict.fromkeys(graph.places.get(node, ()), node)
    words = {place: _call_of(place.span.text) for place in last}
    return {last[place]: word for place, word in words.items() if word is not None}


def _call_of(text: str) -> str | None:
    """Return the name of the function that a text calls, if it is one call and nothing else.

    >>> _call_of("_half(x - (y))"), _call_of("f(x) - g(y)")
    ('half', None)
    """
    called = _CALL.match(text)
    if called is None:
        return None
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and not depth:
            return called[1].strip("_") if at == len(text) - 1 else None
    return None


class Body:
    """Writes the values of nodes into a block; `names` has those that the spec names."""

    def __init__(
        self,
        core: Graph,
        graph: Graph,
        inputs: Mapping[str, Any],
        reader: KernelReader,
        block: Block,
        names: Mapping[Node, str],
        sizes: Mapping[str, ast.expr],
    ):
        self.core, self.graph, self.inputs = core, graph, inputs
        self.reader, self.block = reader, block
        self.names, self.sizes = names, sizes
        self.values: dict[Node, Any] = {}
        self.pending: list[Node] = []
        self.calls: Mapping[Node, str] = {}

    def write(self, roots: Sequence[Node]) -> list[Any]:
        """Write what the roots need; return them."""
        order = tape(roots)
        self.calls = _called(self.graph, order)
        readers = Counter(operand for node in order for operand in operands(node))
        for node in order:
            match node:
                case Const(value):
                    self.values[node] = self._constant(node, value, self.graph.types[node])
                case Input(word):
                    self.values[node] = self.inputs[word]
                case Apply():
                    self._apply(node, readers[node])
                case Leaves():
                    raise AssertionError("selected when core was made flat")
                case _:
                    assert_never(node)
        return [self.values[root] for root in roots]

    def _apply(self, node: Apply, readers: int) -> None:
        given = tuple(
            None if argument is None else self.values[argument] for argument in node.arguments
        )
        self._shorten(node)
        given = tuple(
            None if argument is None else self.values[argument] for argument in node.arguments
        )
        start = len(self.block.statements)
        options = {word: self._option(value) for word, value in node.options}
        if node.function.foreign:
            value = self._foreign(node, given, options)
        else:
            value = self.reader.apply(node.function, given, options, self.block)
        if len(self.block.statements) > start:
            hoisted = self.block.statements[start:]
            del self.block.statements[start:]
            self._flush(operands(node))
            self.block.statements += hoisted
        self.pending = [other for other in self.pending if other not in operands(node)]
        self.values[node] = value
        if not any(code.is_array and not code.is_atom for code in codes(value)):
            return
        self.pending.append(node)
        if isinstance(value, Code):
            if readers > 1 or node in self.names or len(text(value.expr)) > _LONG:
                self._flush(())
        elif readers > 1:
            self._flush(())

    def _foreign(self, node: Apply, given: Sequence[Any], options: dict[str, Any]) -> Code:
        """Return a call of a function that a user wrote, carried into the file."""
        function = node.function
        called = name(self.reader.file.carried[function])
        positional, keywords = tuple(given), options
        if function.python:
            arguments = OrderedDict(python_arguments(self.graph, node, given))
            passed = inspect.BoundArguments(inspect.signature(function.kernel), arguments)
            positional, keywords = passed.args, passed.kwargs
        value = function.kernel(*unwrapped(positional), **unwrapped(dict(keywords)))
        written = [ast.keyword(word, expression(part)) for word, part in keywords.items()]
        expr = ast.Call(called, list(map(expression, positional)), written)
        if function.python and not isinstance(value, jax.Array):
            return Code(jnp.asarray(value), ast.Call(dotted("jnp.asarray"), [expr], []))
        return Code(value, expr)

    def _shorten(self, node: Apply) -> None:
        """Name operands that would make too long an expression of an operation."""
        shown = {
            operand: text(value.expr)
            for operand in operands(node)
            if isinstance(value := self.values[operand], Code)
        }
        if sum(map(len, shown.values())) > _LONG and any(
            operand in self.pending for operand in shown
        ):
            self._flush(())

    def _flush(self, kept: Sequence[Node]) -> None:
        """Name what is computed so far, but for what an operation is about to read."""
        for node in [other for other in self.pending if other not in kept]:
            value = self.values[node]
            word = self.names.get(node) or self._word(node)
            self.values[node] = self._assigned(word, value)
            self.pending.remove(node)

    def _assigned(self, word: str, value: Any) -> Any:
        match value:
            case Code():
                return self.block.assign(word, value)
            case list() | tuple():
                parts = [self._assigned(word, part) for part in value]
                return parts if isinstance(value, list) else tuple(parts)
            case _:
                return value

    def _word(self, node: Node) -> str:
        """Return a name for a value: that of the call whose value it is, else of the operation."""
        if node in self.calls and not hasattr(builtins, self.calls[node]):
            return self.calls[node]
        assert isinstance(node, Apply)
        function = node.function
        if function.operator in _RESULTS:
            return _RESULTS[function.operator]
        type = self.graph.types[node]
        if isinstance(type, ArrayType) and type.dtype == "bool":
            return "mask"
        factory = function.factory
        return function.name if factory is None else factory.__name__

    def _constant(self, node: Const, value: Any, type: Type) -> Any:
        if isinstance(value, tuple):
            assert isinstance(type, ArrayType)
            dtype = jax_dtype(type.dtype)
            numbers = [self._option(item) for item in value]
            array = np.asarray([unwrapped(number) for number in numbers], dtype)
            written = [expression(numbers), expression(np.dtype(dtype))]
            return Code(jnp.asarray(array), ast.Call(dotted("jnp.array"), written, []))
        if isinstance(value, GuardedSize):
            return self._option(value)
        if len(node.sizes) == 1:
            size = self._declared(value, *node.sizes)
            if size is not None:
                return size
        # A size that no int32 holds is exact enough as a number.
        large = isinstance(value, int) and abs(value) >= 2**31
        return float(value) if large else value

    def _declared(self, value: Any, dim: Dim) -> Code | None:
        """Return a number that is a size of the text as it is read off an input."""
        dim = self.core.outward(dim)
        known = dim.constant is not None and dim.terms and set(dim.symbols) <= set(self.sizes)
        if not known or self.core.size(dim) != value:
            return None
        size = self._polynomial(dim.polynomial)
        return Code(
            value, ast.Call(name("float"), [size], []) if isinstance(value, float) else size
        )

    def _option(self, value: Any) -> Any:
        """Return an option; a size of the call as it is read off an input."""
        match value:
            case GuardedSize():
                return Code(int.__int__(value), self._polynomial(value.polynomial))
            case tuple():
                return tuple(map(self._option, value))
            case _:
                return value

    def _polynomial(self, size: Polynomial) -> ast.expr:
        """Return a size as it is computed from those of the inputs."""
        parts: list[ast.expr] = []
        for product, factor in size.terms:
            factors = [self.sizes[symbol] for symbol in product]
            if abs(factor) != 1:
                factors = [expression(abs(factor)), *factors]
            part = factors[0]
            for other in factors[1:]:
                part = ast.BinOp(part, ast.Mult(), other)
            parts.append(ast.UnaryOp(ast.USub(), part) if factor < 0 else part)
        if size.constant:
            parts.append(expression(size.constant))
        total = parts[0]
        for part in parts[1:]:
            total = ast.BinOp(total, ast.Add(), part)
        return total
