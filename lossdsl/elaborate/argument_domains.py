"""Where the arguments of a call may lie, by declared domains and roles; constants held to it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from lossdsl.core.graph import Const, Input
from lossdsl.elaborate.context import Call
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Argument, Static, Value
from lossdsl.infer.fit import Fit
from lossdsl.infer.patterns import class_symbols, pattern_of
from lossdsl.infer.statics import static_dim
from lossdsl.library.domains import Interval, Positions
from lossdsl.library.roles import DISTRIBUTIONS, ROLE_RANGES, SUMMING
from lossdsl.syntax import ast
from lossdsl.syntax.options import CLASS_AXIS, IGNORE_INDEX
from lossdsl.types.dims import Dim
from lossdsl.types.types import ArrayType


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


def hold_domains(call: Call, chosen: bool = True) -> bool:
    """Report constants for which the function is undefined; say whether there are none.

    While it is open which signature is meant, only what holds for all of them is required.
    """
    fine = True
    for requirement in requirements(call.fitted):
        if not chosen and requirement.parameter not in call.function.domains:
            continue
        value, span = call.bound.values[requirement.parameter]
        numbers = _numbers(value, {} if call.context.concrete else call.context.defaults)
        wrong = [(place, n) for place, n in enumerate(numbers) if not _allowed(requirement, n)]
        for place, number in wrong[:1]:
            which = "this" if len(numbers) == 1 else f"element {place}"
            if isinstance(value, Value) and isinstance(value.node, Input):
                which = f"the default of `{value.node.name}`"
            shown = number if isinstance(number, Dim) else f"{number:g}"
            message = f"{requirement_text(call.function.name, requirement)}; {which} is {shown}"
            help = None if isinstance(number, Dim) else advice(requirement, number)
            call.at(span).error(requirement.code, message, help=help)
        fine = fine and not wrong
        _hold_range(call, requirement)
    return fine


def _hold_range(call: Call, required: Requirement) -> None:
    """Report an input whose declared range leaves that of a parameter; a lint of the text."""
    value, span = call.bound.values[required.parameter]
    name = value.node.name if isinstance(value, Value) and isinstance(value.node, Input) else None
    declared = call.context.ranges.get(name or "") or _range_of_role(value)
    if declared is None or call.context.concrete or required.counts:
        return
    if not required.range.holds(declared):
        text = requirement_text(call.function.name, required)
        message = f"{text}; `{name}` may be in {declared}"
        call.at(span).error("LD426", message, help="scale it, or correct its range")


def _range_of_role(value: Argument) -> Interval | None:
    """Return where an input of signs lies: what counts from 0 reads them as something else."""
    match value:
        case Value(Input(), ArrayType(role="signs")):
            return ROLE_RANGES["signs"]
        case _:
            return None


def _numbers(value: Argument, defaults: Mapping[str, float]) -> tuple[int | float | Dim, ...]:
    """Return the numbers and sizes of an argument that is constant, or is one by default."""
    match value:
        case Value(Input(name)) if name in defaults:
            return (defaults[name],)
        case Value(Const(int() | float() | Dim() as number)):
            return (number,)
        case Value(Const(tuple() as numbers)) | Static(tuple() as numbers):
            return numbers
        case _:
            return ()


def _allowed(required: Requirement, number: int | float | Dim) -> bool:
    """Say whether a constant is allowed: NaN never is, and of a size all that is known counts."""
    if isinstance(number, Dim):
        if number.known is None:
            return number.most >= required.range.low
        number = number.known
    return not math.isnan(number) and required.admits(number)


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
