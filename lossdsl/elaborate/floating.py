"""Integers where floats are wanted: what may outgrow 32 bits is computed in floats from the start.

A sum or a product of i32 that ends as a float is one of floats, whose size has no bound; one of
two, or a difference, is one only where it is large, else exact. What is counted, compared or
indexed with stays an integer.
"""

from __future__ import annotations

from lossdsl.analyze.whole_numbers import in_floats
from lossdsl.elaborate.context import Context, Scope
from lossdsl.infer.arguments import Value
from lossdsl.source import Span
from lossdsl.types.types import kind


def as_floats(context: Context, scope: Scope, value: Value, dtype: str, span: Span) -> Value:
    """Return integers that may outgrow 32 bits as floats of a dtype, any other value as it is."""
    if not context.concrete or kind(dtype) != "float":
        return value
    # What adds up half precision does so in more, and in f16 every large integer is infinite.
    wide = context.default_float if dtype in ("f16", "bf16") else dtype
    node = in_floats(context.graph, value.node, wide, dtype)
    if node is value.node:
        return value
    return context.value(node, context.graph.types[node], span, scope)
