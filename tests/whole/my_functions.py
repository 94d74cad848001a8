"""Functions of a module, as a user has them beside a training script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lossdsl


def twice(x: Any) -> Any:
    return 2 * x


@lossdsl.primitive("gap(x: float[*S]) -> float[*S]")
def gap() -> Callable[..., Any]:
    """The distance from 0."""
    import jax.numpy as jnp

    return jnp.abs


@lossdsl.primitive("hop(x: float[*S]) -> float[*S]")
def other_name() -> Callable[..., Any]:
    """What is called otherwise in a text than in its module."""
    return lambda x: x + 1
