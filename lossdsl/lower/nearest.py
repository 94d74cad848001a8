"""The arithmetic of bounds: the nearest value inside, and how far a value is outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

ORDER = ("lower", "upper", "equal")


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of a constraint on one leaf, as evaluated."""

    tree: str
    leaf: int
    side: str
    strict: bool
    value: Any


def inside(leaf: Any, bounds: Sequence[Bound]) -> Any:
    """Return the leaf with every element moved to the nearest value inside.

    NaN stays, and of a bound that is NaN no value is inside.
    """
    leaf = jnp.asarray(leaf)
    for bound in sorted(bounds, key=lambda bound: ORDER.index(bound.side)):
        limit, before = _limit(bound, leaf.dtype), leaf
        match bound.side:
            case "lower":
                leaf = jnp.where((leaf < limit) | (limit != limit), limit, leaf)
            case "upper":
                leaf = jnp.where((leaf > limit) | (limit != limit), limit, leaf)
            case _:
                leaf = jnp.where(jnp.isnan(leaf), leaf, limit)
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            # No integer says that the bound is NaN: `violations` does.
            leaf = jnp.where(jnp.isnan(bound.value), before, leaf)
    return leaf


def outside(leaf: Any, bound: Bound) -> Any:
    """Return how far the farthest element is outside, 0 for none; NaN if one is, or the bound.

    Integers are as far outside as it is to the nearest integer inside.
    """
    leaf = jnp.asarray(leaf)
    if leaf.size == 0:
        return jnp.zeros(())
    strict, value = bound.strict, bound.value
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        leaf = leaf.astype(float)
        if bound.side != "equal":
            strict, value = False, _whole(bound)
    limit = jnp.asarray(value, _compared(value, leaf.dtype))
    match bound.side:
        case "lower":
            distance, met = limit - leaf, leaf <= limit
        case "upper":
            distance, met = leaf - limit, leaf >= limit
        case _:
            distance, met = jnp.abs(leaf - limit), leaf != limit
    # An element that meets a strict bound is outside by the least number that is no zero.
    least = jnp.finfo(jnp.float32).tiny
    broken = met if strict else distance > 0
    far = jnp.where(broken, jnp.maximum(distance, least), 0)
    return jnp.max(jnp.where(jnp.isnan(leaf) | jnp.isnan(limit), jnp.nan, far))


def _compared(value: Any, dtype: Any) -> Any:
    """Return the dtype in which a bound is compared: a scalar takes that of the leaf."""
    return jnp.result_type(value, dtype) if jnp.ndim(value) else dtype


def _limit(bound: Bound, dtype: Any) -> Any:
    """Return the outermost value of a dtype that the bound allows."""
    up = bound.side == "lower"
    if not jnp.issubdtype(dtype, jnp.floating):
        return _fitted(_whole(bound), dtype)
    limit = jnp.asarray(bound.value, dtype)
    if bound.side == "equal":
        return limit
    exact = jnp.asarray(bound.value, _compared(bound.value, dtype))
    rounded = limit < exact if up else limit > exact
    if bound.strict:
        rounded = rounded | (limit == exact)
    return jnp.where(rounded, _next(limit, up), limit)


def _whole(bound: Bound) -> Any:
    """Return the outermost whole number that a bound allows; nearest to it, for an equality."""
    exact = jnp.asarray(bound.value)
    match bound.side, bound.strict:
        case "lower", True:
            return jnp.floor(exact) + 1
        case "lower", False:
            return jnp.ceil(exact)
        case "upper", True:
            return jnp.ceil(exact) - 1
        case "upper", False:
            return jnp.floor(exact)
        case _:
            return jnp.round(exact)


def _fitted(whole: Any, dtype: Any) -> Any:
    """Convert whole numbers to an integer dtype, to its outermost value where they exceed it."""
    if jnp.issubdtype(dtype, jnp.integer):
        ranges = [jnp.iinfo(dtype)]
        if jnp.issubdtype(whole.dtype, jnp.integer):
            ranges.append(jnp.iinfo(whole.dtype))
        low, high = max(int(info.min) for info in ranges), min(int(info.max) for info in ranges)
        below, above = (whole.dtype.type(limit) for limit in (low, high))
        inner = jnp.where(whole <= below, np.asarray(low, dtype), whole.astype(dtype))
        return jnp.where(whole >= above, np.asarray(high, dtype), inner)
    return whole.astype(dtype)


def _next(limit: Any, up: bool) -> Any:
    """Return the next normal number: XLA flushes what is smaller to 0."""
    tiny = jnp.finfo(limit.dtype).tiny
    away = 1 if up else -1
    moved = jnp.nextafter(limit, jnp.asarray(away * jnp.inf, limit.dtype))
    arrived = jnp.where(away * limit <= -tiny, 0, away * tiny).astype(limit.dtype)
    return jnp.where(jnp.abs(moved) < tiny, arrived, moved)
