"""Elementwise functions applied to values, and integers where they take floats.

What may outgrow 32 bits is computed in floats from the start: a sum or a product of i32 that ends
as a float is one of floats, whose size has no bound; one of two, or a difference, is one only where
it is large, else exact. What is counted, compared or indexed with stays an integer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from lossdsl.analyze.whole_numbers import in_floats
from lossdsl.core.graph import Const
from lossdsl.elaborate.constants import is_size
from lossdsl.elaborate.context import Scope, Site
from lossdsl.elaborate.usable_leaves import as_read
from lossdsl.elaborate.value_roles import resulting, with_role
from lossdsl.infer.arguments import Value
from lossdsl.infer.elementwise_types import (
    Operand,
    Promotion,
    compute_dtype,
    infer_elementwise,
)
from lossdsl.infer.explain import explain
from lossdsl.infer.mismatch import Mismatch
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.types.types import LITERAL, ArrayType, TreeType, Type, kind


def apply_elementwise(
    site: Site,
    function: Builtin,
    operands: Sequence[tuple[Value, Span]],
    options: Mapping[str, object] | None = None,
    arrays_per_leaf: bool = False,
    name: str | None = None,
) -> Value:
    """Apply a function to arrays that broadcast, or leaf by leaf to trees.

    With `arrays_per_leaf` an array beside a tree is for every leaf, as a bound may be. `name` is
    how diagnostics name the function, if not by what stands in the text.
    """
    name = name or shown(function, site.span)
    signature = function.taking(len(operands))
    classes = signature.array_dtypes
    operands = [
        # A mask may be a tree of truth values.
        (value if dtype_class == "bool" else as_read(site.at(at), value), at)
        for (value, at), dtype_class in zip(operands, classes, strict=True)
    ]
    types = [value.type for value, _ in operands]
    inferred = infer_elementwise(
        function,
        [operand_of(value) for value, _ in operands],
        site.context.default_float,
        arrays_per_leaf,
    )
    if isinstance(inferred, Mismatch):
        return site.scope.report(explain(inferred, name, [at for _, at in operands]))
    result = inferred
    if isinstance(result, TreeType):
        operands = [
            (as_floats(site.at(at), value, site.context.default_float), at)
            if _are_floats_in(value.type, result)
            else (value, at)
            for value, at in operands
        ]
    operands = _floats(site.scope, function, operands)
    names = [parameter.name for parameter in signature.parameters]
    result = with_role(result, resulting(function, zip(names, types, strict=False)))
    nodes = [value.node for value, _ in operands]
    return site.apply(function, nodes, result, options)


def operand_of(value: Value) -> Operand:
    """Return what inference knows of a value."""
    match value.node, value.type:
        case Const(int() | float() as number), ArrayType(strength=strength):
            if strength == LITERAL and not isinstance(number, bool):
                return Operand(value.type, number, is_size(value))
        case _:
            pass
    return Operand(value.type)


def shown(function: Builtin, span: Span) -> str:
    """Return what a reader sees of a function at a place: its name, or its operator."""
    if function.operator is None or span.text.startswith(f"{function.name}("):
        return function.name
    return "-" if function.operator == "neg" else function.operator


def _are_floats_in(type: Type, result: TreeType) -> bool:
    """Say whether the whole numbers at the leaves of an operand are floats in a result."""
    if not isinstance(type, TreeType) or None in (type.leaves, result.leaves):
        return False
    pairs = zip(type.leaves or (), result.leaves or (), strict=True)
    kinds = {kind(there.dtype) for (_, leaf), (_, there) in pairs if kind(leaf.dtype) == "int"}
    return kinds == {"float"}


def _floats(
    scope: Scope, function: Builtin, operands: Sequence[tuple[Value, Span]]
) -> Sequence[tuple[Value, Span]]:
    """Convert the operands that may outgrow 32 bits where a function of arrays is one of floats."""
    types = [value.type for value, _ in operands]
    if not scope.context.concrete or not all(isinstance(type, ArrayType) for type in types):
        return operands
    if not any(kind(type.dtype) == "int" for type in cast("list[ArrayType]", types)):
        return operands
    promotion = Promotion.of(function, len(operands))
    met = compute_dtype(promotion, cast("list[ArrayType]", types), scope.context.default_float)
    return [
        (
            as_floats(scope.at(span), value, met or "") if dtype_class != "bool" else value,
            span,
        )
        for (value, span), dtype_class in zip(operands, promotion.classes, strict=True)
    ]


def as_floats(site: Site, value: Value, dtype: str) -> Value:
    """Return integers that may outgrow 32 bits as floats of a dtype, any other value as it is."""
    if not site.context.concrete or kind(dtype) != "float":
        return value
    # What adds up half precision does so in more, and in f16 every large integer is infinite.
    wide = site.context.default_float if dtype in ("f16", "bf16") else dtype
    node = in_floats(site.graph, value.node, wide, dtype)
    if node is value.node:
        return value
    return site.value(node, site.graph.types[node])
