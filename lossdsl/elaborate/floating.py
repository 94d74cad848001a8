"""Integers where floats are wanted: what may outgrow 32 bits is computed in floats from the start.

A sum or a product of i32 that ends as a float is one of floats, whose size has no bound; one of
two, or a difference, is one only where it is large, else exact. What is counted, compared or
indexed with stays an integer.
"""

from __future__ import annotations

from lossdsl.analyze.whole_numbers import in_floats
from lossdsl.elaborate.context import Site
from lossdsl.infer.arguments import Value
from lossdsl.types.types import kind


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
