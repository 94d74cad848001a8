"""The symbols of one expanded definition, and the dims that they stand for outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from lossdsl.syntax import ast
from lossdsl.types.dims import substitute
from lossdsl.types.types import (
    UNKNOWN_DIM,
    Dim,
    Type,
    literal_dim,
    map_dims,
    symbol_dim,
)
from lossdsl.types.unify import Bindings


class Local:
    """The symbols of one expansion, and the dims that they stand for outside."""

    def __init__(self, bindings: Bindings, outer: dict[str, Dim]):
        self.bindings = bindings
        self.outer = outer

    @classmethod
    def of(cls, definition: ast.Definition, bindings: Bindings, number: int) -> Local:
        """Return fresh symbols for a definition; what no argument bound is of unknown size."""
        outer: dict[str, Dim] = {}

        def rigid(name: str, dim: Dim) -> Dim:
            symbol = f"{name}@{number}"
            outer[symbol] = dim
            return symbol_dim(symbol, dim.carried)

        dims = {
            symbol: rigid(symbol, bindings.dims.get(symbol, UNKNOWN_DIM))
            for symbol in definition.signature.symbols
        }
        runs = {
            name: tuple(rigid(f"{name}{at}", dim) for at, dim in enumerate(run))
            for name, run in bindings.runs.items()
        }
        return cls(Bindings(dims, runs, dict(bindings.origin)), outer)

    def outward(self, type: Type) -> Type:
        """Return a type with the caller's dims in place of the definition's."""
        return map_dims(type, self._dim)

    def _dim(self, dim: Dim) -> Dim:
        if not dim.terms or not any(symbol in self.outer for symbol in dim.symbols):
            return dim
        if dim.name is not None:
            return replace(self.outer[dim.name], growable=dim.growable)
        result = substitute(dim.polynomial, lambda s: self.outer.get(s, symbol_dim(s)))
        if result.carried is None and dim.carried is not None:
            return literal_dim(dim.carried)
        return result


def sizes_of_defaults(
    definition: ast.Definition, given: Collection[str]
) -> Iterator[tuple[str, Dim]]:
    """Yield the sizes that parameters which are not given have by their defaults."""
    for parameter in definition.signature.parameters:
        match parameter:
            case ast.Parameter(
                type=ast.ArrayTypeExpr(dims=(ast.DimExpr(name=str() as symbol),)),
                default=ast.Tuple(items),
            ) if parameter.name not in given:
                yield symbol, literal_dim(len(items))
            case _:
                pass


def runs_of_signature(
    definition: ast.Definition, bindings: Bindings
) -> dict[str, tuple[Dim, ...] | None]:
    """Return the runs of the signature; one that no argument bound is known but unresolved."""
    return {name: bindings.runs.get(name) for name in definition.signature.runs}
