"""What a function is with and without an option, as one formula with cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass, replace
from typing import Any, cast

from lossdsl.formula.arithmetic import multiplied, summed
from lossdsl.formula.math import Cases, Math, Product, Sum, below, below_once
from lossdsl.syntax.walk import field_names


def merged(values: Sequence[Math], conditions: Sequence[Math]) -> Math:
    """Return values by condition as one, with cases where they differ; the last holds otherwise."""
    first = values[0]
    if all(value == first for value in values):
        return first
    rows = tuple(zip(values, [*conditions[:-1], None], strict=True))
    apart, within = Cases(_flat(rows)), _within(values, conditions)
    if within is None:
        return apart
    single = len(_cases(within) - set[Math]().union(*map(_cases, values))) == 1
    return within if _extent(within) < _extent(apart) + (4 if single else 0) else apart


def _cases(node: Math) -> set[Math]:
    return {part for part in below(node) if isinstance(part, Cases)}


def _extent(node: Math) -> int:
    """Return how much there is to read: what occurs again is named."""
    return sum(1 + len(list(below_once(part))) for part in set(below(node)))


def _within(values: Sequence[Math], conditions: Sequence[Math]) -> Math | None:
    """Return values of one kind as one, with cases only in what differs; None where all does."""
    first = values[0]
    if any(type(value) is not type(first) for value in values):
        return None
    if isinstance(first, Cases):
        held = [[condition for _, condition in cast("Cases", value).rows] for value in values]
        if any(each != held[0] for each in held):
            return None
    inner = _inside(values, conditions)
    if inner is not None:
        return inner
    match first:
        case Sum():
            parts = _middles([cast("Sum", value).terms for value in values])
            if parts is None:
                return None
            before, middles, after = parts
            middle = merged([summed(terms) for terms in middles], conditions)
            return summed([*before, (False, middle), *after])
        case Product():
            parts = _middles([cast("Product", value).factors for value in values])
            if parts is None:
                return None
            before, middles, after = parts
            middle = merged([multiplied(factors) for factors in middles], conditions)
            return multiplied([*before, middle, *after])
        case _:
            return None


def _flat(rows: tuple[tuple[Math, Math | None], ...]) -> tuple[tuple[Math, Math | None], ...]:
    """Return rows with those of the last case in its place."""
    *before, (value, held) = rows
    if held is None and isinstance(value, Cases):
        return (*before, *value.rows)
    return rows


def _middles(
    several: Sequence[tuple[Any, ...]],
) -> tuple[tuple[Any, ...], list[tuple[Any, ...]], tuple[Any, ...]] | None:
    """Return what sequences begin and end with alike, and what each has between; never nothing."""
    shortest = min(map(len, several))
    start = 0
    while start < shortest and len({parts[start] for parts in several}) == 1:
        start += 1
    end = 0
    while end < shortest - start and all(
        parts[-1 - end] == several[0][-1 - end] for parts in several
    ):
        end += 1
    if start + end == shortest:
        # One of them has nothing of its own: a neighbor goes with it.
        if end:
            end -= 1
        elif start:
            start -= 1
    if start + end == 0:
        return None
    first = several[0]
    middles = [parts[start : len(parts) - end] for parts in several]
    return first[:start], middles, first[len(first) - end :]


def _inside(values: Sequence[Math], conditions: Sequence[Math]) -> Math | None:
    """Return nodes of one shape as one node, with cases in the parts that differ."""
    parts = {
        name: [getattr(value, name) for value in values] for name in field_names(type(values[0]))
    }
    joint = {name: _joint(several, conditions) for name, several in parts.items()}
    return None if _NONE in joint.values() else replace(values[0], **joint)


_NONE = object()


def _joint(parts: Sequence[Any], conditions: Sequence[Math]) -> Any:
    """Return parts as one; `_NONE` where they are of no one shape."""
    first = parts[0]
    if all(part == first for part in parts):
        return first
    if any(type(part) is tuple for part in parts):
        if any(type(part) is not tuple or len(part) != len(first) for part in parts):
            return _NONE
        joint = tuple(_joint(items, conditions) for items in zip(*parts, strict=True))
        return _NONE if _NONE in joint else joint
    return merged(parts, conditions) if all(map(is_dataclass, parts)) else _NONE
