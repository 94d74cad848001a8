"""Whether a dtype holds a number that is written down."""

from __future__ import annotations

import math

from lossdsl.types.types import kind

# Bits of the significand of each float dtype, from where numbers round to inf, and to where to 0.
FLOAT_RANGES = {
    "f16": (11, 2.0**16 * (1 - 2.0**-12), 2.0**-25),
    "bf16": (8, 2.0**128 * (1 - 2.0**-9), 2.0**-134),
    "f32": (24, 2.0**128 * (1 - 2.0**-25), 2.0**-150),
    "f64": (53, math.inf, 0.0),
}


def change(number: int | float, dtype: str, rounds: bool = False) -> tuple[str, str] | None:
    """Return how a number changes in a dtype: a code and words; None if the dtype holds it.

    One that `rounds`, such as how many elements there are, may be rounded to a float.

    >>> change(300, "u8")
    ('LD502', 'changes value: it wraps around')
    >>> change(16777217, "f32"), change(16777217, "f32", rounds=True)
    (('LD502', 'changes value: it is rounded'), None)
    >>> change(1 - 1e-8, "f32"), change(1 - 1e-7, "f32"), change(1 + 1e-7, "f32")
    (('LD502', 'changes value: it is rounded to 1'), None, None)
    """
    if dtype in FLOAT_RANGES:
        bits, infinite, zero = FLOAT_RANGES[dtype]
        if infinite <= abs(number) < math.inf:
            return "LD501", "overflows: it is inf"
        if 0 < abs(number) <= zero:
            return "LD501", "vanishes: it is 0"
        # Such as `1 - 1e-8`, which is written to be below 1; halves are known to round.
        if bits >= 24 and not rounds and _is_one(abs(number), bits):
            return "LD502", "changes value: it is rounded to 1"
        if isinstance(number, int) and not rounds and _significant_bits(number) > bits:
            return "LD502", "changes value: it is rounded"
    elif kind(dtype) == "int" and dtype != "int" and isinstance(number, int):
        size, signed = int(dtype[1:]), dtype[0] == "i"
        low, high = (-(2 ** (size - 1)), 2 ** (size - 1)) if signed else (0, 2**size)
        if not low <= number < high:
            return "LD502", "changes value: it wraps around"
    return None


def _is_one(number: float, bits: int) -> bool:
    """Say whether what is not 1 becomes 1 with so many bits; below 1 they reach further."""
    return 0 < number - 1 <= 2.0**-bits or 0 < 1 - number <= 2.0 ** -(bits + 1)


def _significant_bits(number: int) -> int:
    size = abs(number)
    return size.bit_length() - (size & -size).bit_length() + 1 if size else 0
