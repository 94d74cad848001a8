"""Conversions written out: every operand in the dtype in which its function computes.

Numbers of the text stay numbers, which take the dtype of the arrays that they meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from lossdsl.core.graph import Const, Graph, Node
from lossdsl.core.leaves import cast_node
from lossdsl.infer.elementwise_types import Promotion, compute_dtype
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.function import is_operand
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.types.dtypes import LONG_NAMES
from lossdsl.types.types import LITERAL, ArrayType, Type, array


def concrete(type: Type, default_float: str) -> Type:
    """Return a type in a dtype that there is; a number has the dtype of what it meets."""
    if not isinstance(type, ArrayType) or type.dtype in LONG_NAMES:
        return type
    if type.strength == LITERAL and type.dims == ():
        return type
    return replace(type, dtype=_named(type.dtype, default_float))


def met(
    graph: Graph,
    function: Builtin,
    operands: Sequence[Node | None],
    result: Type,
    default_float: str,
) -> list[Node]:
    """Return the operands of an elementwise function in the dtype in which they meet.

    Numbers that make an array, by a mask, are of its dtype. Of nothing but numbers, a whole one
    is a float where one is asked for: there is no array whose dtype it takes.
    """
    nodes = cast("list[Node]", list(operands))
    types = [cast("ArrayType", graph.types[node]) for node in nodes]
    promotion = Promotion.of(function, len(nodes))
    classes = promotion.classes
    dtype = compute_dtype(promotion, types, default_float)
    if dtype is None:
        return nodes
    literal = all(
        type.strength == LITERAL
        for type, dtype_class in zip(types, classes, strict=True)
        if dtype_class != "bool"
    )
    numbers = literal and isinstance(result, ArrayType) and result.strength == LITERAL
    if not literal and dtype not in LONG_NAMES:
        return nodes
    dtype = _named(dtype, default_float)
    converted: list[Node] = []
    for node, type, dtype_class in zip(nodes, types, classes, strict=True):
        if dtype_class == "bool" or (not literal and _is_number(node)):
            converted.append(node)
        elif numbers:
            converted.append(_as_float(graph, node) if dtype_class == "float" else node)
        elif type.strength == LITERAL or type.dtype != dtype:
            converted.append(_cast(graph, node, array(dtype, type.dims)))
        else:
            converted.append(node)
    return converted


def _cast(graph: Graph, node: Node, type: ArrayType) -> Node:
    """Return a cast of an operand; of a number, one that no other use shares.

    What a gradient adds up over the uses of a number is added in the dtype that it has itself,
    and not in the narrower one of the arrays that it meets.
    """
    if type.dims != ():
        return cast_node(graph, node, type)
    options = {"dtype": type.dtype, "use": len(graph.types)}
    return graph.apply(of_form(Form.CAST), [node], type, options)


def as_arrays(
    graph: Graph,
    function: Builtin,
    operands: Sequence[Node | None],
    result: Type,
    default_float: str,
) -> list[Node | None]:
    """Return numbers as arrays where a function works on the axes of an array.

    One that the result holds as it is has the dtype of the result.
    """
    nodes = list(operands)
    parameters = filter(is_operand, function.signatures[0].parameters)
    for at, (parameter, node) in enumerate(zip(parameters, operands, strict=False)):
        pattern = parameter.type
        shaped = isinstance(pattern, ast.ArrayTypeExpr) and (pattern.dims or function.internal)
        if node is None or not shaped or not _is_number(node):
            continue
        type = result if parameter.name in function.keeps else graph.types[node]
        dtype = type.dtype if isinstance(type, ArrayType) else "float"
        nodes[at] = cast_node(graph, node, array(_named(dtype, default_float), ()))
    return nodes


def _is_number(node: Node) -> bool:
    return isinstance(node, Const) and not isinstance(node.value, tuple)


def _as_float(graph: Graph, node: Node) -> Node:
    match node:
        case Const(int() as value, sizes) if not isinstance(value, bool):
            return graph.const(float(value), graph.types[node], sizes)
        case _:
            return node


def _named(dtype: str, default_float: str) -> str:
    """Return the dtype of a class: that of whole numbers, or of floats."""
    named = {"int": "i32", "float": default_float}.get(dtype, dtype)
    return named if named in LONG_NAMES else default_float
