"""What the arguments of a call must be, by declared domains and roles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Static, Value
from lossdsl.infer.fit import Fit
from lossdsl.infer.patterns import class_symbols, pattern_of
from lossdsl.infer.statics import static_dim
from lossdsl.library.domains import Interval, Positions
from lossdsl.library.roles import DISTRIBUTIONS, ROLE_RANGES, SUMMING
from lossdsl.syntax import ast
from lossdsl.syntax.options import CLASS_AXIS, IGNORE_INDEX


@dataclass(frozen=True, slots=True)
class Requirement:
    """What one argument of a call must be: within `range`, or `beside` it.

    `counts` says that the range is that of positions, `labels` that what it counts are classes;
    `option` is the parameter that is given a value beside them. `signs` says that only -1 and 1
    are allowed; `sums_along` is the axis, of the argument as the call has it, along which
    probabilities sum to 1.
    """

    parameter: str
    range: Interval
    beside: int | None = None
    option: str | None = None
    counts: bool = False
    labels: bool = False
    signs: bool = False
    sums_along: int | None = None

    @property
    def code(self) -> str:
        """The code under which a value outside is reported."""
        return "LD208" if self.counts else "LD503"

    def admits(self, number: float) -> bool:
        """Say whether a number is one of those that are allowed; NaN is no business of ranges."""
        if math.isnan(number) or number == self.beside:
            return True
        return number in self.range and not (self.signs and number not in (-1, 1))

    def __str__(self) -> str:
        if self.signs:
            return "-1 or 1"
        if self.counts:
            # The numbers themselves, as they count: [0, 3) is 0 to 2.
            last = self.range.high - (self.range.closing == ")")
            text = f"from {self.range.low:g}" + (f" to {last:g}" if last < math.inf else "")
        else:
            text = f"in {self.range}"
        return text if self.beside is None else f"{text} or {self.beside}"


def requirements(fitted: Fit) -> Iterator[Requirement]:
    """Yield what the arguments of a call must be, as far as sizes are known."""
    for parameter in fitted.bound.signature.parameters:
        name = parameter.name
        value = fitted.bound.values.get(name, (None, fitted.bound.span))[0]
        if name in fitted.bound.function.domains and value is not None:
            yield Requirement(name, fitted.bound.function.domains[name])
            continue
        if not isinstance(value, Value):
            continue
        pattern = pattern_of(parameter.type, value)
        role = pattern.role if isinstance(pattern, ast.ArrayTypeExpr) else None
        positions = fitted.bound.function.positions.get(name)
        if positions is None and role == "labels":
            positions = _labels(fitted.bound.signature)
        if positions is not None:
            requirement = _counted(fitted, name, positions)
            if requirement is not None:
                yield replace(requirement, option=positions.beside, labels=role == "labels")
        elif role is not None and role in ROLE_RANGES:
            along = _class_axis(fitted, pattern) if role in SUMMING else None
            yield Requirement(name, ROLE_RANGES[role], signs=role == "signs", sums_along=along)


def named(required: Requirement, function: str | None) -> str:
    """Return how a message names what is required of something; None is no function's."""
    of = "" if function is None else f" of `{function}`"
    return f"`{required.parameter}`{of}"


def requirement_text(function: str | None, required: Requirement) -> str:
    """Return what a message says of a requirement."""
    verb = "counts" if required.counts else "is" if required.signs else "lies"
    return f"{named(required, function)} {verb} {required}"


def advice(required: Requirement, number: float) -> str | None:
    """Return what to do about a label out of range."""
    if not required.labels:
        return None
    if number == required.range.high and number != required.range.low:
        return "labels count from 0"
    return required.option and f"`{required.option}={number:g}` leaves such labels out"


def _labels(signature: ast.Signature) -> Positions | None:
    """Return the range of labels: they count the classes, and there may be one to leave out."""
    ignored = any(parameter.name == IGNORE_INDEX for parameter in signature.parameters)
    classes = next(_classes(signature), None)
    if classes is None:
        return None
    return Positions(0, classes, beside=IGNORE_INDEX if ignored else None)


def _classes(signature: ast.Signature) -> Iterator[str]:
    """Yield the symbols that count classes.

    They are those that an `axis[K]` names of a distribution; of scores without a role, whose axis
    may be one of features, only that of a `class_axis`.
    """
    for parameter in signature.parameters:
        match parameter.plain_type:
            case ast.ArrayTypeExpr(role=role) as pattern if role in DISTRIBUTIONS:
                yield from class_symbols(signature, pattern)
            case _:
                pass
    for parameter in signature.parameters:
        if parameter.name == CLASS_AXIS and isinstance(parameter.type, ast.WordTypeExpr):
            yield from parameter.type.arguments


def _counted(fitted: Fit, name: str, positions: Positions) -> Requirement | None:
    """Return a range by a size, where that is known; None otherwise."""
    size = _size(fitted, positions.size)
    if size is None:
        # How far it counts is not known, and from where it does, but for what may be beside it.
        open_end = Interval(positions.low, math.inf, "[", ")")
        return None if positions.beside else Requirement(name, open_end, counts=True)
    if size <= positions.low:
        return None  # of no classes something else is said
    beside = None if positions.beside is None else _size(fitted, positions.beside)
    closing = "]" if positions.closed else ")"
    interval = Interval(positions.low, size, "[", closing)
    return Requirement(name, interval, beside, counts=True)


def _size(fitted: Fit, name: str) -> int | None:
    value = fitted.bound.values.get(name, (Static(None), fitted.bound.span))[0]
    dim = static_dim(value) if name in fitted.bound.values else fitted.bindings.dims.get(name)
    return None if dim is None else dim.known


def _class_axis(fitted: Fit, pattern: ast.TypeExpr | None) -> int | None:
    """Return the axis of an argument along which its classes lie; None if it has several."""
    symbols = class_symbols(fitted.bound.signature, pattern)
    axes = [fitted.symbols[symbol][0] for symbol in symbols if symbol in fitted.symbols]
    return axes[0] if len(axes) == 1 else None
