"""What the entries of a value sum to along an axis, at two samples of its sizes and settings.

A total that is not 1 at either is not 1: a polynomial that is another one hardly agrees with it at
numbers that are drawn without it in view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import add, mul, sub, truediv
from zlib import crc32

from lossdsl.analyze.dataflow import Analysis
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves
from lossdsl.frozen import dataclass
from lossdsl.library.roles import SUMMING
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim

# A number at each of the samples.
Sampled = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Level:
    """Every entry along the axis is one number."""

    number: Sampled


@dataclass(frozen=True, slots=True)
class Sum:
    """The entries along the axis sum to a number."""

    total: Sampled


@dataclass(frozen=True, slots=True)
class Across:
    """The entries sum to 1 along another axis, counted from the last, which is 1."""

    axis: int


Total = Level | Sum | Across | None

_ONE: Sampled = (1.0, 1.0)
_MINUS: Sampled = (-1.0, -1.0)
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
}


@dataclass(frozen=True)
class AxisTotals(Analysis[Total]):
    """Totals along an axis of a size, counted from the last, which is 1.

    `settings` has the inputs that have a default, at which they are first.
    """

    graph: Graph
    axis: int
    size: Dim
    settings: Mapping[str, float]

    def constant(self, node: Const) -> Total:
        """Return a number or a size as what every entry is."""
        match node.value:
            case bool() | tuple():
                return None
            case Dim() as size:
                known = self._size(size)
                return None if known is None else Level(known)
            case number:
                return Level((float(number), float(number)))

    def given(self, node: Input | Leaves) -> Total:
        """Return what a single number is at the samples, or what its role says of an array."""
        type = self.graph.types[node]
        if not isinstance(type, ArrayType) or type.dims is None:
            return None
        if not type.dims and isinstance(node, Input):
            drawn = _drawn(node.name)
            return Level((self.settings.get(node.name, drawn[0]), drawn[1]))
        return Sum(_ONE) if type.role in SUMMING and len(type.dims) > 1 else None

    def transfer(self, node: Apply, facts: Sequence[Total]) -> Total:
        """Return the total of a result: of a distribution 1, and else by its arithmetic."""
        if node.undecided:
            return None
        if node.function.form is Form.CAST or node.function.form is Form.STOP_GRADIENT:
            return facts[0]
        made = self._distribution(node)
        if made is not None:
            return made
        match node.function.operator, *facts:
            case "neg", Level(number):
                return Level(_each(mul, number, _MINUS))
            case "neg", Sum(total):
                return Sum(_each(mul, total, _MINUS))
            case str() as symbol, Level(a), Level(b) if symbol in _ARITHMETIC:
                return Level(_each(_ARITHMETIC[symbol], a, b)) if symbol != "/" or all(b) else None
            case str() as symbol, a, b:
                return self._arithmetic(symbol, a, b)
            case _:
                return None

    def _arithmetic(self, symbol: str, a: Total, b: Total) -> Total:
        match symbol, a, b:
            case "+" | "-", Sum() | Level(), Sum() | Level():
                left, right = self._summed(a), self._summed(b)
                return (
                    None
                    if left is None or right is None
                    else Sum(_each(_ARITHMETIC[symbol], left, right))
                )
            case ("*", Sum(total), Level(by)) | ("*", Level(by), Sum(total)):
                return Sum(_each(mul, total, by))
            case "/", Sum(total), Level(by) if all(by):
                return Sum(_each(truediv, total, by))
            case _:
                return None

    def _summed(self, fact: Level | Sum) -> Sampled | None:
        size = self._size(self.size)
        if isinstance(fact, Sum):
            return fact.total
        return None if size is None else _each(mul, fact.number, size)

    def _size(self, dim: Dim) -> Sampled | None:
        """Return what a size is at the samples: the symbols of the text are drawn."""
        return _sampled(self.graph.outward(dim))

    def _distribution(self, node: Apply) -> Total:
        """Return what is made to sum to 1, along the axis or along another one."""
        (role, *several) = node.function.result_roles
        axes, dims = node.option(AXIS), self.graph.dims(node)
        if several or role not in SUMMING:
            return None
        if role == "one_hot":
            return Sum(_ONE) if self.axis == 1 else Across(1)
        if not isinstance(axes, tuple):
            return None
        back = [len(dims) - axis for axis in axes]
        if self.axis in back:
            return Sum(_ONE) if len(back) == 1 else None
        return Across(back[0]) if len(back) == 1 else None


def _each(compute: Callable[..., float], *samples: Sampled) -> Sampled:
    first, second = (compute(*numbers) for numbers in zip(*samples, strict=True))
    return first, second


def _drawn(name: str) -> Sampled:
    """Return two numbers between 0.1 and 0.9 that differ from name to name."""
    number = crc32(name.encode())
    return 0.1 + number % 7919 / 9901, 0.1 + number % 6151 / 7691


def _sampled(dim: Dim) -> Sampled | None:
    if dim.known is not None:
        return float(dim.known), float(dim.known)
    if dim.constant is None:
        return None
    drawn = {symbol: _drawn(symbol) for symbol in dim.symbols}
    first, second = (
        dim.polynomial.evaluated({name: 3 + round(90 * both[at]) for name, both in drawn.items()})
        for at in (0, 1)
    )
    return first, second
