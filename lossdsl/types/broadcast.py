"""Shapes that meet in one operation, and the growth that is no accident."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lossdsl.frozen import dataclass
from lossdsl.types.types import Dim, same_dim


@dataclass(frozen=True, slots=True)
class BroadcastProblem:
    """Two shapes that do not broadcast: `differ` (LD201) or both `grow` (LD202)."""

    kind: str
    left: int
    right: int
    result: tuple[Dim, ...] = ()


def broadcast(
    shapes: Iterable[tuple[Dim, ...] | None],
) -> tuple[Dim, ...] | BroadcastProblem | None:
    """Return the shape of operands that meet, pairwise from the left; None if a rank is unknown.

    Legal when the result has one operand's shape; if both grow, one of them only along axes that
    were wanted.
    """
    result: tuple[Dim, ...] | None = ()
    unknown = False
    widest = 0
    for at, dims in enumerate(shapes):
        if dims is None:
            unknown = True
            continue
        assert result is not None
        if at == 0:
            result = dims
            continue
        met = _meet(result, dims)
        if isinstance(met, str):
            grown = () if met == "differ" else _grown(result, dims)
            return BroadcastProblem(met, widest, at, grown)
        if met != result:
            widest = at
        result = met
    return None if unknown else result


def _meet(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...] | str:
    length = max(len(a), len(b))
    absent = Dim(1)
    left = (absent,) * (length - len(a)) + a
    right = (absent,) * (length - len(b)) + b
    result: list[Dim] = []
    grows = {"a": False, "b": False}
    unwanted = {"a": False, "b": False}
    for at, (x, y) in enumerate(zip(left, right, strict=True)):
        missing_a, missing_b = at < length - len(a), at < length - len(b)
        if x.is_one and y.is_one:
            result.append(
                y
                if missing_a
                else x
                if missing_b
                else replace(x, growable=x.growable or y.growable)
            )
            if missing_a or missing_b:
                side = "a" if missing_a else "b"
                grows[side] = True
        elif x.is_one:
            grows["a"], unwanted["a"] = True, unwanted["a"] or not x.growable
            result.append(y)
        elif y.is_one:
            grows["b"], unwanted["b"] = True, unwanted["b"] or not y.growable
            result.append(x)
        elif same_dim(x, y) is False:
            return "differ"
        else:
            result.append(_preferred(x, y))
    if grows["a"] and grows["b"] and unwanted["a"] and unwanted["b"]:
        return "grow"
    return tuple(result)


def _grown(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...]:
    length = max(len(a), len(b))
    left, right = ((Dim(1),) * (length - len(dims)) + dims for dims in (a, b))
    return tuple(y if x.is_one else x for x, y in zip(left, right, strict=True))


def _preferred(a: Dim, b: Dim) -> Dim:
    """Of two equal dims, return the one that says more."""
    if a.constant is None:
        return b
    return b if b.terms and not a.terms else a
