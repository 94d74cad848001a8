"""Random values of a type as it is written: of its dims, its role, and the domain of a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from lossdsl.library.domains import Interval
from lossdsl.syntax import ast
from lossdsl.types.types import kind

_TREE = {"layer": {"weight": (3, 2), "bias": (2,)}, "tau": ()}
_BATCHED = {"first": (3,), "more": {"second": (2, 3)}}


@dataclass(frozen=True)
class Sizes:
    """The sizes of what is drawn: those of the axes of a run, and of dims by name.

    A run or a dim that is not given gets a random size, or `other` if that is a number.
    """

    run: tuple[int, ...] | None = None
    dims: Mapping[str, int] = field(default_factory=dict[str, int])
    other: int | None = None


class Drawn:
    """Random values, and the sizes that dims have got so far: one for each name.

    `rank` is the number of axes of a run that has no given sizes.
    """

    def __init__(
        self,
        random: np.random.Generator,
        sizes: Sizes,
        domains: Mapping[str, Interval] | None = None,
        rank: int | None = None,
    ):
        self.random, self.sizes, self.domains = random, sizes, domains or {}
        self.known = dict(sizes.dims)
        if sizes.run is None or (rank and not sizes.run):
            drawn = int(random.integers(0, 3)) if rank is None else rank
            self.run = tuple(self._size() for _ in range(drawn))
        else:
            self.run = sizes.run if rank in (None, len(sizes.run)) else (sizes.run * rank)[:rank]

    def _size(self) -> int:
        return self.sizes.other or int(self.random.integers(2, 6))

    def value(self, name: str, type: ast.TypeExpr) -> Any:
        """Return a value of a type."""
        match type:
            case ast.ArrayTypeExpr():
                return self.array(name, type, self._shape(name, type))
            case ast.TreeTypeExpr(leaf=leaf):
                kind = leaf or ast.ArrayTypeExpr("float", (), None, type.span)
                lead = self._shape(name, kind)[:1] if leaf and leaf.dims else ()
                shapes = _BATCHED if lead else _TREE
                return self._tree(name, kind, shapes, lead)
            case ast.RecordTypeExpr(fields):
                return {field.name: self.value(field.name, field.type) for field in fields}
            case ast.WordTypeExpr(word="static"):
                return int(self.random.integers(1, 4))
            case ast.UnionTypeExpr(options):
                return self.value(name, options[0])
            case _:
                raise TypeError(f"no value of the type of `{name}` can be drawn")

    def _tree(self, name: str, kind: ast.ArrayTypeExpr, shapes: Any, lead: tuple[int, ...]) -> Any:
        if isinstance(shapes, tuple):
            return self.array(name, kind, (*lead, *cast("tuple[int, ...]", shapes)))
        return {key: self._tree(name, kind, inner, lead) for key, inner in shapes.items()}

    def _shape(self, name: str, type: ast.ArrayTypeExpr) -> tuple[int, ...]:
        shape: list[int] = []
        for dim in type.dims:
            match dim:
                case ast.Run():
                    shape += self.run
                case ast.DimExpr():
                    sizes = {symbol: self.dim(symbol) for symbol in dim.symbols}
                    shape.append(dim.polynomial.evaluated(sizes))
                case _:
                    shape.append(self._size())
        if min(shape, default=0) < 0 or (type.role == "one_hot" and not all(shape[-1:] or [0])):
            raise TypeError(f"no value of `{name}` can be drawn: it would be of sizes {shape}")
        return tuple(shape)

    def dim(self, symbol: str) -> int:
        """Return the size of a dim, the same wherever it stands."""
        if symbol not in self.known:
            self.known[symbol] = self._size()
        return self.known[symbol]

    def array(self, name: str, type: ast.ArrayTypeExpr, shape: tuple[int, ...]) -> Any:
        """Return random entries of a role, or within a domain."""
        random = self.random
        over_classes = bool(type.dims) and not isinstance(type.dims[-1], ast.Run)
        match type.role, kind(type.dtype):
            case "labels", _:
                return random.integers(0, max(self.dim("K"), 1), shape).astype(np.int32)
            case "one_hot", _:
                return np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])]
            case (("probs" | "log_probs"), _):
                probabilities = (
                    self._simplex(shape) if over_classes else random.uniform(0.05, 0.95, shape)
                )
                return np.log(probabilities) if type.role == "log_probs" else probabilities
            case "signs", _:
                return random.choice([-1.0, 1.0], shape)
            case (("spikes" | "mask"), dtype) if dtype != "bool":
                return random.choice([0.0, 1.0], shape)
            case (("var" | "std"), _):
                return random.uniform(0.5, 2, shape)
            case _, "bool":
                return random.random(shape) < 0.6
            case _ if name in self.domains:
                return self._inside(name, kind(type.dtype) == "int", shape)
            case _, "int":
                return random.integers(0, 5, shape).astype(np.int32)
            case _:
                return random.normal(scale=1.5, size=shape)

    def _simplex(self, shape: tuple[int, ...]) -> Any:
        positive = self.random.uniform(0.2, 1, shape)
        return positive / positive.sum(-1, keepdims=True)

    def _inside(self, name: str, integer: bool, shape: tuple[int, ...]) -> Any:
        """Return random entries of a domain; of one without end, the numbers beside its other."""
        domain = self.domains[name]
        low, high = domain.low, domain.high
        if integer:
            return self.random.integers(*_whole(name, domain), shape, endpoint=True).astype(
                np.int32
            )
        if low > high:
            raise TypeError(f"no value of `{name}` can be drawn: no number lies in {domain}")
        if np.isinf(low) and np.isinf(high):
            return self.random.normal(size=shape)
        if np.isinf(high):
            return low + self.random.uniform(0.2, 3, shape)
        if np.isinf(low):
            return high - self.random.uniform(0.2, 3, shape)
        return low + (high - low) * self.random.uniform(0.05, 0.95, shape)


def _whole(name: str, domain: Interval) -> tuple[int, int]:
    """Return the first and the last whole number in a domain that int32 can hold."""
    least, most = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    low, high = np.clip([domain.low, domain.high], least, most)
    first, last = int(np.ceil(low)), int(np.floor(high))
    first, last = first + (first not in domain), last - (last not in domain)
    if np.isinf(domain.low):
        first = 0 if np.isinf(domain.high) else last - 5
    if np.isinf(domain.high):
        last = first + 5
    if first > last:
        raise TypeError(f"no value of `{name}` can be drawn: no whole number lies in {domain}")
    return max(first, least), min(last, most)
