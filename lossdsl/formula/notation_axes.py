"""How reductions are written, and functions along an axis: with indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lossdsl.formula.arithmetic import divided, exponential, multiplied, summed
from lossdsl.formula.axis_names import axes_of
from lossdsl.formula.conditions import joined
from lossdsl.formula.math import (
    ONE,
    Apply,
    Big,
    Fence,
    Listed,
    Math,
    Operator,
    Relation,
)
from lossdsl.formula.parameters import FALSE, LAST, TRUE, Bound
from lossdsl.formula.slices import limit
from lossdsl.formula.translate import Notation, Place, Places, Reader, couples, placed
from lossdsl.syntax import ast

Sizes = list[Math | None]


@dataclass(frozen=True)
class Domain:
    """What a reduction runs over: indices with their numbers of elements, those that a mask keeps.

    `limits` says where an index ends that runs along a part of an axis.
    """

    indices: tuple[Math, ...]
    sizes: tuple[Math | None, ...]
    limits: tuple[Math, ...] = ()
    mask: Math | None = None

    @property
    def under(self) -> Math | None:
        """What stands below the sign of the reduction."""
        held = [*self.limits, *([] if self.mask is None else [self.mask])]
        if not self.indices:
            return self.mask
        index = self.indices[0] if len(self.indices) == 1 else Listed(self.indices)
        if not held:
            return index
        if len(self.indices) == 1 and len(self.limits) == len(held):
            return self.limits[0]
        return Relation(index, ((":", joined("and", held) if len(held) > 1 else held[0]),))

    def total(self, body: Math) -> Math:
        """Return the sum of a body."""
        return Big("sum", self.under, body)

    @property
    def count(self) -> Math | None:
        """How many elements there are, None where nobody knows."""
        known = [size for size in self.sizes if size is not None]
        return multiplied(known) if known and len(known) == len(self.sizes) else None


def _reduction(name: str) -> Notation:
    """Return the notation of an operator over indices, one for each axis that it takes away."""

    def notation(reader: Reader, bound: Bound, places: Places) -> Math:
        (operand, *_) = bound.operands
        options = bound.options
        indices, sizes, inner, within = _reduced(reader, bound, operand, places)
        if not indices and options.keys() & {"where", "weight", "normalize"}:
            return reader.applied(bound, places)
        dims = [dim for dim, at in zip(reader.dims(operand) or (), inner, strict=False)
                if at in indices]  # fmt: skip
        body = within.read(operand, inner)
        limits = [limit(*pair, body) for pair in zip(indices, dims, strict=False)]
        known = tuple(end for end in limits if end is not None)
        mask = None
        if "where" in options:
            mask = within.condition(
                options["where"], _beside(within, options["where"], operand, inner)
            )
        weight = None
        if "weight" in options:
            weight = within.part(
                options["weight"], _beside(within, options["weight"], operand, inner)
            )
            body = multiplied([weight, body])
        domain = Domain(tuple(indices), tuple(sizes), known, mask)
        if name != "mean":
            return _BUILT.get(name, _big)(name, body, domain)
        divisor = options.get("normalize")
        match divisor:
            case None | ast.Text("weight") if weight is not None:
                return divided(domain.total(body), domain.total(weight))
            case None | ast.Text("weight" | "count"):
                return _mean(name, body, domain)
            case ast.Text():
                if domain.count is None:
                    return reader.applied(bound, places)
                return multiplied([divided(ONE, domain.count), domain.total(body)])
            case _:
                return multiplied([divided(ONE, reader.whole(divisor)), domain.total(body)])

    return notation


def _beside(reader: Reader, expr: ast.Expr, operand: ast.Expr, places: list[Place]) -> list[Place]:
    """Return the places of a mask or weight: along axes of its names, else the leading ones."""
    own, dims = reader.dims(expr), reader.dims(operand)
    if own is None or dims is None or len(own) > len(places):
        return places
    named = len(set(dims)) == len(dims) and all(dim in dims for dim in own)
    return [places[dims.index(dim)] for dim in own] if named else places[: len(own)]


def _reduced(
    reader: Reader, bound: Bound, operand: ast.Expr, places: Places
) -> tuple[list[Math], Sizes, list[Place], Reader]:
    """Return the new indices, their sizes, the places of the operand, and the reader within."""
    dims = reader.dims(operand)
    if dims is None:
        return [], [], [], reader
    axis = bound.options.get("axis", bound.given.get("axis"))
    axes = axes_of(axis, dims)
    if axes is None:
        return [], [], [None] * len(dims), reader
    keeps = bound.options.get("keepdims") == TRUE
    remaining = list(places)
    indices, sizes, inner = list[Math](), Sizes(), list[Place]()
    for at, dim in enumerate(dims):
        if at in axes:
            index, size, reader = reader.fresh(dim)
            indices.append(index)
            sizes.append(size)
            inner.append(index)
            if keeps and remaining:
                remaining.pop(0)
        else:
            inner.append(remaining.pop(0) if remaining else None)
    return indices, sizes, inner, reader


def _big(name: str, body: Math, domain: Domain) -> Math:
    return Big(name, domain.under, body)


def _mean(name: str, body: Math, domain: Domain) -> Math:
    if domain.mask is not None or domain.count is None:
        return Big("mean", domain.under, body)
    return multiplied([divided(ONE, domain.count), domain.total(body)])


def _log_of(inner: Callable[[str, Math, Domain], Math], name: str) -> Callable[..., Math]:
    return lambda _, body, domain: Operator("log", inner(name, exponential(body), domain))


def _count(name: str, body: Math, domain: Domain) -> Math:
    return domain.total(Fence("holds", body))


_BUILT: Mapping[str, Callable[[str, Math, Domain], Math]] = {
    "logsumexp": _log_of(_big, "sum"),
    "logmeanexp": _log_of(_mean, "mean"),
    "count": _count,
}


def _norm(reader: Reader, bound: Bound, places: Places) -> Math:
    """Return a length: of a row or column where one axis goes, of everything otherwise."""
    (operand, *_) = bound.operands
    dims = reader.dims(operand)
    if "where" in bound.options:
        return reader.applied(bound, places)
    axes = None if dims is None else axes_of(bound.options.get("axis"), dims)
    if dims is None or axes is None:
        return Fence("norm", reader.whole(operand))
    remaining = list(places)
    keeps = bound.options.get("keepdims") == TRUE
    inner: list[Place] = []
    for at in range(len(dims)):
        if at in axes:
            inner.append(None)
            if keeps and remaining:
                remaining.pop(0)
        else:
            inner.append(remaining.pop(0) if remaining else None)
    return Fence("norm", reader.read(operand, inner))


def _lifted(
    reader: Reader, bound: Bound, operand: ast.Expr, places: Places
) -> tuple[Math, list[Place]]:
    """Return an operand with the axis worked on whole, and the place along that axis."""
    dims = reader.dims(operand)
    if dims is None:
        return reader.whole(operand), []
    axes = axes_of(bound.given.get("axis", LAST), dims) or ()
    padded = [*places, *[None] * (len(dims) - len(places))]
    inner = [None if at in axes else padded[at] for at in range(len(dims))]
    behind = [padded[at] for at in axes]
    return reader.read(operand, inner), [place for place in behind if place is not None]


def _softmax(reader: Reader, bound: Bound, places: Places) -> Math:
    """Return a share of exponentials, by name where the operand is plain."""
    explicit = _shares(reader, bound, places)
    if explicit is not None:
        return explicit
    if "where" in bound.given:
        return reader.applied(bound, places)
    body, behind = _lifted(reader, bound, bound.operands[0], places)
    if "temperature" in bound.given:
        body = divided(body, reader.whole(bound["temperature"]))
    return placed(Apply("softmax", (body,)), behind, None)


def _log_softmax(reader: Reader, bound: Bound, places: Places) -> Math:
    softmax = replace(bound, function=reader.scope.library["softmax"])
    return Operator("log", _softmax(reader, softmax, places))


def _pick_log_softmax(reader: Reader, bound: Bound, places: Places) -> Math:
    dims = reader.dims(bound.operands[0])
    axes = None if dims is None else axes_of(bound.given.get("axis", LAST), dims)
    if dims is None or not axes:
        return reader.applied(bound, places)
    rows = [*places, *[None] * (len(dims) - 1 - len(places))]
    at = reader.part(bound["index"], rows)
    return _log_softmax(reader, bound, [*rows[: axes[0]], at, *rows[axes[0] :]])


def _shares(reader: Reader, bound: Bound, places: Places) -> Math | None:
    """Return e^x over the sum of such, where rows and columns or a mask must show."""
    operand = bound.operands[0]
    masked = "where" in bound.given
    if not (masked or couples(operand)) or all(place is None for place in places):
        return None
    dims = reader.dims(operand)
    axes = None if dims is None else axes_of(bound.given.get("axis", LAST), dims)
    if dims is None or axes is None or len(places) != len(dims):
        return None
    index, _, within = reader.fresh(dims[axes[0]])
    inner = [index if at in axes else place for at, place in enumerate(places)]
    under: Math = index
    if masked:
        under = Relation(index, ((":", within.part(bound["where"], inner)),))

    def scaled(at: Reader, here: Places) -> Math:
        body = at.read(operand, here)
        return (
            divided(body, reader.whole(bound["temperature"]))
            if "temperature" in bound.given
            else body
        )

    total = Big("sum", under, exponential(scaled(within, inner)))
    return divided(exponential(scaled(reader, places)), total)


def _normalized(x: Math) -> Math:
    return divided(x, Fence("norm", x))


def _normalize(reader: Reader, bound: Bound, places: Places) -> Math:
    operand = bound.operands[0]
    body, behind = _lifted(reader, bound, operand, places)
    if not behind:
        return _normalized(body)
    return divided(reader.read(operand, places), Fence("norm", body))


def _extreme(name: str) -> Notation:
    """Return the notation of the place of the largest or smallest element along an axis."""

    def notation(reader: Reader, bound: Bound, places: Places) -> Math:
        operand = bound.operands[0]
        dims = reader.dims(operand)
        axes = None if dims is None else axes_of(bound.given.get("axis", LAST), dims)
        if dims is None or axes is None:
            return Operator(name, reader.whole(operand))
        index, _, within = reader.fresh(dims[axes[0]])
        remaining = list(places)
        inner = [
            index if at in axes else (remaining.pop(0) if remaining else None)
            for at in range(len(dims))
        ]
        return Big(name, index, within.read(operand, inner))

    return notation


def _running(reader: Reader, bound: Bound, places: Places) -> Math:
    """Return a cumulative sum: over the places up to this one, or from it on."""
    operand = bound.operands[0]
    dims = reader.dims(operand)
    axes = None if dims is None else axes_of(bound.given.get("axis", LAST), dims)
    backwards = bound.given.get("reverse", FALSE)
    if dims is None or axes is None or backwards not in (TRUE, FALSE):
        return reader.applied(bound, places)
    if len(places) != len(dims) or places[axes[0]] is None:
        return reader.applied(bound, places)
    here = places[axes[0]]
    assert here is not None
    index, _, within = reader.fresh(dims[axes[0]])
    inner = [index if at in axes else place for at, place in enumerate(places)]
    sign = ">=" if backwards == TRUE else "<="
    return Big("sum", Relation(index, ((sign, here),)), within.read(operand, inner))


def _steps(reader: Reader, bound: Bound, places: Places) -> Math:
    """Return the difference of an element from the next."""
    operand = bound.operands[0]
    dims = reader.dims(operand)
    axes = None if dims is None else axes_of(bound.given.get("axis", LAST), dims)
    if dims is None or axes is None or len(places) != len(dims) or places[axes[0]] is None:
        return reader.applied(bound, places)
    here = places[axes[0]]
    assert here is not None
    after = [summed([(False, here), (False, ONE)]) if at in axes else place
             for at, place in enumerate(places)]  # fmt: skip
    return summed([(False, reader.read(operand, after)), (True, reader.read(operand, places))])


AXES: Mapping[str, Notation] = {
    "mean": _reduction("mean"),
    "sum": _reduction("sum"),
    "prod": _reduction("prod"),
    "max": _reduction("max"),
    "min": _reduction("min"),
    "any": _reduction("any"),
    "all": _reduction("all"),
    "var": _reduction("var"),
    "std": _reduction("std"),
    "rms": _reduction("rms"),
    "count": _reduction("count"),
    "logsumexp": _reduction("logsumexp"),
    "logmeanexp": _reduction("logmeanexp"),
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "pick_log_softmax": _pick_log_softmax,
    "normalize": _normalize,
    "argmax": _extreme("argmax"),
    "argmin": _extreme("argmin"),
    "cumsum": _running,
    "diff": _steps,
}
