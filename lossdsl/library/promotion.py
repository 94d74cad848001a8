"""Promotion by the rules of the language, whatever JAX is told of its own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def own_rules() -> Generator[None]:
    """Let operands meet as they do without what JAX is told of promotion.

    A rule of differentiation needs it of its own: JAX traces it where the caller differentiates.
    """
    import jax

    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
