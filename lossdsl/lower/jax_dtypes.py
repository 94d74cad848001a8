"""The dtypes of JAX for those of the language."""

from __future__ import annotations

from functools import cache
from typing import Any

from lossdsl.types.dtypes import LONG_NAMES, dtype_name


@cache
def jax_dtype(name: str) -> Any:
    """Return the JAX dtype of a name in the language.

    >>> jax_dtype("bf16").name
    'bfloat16'
    """
    import jax.numpy as jnp

    return jnp.dtype(LONG_NAMES[name])


def default_float() -> str:
    """Return the dtype that JAX gives a Python float, as it is configured here."""
    import jax

    return dtype_name(jax.dtypes.canonicalize_dtype(float)) or "f32"
