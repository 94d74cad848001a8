"""The faults, by the stage that they are in: each changes a number or a verdict in silence."""

from __future__ import annotations

from planted.run import Mutant

FAULTS = (
    # Syntax
    Mutant(
        "syntax/format_nodes.py",
        'factors = (f" {x.operator} {format_expr(x.value, SIGN)}" for x in rest)',
        'factors = (f" {x.operator} {format_expr(x.value, PRODUCT)}" for x in rest)',
        "`a/(b*c)` is printed as `a / b * c`",
        ("tests/test_format.py",),
    ),
    # Types
    Mutant(
        "types/broadcast.py",
        'if grows["a"] and grows["b"] and unwanted["a"] and unwanted["b"]:',
        'if grows["a"] and grows["b"] and unwanted["a"] and unwanted["b"] and len(a) == len(b):',
        "a column beside a row of another rank grows to a matrix in silence",
        ("tests/test_language.py",),
    ),
    # Kernels
    Mutant(
        "library/primitives/reductions.py",
        "count = kept(mask, x, axis, keepdims)\n        terms",
        "count = kept(True, x, axis, keepdims)\n        terms",
        "a masked mean is divided by all elements",
        ("tests/test_cases.py",),
    ),
)
