"""Names of dtypes in the language and in JAX."""

from __future__ import annotations

from functools import cache
from typing import Any

_NAMES = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    **{f"{kind}{bits}": f"{word}{bits}" for kind, word in (("i", "int"), ("u", "uint"))
       for bits in (8, 16, 32, 64)},
    "bool": "bool",
}  # fmt: skip
_SHORT = {long: short for short, long in _NAMES.items()}


@cache
def jax_dtype(name: str) -> Any:
    """Return the JAX dtype of a name in the language.

    >>> jax_dtype("bf16").name
    'bfloat16'
    """
    import jax.numpy as jnp

    return jnp.dtype(_NAMES[name])


def dtype_name(dtype: Any) -> str | None:
    """Return the name of a dtype in the language; None for one that the language lacks.

    >>> import numpy as np
    >>> dtype_name(np.dtype("float32")), dtype_name(np.dtype("complex64"))
    ('f32', None)
    """
    return _SHORT.get(getattr(dtype, "name", str(dtype)))


def default_float() -> str:
    """Return the dtype that JAX gives a Python float, as it is configured here."""
    import jax

    return dtype_name(jax.dtypes.canonicalize_dtype(float)) or "f32"
