"""Axis positions: `axis=C`, `axis=-1`, `axis=(T, 0)`, `axis=all`, `axis=S` for a run."""

from __future__ import annotations

from typing import Literal

from lossdsl.frozen import dataclass
from lossdsl.source import Span
from lossdsl.syntax.options import ALL
from lossdsl.types.types import Dim

Dims = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class NamedDim:
    """The dim that a name stands for."""

    name: str
    dim: Dim


@dataclass(frozen=True, slots=True)
class NamedRun:
    """The dims of the run that a name stands for; None while they are not known."""

    name: str
    dims: Dims | None


@dataclass(frozen=True, slots=True)
class NoAxis:
    """What is no axis of any array: a name that stands for none of the `known`, or no name."""

    name: str | None = None
    known: tuple[str, ...] = ()


AxisPart = int | NamedDim | NamedRun | NoAxis


@dataclass(frozen=True, slots=True)
class AxisArgument:
    """Axes as they are given, each with its place; `parts` is None for all of them.

    `given` says that a call has them, and not the signature as a default.
    """

    parts: tuple[tuple[AxisPart, Span], ...] | None
    span: Span
    given: bool = True

    @property
    def sole(self) -> AxisPart | None:
        """What the one axis is given as; None where they are several, or all."""
        return self.parts[0][0] if self.parts is not None and len(self.parts) == 1 else None

    @property
    def written(self) -> str:
        """The axes as they are written, wherever that is."""
        parts = [getattr(part, "name", part) for part, _ in self.parts or ()]
        shown = ", ".join(map(str, parts))
        return ALL if self.parts is None else shown if len(parts) == 1 else f"({shown})"

    def of(self, span: Span) -> AxisArgument:
        """Return the axes where they are a default: what is wrong is so at the argument's place."""
        if self.given:
            return self
        parts = self.parts and tuple((part, span) for part, _ in self.parts)
        return AxisArgument(parts, span, given=False)


@dataclass(frozen=True, slots=True)
class Axes:
    """Which axes of a value are meant: non-negative and in order as given; None is all of them."""

    axes: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class AxisMismatch:
    """Why axes that are given are none of an array with `dims`, and where that is said.

    `reason` is `"none"` of what is no axis at all, `"range"` of a number, `"absent"` and
    `"ambiguous"` of a name, `"repeated"`, and `"several"` where one is taken.
    """

    reason: Literal["none", "range", "absent", "ambiguous", "repeated", "several"]
    span: Span
    part: AxisPart | None = None
    dims: Dims | None = None


def resolve_axes(given: AxisArgument, dims: Dims | None) -> Axes | AxisMismatch | None:
    """Return the axes that are meant in dims; None while they are not known."""
    if given.parts is None:
        return Axes(None)
    axes: list[int] = []
    known = True
    for part, span in given.parts:
        positions = _positions(part, span, dims)
        if isinstance(positions, AxisMismatch):
            return positions
        known = known and positions is not None
        axes += positions or ()
    if not known:
        return None
    if len(set(axes)) != len(axes):
        return AxisMismatch("repeated", given.span)
    return Axes(tuple(axes))


def resolve_axis(given: AxisArgument, dims: Dims | None) -> int | AxisMismatch | None:
    """Return the one axis that is meant in dims; None while it is not known."""
    match resolve_axes(given, dims):
        case Axes((axis,)):
            return axis
        case Axes():
            return AxisMismatch("several", given.span)
        case problem:
            return problem


def _positions(
    part: AxisPart, span: Span, dims: Dims | None
) -> tuple[int, ...] | AxisMismatch | None:
    match part:
        case NoAxis():
            return AxisMismatch("none", span, part)
        case _ if dims is None:
            return None
        case int(position):
            inside = -len(dims) <= position < len(dims)
            return (position % len(dims),) if inside else AxisMismatch("range", span, part, dims)
        case NamedRun(_, run):
            if run is None:
                return None
            return tuple(
                at for at, dim in enumerate(dims) if any(is_dim(dim, run_dim) for run_dim in run)
            )
        case NamedDim(_, named):
            places = [at for at, dim in enumerate(dims) if is_dim(dim, named)]
            if len(places) == 1:
                return (places[0],)
            if places:
                return AxisMismatch("ambiguous", span, part, dims)
            unknown = any(dim.constant is None for dim in dims)
            return None if unknown else AxisMismatch("absent", span, part, dims)


def is_dim(dim: Dim, named: Dim) -> bool:
    """Say whether a dim of an array is the one that a name means."""
    return bool(named.terms) and (dim.constant, dim.terms) == (named.constant, named.terms)
