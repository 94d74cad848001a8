"""Names of dtypes in the language and in NumPy and JAX."""

from __future__ import annotations

from typing import Any

LONG_NAMES = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    **{
        f"{kind}{bits}": f"{word}{bits}"
        for kind, word in (("i", "int"), ("u", "uint"))
        for bits in (8, 16, 32, 64)
    },
    "bool": "bool",
}
_SHORT_NAMES = {long: short for short, long in LONG_NAMES.items()}


def dtype_name(dtype: Any) -> str | None:
    """Return the name of a dtype in the language; None for one that the language lacks.

    >>> import numpy as np
    >>> dtype_name(np.dtype("float32")), dtype_name(np.dtype("complex64"))
    ('f32', None)
    """
    return _SHORT_NAMES.get(getattr(dtype, "name", str(dtype)))
