"""What a rule puts in the place of what it matches: core of an expression of the language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from lossdsl.core.graph import Apply, Const, Graph, Node, Place
from lossdsl.core.leaves import cast_node
from lossdsl.core.pattern import CARRIED, Match, Rest
from lossdsl.frozen import dataclass
from lossdsl.infer.elementwise_types import Operand, infer_elementwise
from lossdsl.infer.mismatch import Mismatch
from lossdsl.infer.reduction import Reduction, infer_reduction
from lossdsl.library.declare import Builtin, of_form, of_operator, primitives
from lossdsl.library.function import is_operand
from lossdsl.library.syntax_forms import Form
from lossdsl.specialize.casts import concrete, met
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, KEEPDIMS
from lossdsl.types.types import FLOATS, LITERAL, UNKNOWN, ArrayType, Type, array, kind, scalar


def replacement(
    graph: Graph, expr: ast.Expr, root: Apply, names: Match, place: Place, flat: bool
) -> Node | None:
    """Return an expression in the letters of a pattern that matched at a root; None if it has none.

    In flat core it has the type of the root, and conversions where operands meet.
    """
    type = graph.types[root]
    if flat and not isinstance(type, ArrayType):
        return None
    dtype = type.dtype if flat and isinstance(type, ArrayType) else None
    made = _Replacement(graph, names, place, dtype).node(expr, type)
    return made if dtype is None or _dtype(graph.types[made]) == dtype else None


@dataclass(frozen=True, slots=True)
class _Replacement:
    """The letters of a pattern and what they stand for, and the dtype to compute in: flat core."""

    graph: Graph
    names: Match
    place: Place
    dtype: str | None

    def node(self, expr: ast.Expr, type: Type | None = None) -> Node:
        """Return the node of an expression, of a type where that is known."""
        match expr:
            case ast.Name(name):
                return self._widened(cast("Node", self.names[name]))
            case ast.Literal(int() | float() as value):
                return self._number(value)
            case ast.Sum((first, *rest)):
                pairs = [(addend.sign, addend.value) for addend in rest]
                return self._chain(first.value, pairs, type)
            case ast.Product(first, rest):
                return self._chain(first, [(f.operator, f.value) for f in rest], type)
            case ast.Comparison(first, (link,)):
                return self._elementwise(of_operator(link.operator), [first, link.value], type)
            case ast.Unary("-", ast.Literal(int() | float() as value)):
                return self._number(-value)
            case ast.Unary("-", operand):
                return self._elementwise(of_operator("neg"), [operand], type)
            case ast.Call(function, arguments):
                builtin = primitives()[function]
                if builtin.elementwise:
                    return self._elementwise(builtin, arguments, type)
                return self._call(builtin, arguments, type)
            case _:
                raise AssertionError(expr)

    def _number(self, value: float) -> Node:
        dtype = "int" if isinstance(value, int) else "float"
        return self.graph.const(value, scalar(dtype, LITERAL))

    def _chain(
        self, first: ast.Expr, rest: Sequence[tuple[str, ast.Expr]], type: Type | None
    ) -> Node:
        *before, (symbol, last) = rest
        left = self._chain(first, before, None) if before else self.node(first)
        return self._applied(of_operator(symbol), [left, self.node(last)], type)

    def _elementwise(
        self, function: Builtin, operands: Sequence[ast.Expr], type: Type | None
    ) -> Node:
        return self._applied(function, [self.node(operand) for operand in operands], type)

    def _applied(self, function: Builtin, operands: Sequence[Node], type: Type | None) -> Node:
        """Return an elementwise function of operands, which are converted to where they meet."""
        if type is None:
            type = self._type(function, operands)
        if self.dtype is not None:
            operands = met(self.graph, function, operands, type, self.dtype)
        return self._made(function, operands, type, {})

    def _type(self, function: Builtin, operands: Sequence[Node]) -> Type:
        types = [self.graph.types[operand] for operand in operands]
        numbers = [node.value if isinstance(node, Const) else None for node in operands]
        known = [
            Operand(type, number if isinstance(number, int | float) else None, rounds=True)
            for type, number in zip(types, numbers, strict=True)
        ]
        inferred = infer_elementwise(function, known, self.dtype or "float")
        if isinstance(inferred, Mismatch):
            return UNKNOWN
        return inferred if self.dtype is None else concrete(inferred, self.dtype)

    def _call(self, function: Builtin, arguments: Sequence[ast.Expr], type: Type | None) -> Node:
        """Return a function of axes, given what the calls of the pattern are given."""
        beyond, options = cast("Rest", self.names[CARRIED])
        (operand,) = arguments
        if not function.reduction:
            inner = self.node(operand)
            return self._along(function, inner, beyond, dict(options), type)
        # What is reduced is widened by the reduction.
        inner = self._read(operand)
        mask = beyond[0]
        if mask is not None:
            keep = of_form(Form.KEEP)
            # The mask of a reduction fits what is reduced, under whatever names of sizes.
            kept = self.graph.types[inner]
            fill = 0 if kind(_dtype(kept) or "") == "int" else 0.0
            inner = self._made(keep, [mask, inner], kept, {"fill": fill})
        if type is None:
            type = self._reduced(function, inner, dict(options))
        operands = [inner, mask, None] if function.weighted else [inner, mask]
        if function.weighted:
            options = (*options, ("normalize", "weight"))
        return self._made(function, operands, type, dict(options))

    def _read(self, operand: ast.Expr) -> Node:
        if isinstance(operand, ast.Name):
            return cast("Node", self.names[operand.id])
        return self.node(operand)

    def _reduced(self, function: Builtin, inner: Node, options: dict[str, object]) -> Type:
        read = self.graph.types[inner]
        if not isinstance(read, ArrayType):
            return UNKNOWN
        axes = options.get(AXIS)
        whole = Reduction(function, keepdims=bool(options.get(KEEPDIMS)))
        if axes is not None and not isinstance(axes, tuple):
            return UNKNOWN
        return infer_reduction(whole, read, axes, self.dtype or "float")

    def _along(
        self,
        function: Builtin,
        inner: Node,
        beyond: Sequence[Node | None],
        options: dict[str, object],
        type: Type | None,
    ) -> Node:
        """Return a function that keeps the axes along which it works."""
        read = self.graph.types[inner]
        operands = [inner, *beyond]
        if KEEPDIMS in options:  # of a reduction: the other operands are those that are left out
            rank = read.rank if isinstance(read, ArrayType) else None
            axes = options[AXIS]
            if axes is None:
                axes = "all" if rank is None else tuple(range(rank))
            options = {AXIS: axes}
            parameters = filter(is_operand, function.signatures[0].parameters)
            operands = [inner, *(self._default(each) for each in list(parameters)[1:])]
        if type is None:
            type = replace(read, role=None) if isinstance(read, ArrayType) else read
        return self._made(function, operands, type, options)

    def _default(self, parameter: ast.Parameter) -> Node | None:
        match parameter.default:
            case ast.Literal(int() | float() as value):
                return self.graph.const(float(value), scalar("float", LITERAL))
            case _:
                return None

    def _widened(self, node: Node) -> Node:
        """Return what is narrower than the result, or no float, in the dtype of the result."""
        type = self.graph.types[node]
        if self.dtype is None or not isinstance(type, ArrayType) or isinstance(node, Const):
            return node
        narrower = type.dtype not in FLOATS or FLOATS.index(type.dtype) < FLOATS.index(self.dtype)
        return cast_node(self.graph, node, array(self.dtype, type.dims)) if narrower else node

    def _made(
        self,
        function: Builtin,
        operands: Sequence[Node | None],
        type: Type,
        options: dict[str, object],
    ) -> Node:
        before = len(self.graph.types)
        undecided = self.dtype is None and not function.elementwise and not options.get(AXIS)
        made = self.graph.apply(function, operands, type, options, undecided)
        if len(self.graph.types) > before:
            self.graph.places[made] = [self.place]
        return made


def _dtype(type: Type) -> str | None:
    return type.dtype if isinstance(type, ArrayType) else None
