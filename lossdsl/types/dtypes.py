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
KNOWN_DTYPES = "the dtypes: f16 bf16 f32 f64, i8 to i64, u8 to u64, bool"
_SHORT_NAMES = {long: short for short, long in LONG_NAMES.items()}


def bytes_of(dtype: str) -> int:
    """Return the bytes of an element; a class of dtypes counts as its widest without x64.

    >>> bytes_of("bf16"), bytes_of("bool"), bytes_of("float")
    (2, 1, 4)
    """
    return _BYTES.get(dtype, 4)


_BYTES = {name: int(name.strip("bfiuol") or 8) // 8 for name in LONG_NAMES}


def dtype_name(dtype: Any) -> str | None:
    """Return the name of a dtype in the language; None for one that the language lacks.

    >>> import numpy as np
    >>> dtype_name(np.dtype("float32")), dtype_name(np.dtype("complex64"))
    ('f32', None)
    """
    return _SHORT_NAMES.get(getattr(dtype, "name", str(dtype)))


def is_shaped(value: Any) -> bool:
    """Say whether a value of any kind has the shape and the dtype of an array.

    >>> import numpy as np
    >>> is_shaped(np.zeros(3)), is_shaped(np), is_shaped([0.0])
    (True, False, False)
    """
    return has(value, "dtype") and has(value, "shape") and isinstance(value.shape, tuple)


def has(value: Any, name: str) -> bool:
    """Say whether a value of any kind has an attribute: a property may raise what it likes."""
    try:
        return hasattr(value, name)
    except Exception:
        return False
