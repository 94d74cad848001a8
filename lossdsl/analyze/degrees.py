"""How a value grows with each size: as which power of it.

A sum over an axis of size `B` grows as `B`, a mean as 1, and what is divided by `B` as `1/B`. Of
what is not a product of powers nothing is known, but where no size has been summed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import cast

from lossdsl.analyze.dataflow import Analysis
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves
from lossdsl.frozen import dataclass
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim

# By size, the power; of a size that is not there it is 0, and NaN where it is not known. None:
# of no size.
Degree = Mapping[str, float] | None


@dataclass(frozen=True)
class Degrees(Analysis[Degree]):
    """The degrees of the values of a graph."""

    graph: Graph

    def constant(self, node: Const) -> Degree:
        """A number has none, a size its own."""
        match node.value:
            case Dim() as dim:
                return self._of_size(dim)
            case _:
                return None if node.sizes else {}

    def given(self, node: Input | Leaves) -> Degree:
        """What is passed has none."""
        return {}

    def transfer(self, node: Apply, facts: Sequence[Degree]) -> Degree:
        """Return the degree of a result."""
        function = node.function
        known = [fact for fact, operand in zip(facts, node.arguments, strict=True) if operand]
        if node.undecided or None in known or not known:
            return None
        degrees = [fact for fact in known if fact is not None]
        first = degrees[0]
        match function.operator:
            case "*":
                return _combined(first, degrees[1], 1)
            case "/":
                return _combined(first, degrees[1], -1)
            case "+" | "-":
                return self._sum(node, first, degrees[1])
            case "@":
                return None if any(degrees) else self._contracted(node)
            case "**":
                return self._power(node, first)
            case "neg":
                return first
            case _:
                pass
        if function.reduction:
            return self._reduced(node, first) if node.arguments[2:] in ((), (None,)) else None
        if function.form in (Form.KEEP, Form.CAST):
            return degrees[-1] if function.form is Form.KEEP else first
        scale = next((law for law in function.laws if law.startswith("scale ")), None)
        if scale is not None and len(degrees) == 1:
            power = float(scale.removeprefix("scale "))
            return {name: power * degree for name, degree in first.items() if power}
        if len(function.keeps) == 1:
            return first
        return None if any(degrees) else {}

    def _sum(self, node: Apply, a: Mapping[str, float], b: Mapping[str, float]) -> Degree:
        """Return the degree of a sum of two: what is added as a number changes none.

        In a size in which the two differ, their sum has no degree that is known.
        """
        left, right = node.arguments[:2]
        if a == b or isinstance(right, Const):
            return a
        if isinstance(left, Const):
            return b
        pairs = {name: (a.get(name, 0), b.get(name, 0)) for name in (*a, *b)}
        return {name: first if first == second else nan for name, (first, second) in pairs.items()}

    def _power(self, node: Apply, base: Mapping[str, float]) -> Degree:
        match node.arguments[1]:
            case Const(int() | float() as power):
                return {name: power * degree for name, degree in base.items() if power}
            case _:
                return None if base else {}

    def _reduced(self, node: Apply, inner: Mapping[str, float]) -> Degree:
        operand, function = node.arguments[0], node.function
        if function.across != "add":
            return inner if function.across in ("mean", "maximum", "minimum") else None
        type = None if operand is None else self.graph.types[operand]
        if not isinstance(type, ArrayType) or type.dims is None:
            return None
        axes = cast("tuple[int, ...] | None", node.option(AXIS))
        over = type.dims if axes is None else [type.dims[axis] for axis in axes]
        total: Degree = inner
        for dim in over:
            size = self._of_size(dim)
            total = None if total is None or size is None else _combined(total, size, 1)
        return total

    def _contracted(self, node: Apply) -> Degree:
        (left, *_) = node.arguments
        type = None if left is None else self.graph.types[left]
        dims = type.dims if isinstance(type, ArrayType) else None
        return self._of_size(dims[-1]) if dims else None

    def _of_size(self, dim: Dim) -> Degree:
        """Return the degree of a size: of `B*T` both, of `B - 1` that of `B`."""
        size = self.graph.outward(dim)
        if size.constant is None or len(size.terms) > 1:
            return None
        symbols = size.terms[0][0] if size.terms else ()
        return {symbol: float(symbols.count(symbol)) for symbol in symbols}


def _combined(a: Mapping[str, float], b: Mapping[str, float], sign: int) -> Mapping[str, float]:
    """Return the degree of a product, or of a quotient."""
    powers = {name: a.get(name, 0) + sign * b.get(name, 0) for name in (*a, *b)}
    return {name: power for name, power in powers.items() if power}
