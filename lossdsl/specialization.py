"""Core at the types of calls: made once for all calls that differ in sizes it does not depend on.

A call has a pattern: its dtypes, ranks and trees, and which of its sizes are equal, 0 or 1. Core of
one pattern reads few sizes, such as those of parameters, and serves every call that has these.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from threading import RLock

from lossdsl.analyze.sizes import Made, array_sizes, made_values
from lossdsl.core.graph import Core, Node
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, has_errors
from lossdsl.frozen import dataclass
from lossdsl.limits import Limits
from lossdsl.optimize import optimize
from lossdsl.optimize.chunk_size import Budget
from lossdsl.optimize.chunked_values import Chunked, LargeValue, large_value
from lossdsl.optimize.chunks import chunks
from lossdsl.specialize.leafwise import Flat, leafwise
from lossdsl.types.size_guards import Guards
from lossdsl.types.types import ArrayType, Dim, RecordType, TreeType, Type, literal_dim, map_dims

Roots = Callable[[Core], Sequence[Node]]

# How many cores a loss keeps, by the types of a call.
KEPT = 8


@dataclasses.dataclass(eq=False)
class Specialized:
    """Core at the types of a call, and flat core of what was asked of it."""

    core: Core
    guards: Guards
    default_float: str
    stabilize: bool
    _flat: dict[Roots, Flat] = field(default_factory=dict["Roots", Flat])

    @cached_property
    def made(self) -> tuple[Made, ...]:
        """The values that are made, one for each shape."""
        return made_values(self.core)

    def flat(self, roots: Roots) -> Flat:
        """Return flat core of some nodes, rewritten."""
        if roots not in self._flat:
            flat = leafwise(self.core.graph, roots(self.core), self.default_float)
            flat.graph.ranges = self.core.ranges
            rewritten = optimize(flat.graph, flat.roots, self.stabilize)
            self._flat[roots] = Flat(flat.graph, rewritten)
        return self._flat[roots]


@dataclass(frozen=True, slots=True)
class Call:
    """What is computed at one call: core, flat core of the roots, and the sizes of the call.

    `chunked` has what is computed a chunk of rows at a time.
    """

    core: Core
    flat: Flat
    sizes: Mapping[str, int]
    made: tuple[Made, ...]
    chunked: tuple[Chunked, ...]

    @property
    def large(self) -> tuple[LargeValue, ...]:
        """What is computed in chunks, in the words of the text."""
        return tuple(large_value(self.flat.graph, chunked) for chunked in self.chunked)


def hold_sizes(call: Call, limits: Limits, told: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Raise for a value that is too large to be made at a call; return what grew, untold."""
    large = list(array_sizes(call.core, call.made, limits, call.sizes))
    if has_errors(large):
        raise LossError(large)
    known = {(diagnostic.code, diagnostic.span) for diagnostic in told}
    return [diagnostic for diagnostic in large if (diagnostic.code, diagnostic.span) not in known]


Elaborate = Callable[[Mapping[str, Type]], Core]


class Specializer:
    """Returns core at the types of a call; the last few are kept.

    To `stabilize` is to compute what the text says so that no extreme is lost. Of a value above
    `chunk_bytes` rows are computed a chunk at a time where all that reads it goes by row.
    """

    def __init__(self, stabilize: bool = True, chunk_bytes: int | None = None) -> None:
        self._stabilize = stabilize
        self._budget = Budget(chunk_bytes) if chunk_bytes else None
        self._kept: OrderedDict[Hashable, list[Specialized]] = OrderedDict()
        self._lock = RLock()

    def __call__(
        self,
        elaborate: Elaborate,
        types: Mapping[str, Type],
        roots: Roots,
        default_float: str,
        variant: Hashable = None,
        guarded: bool = True,
    ) -> Call:
        """Return what `elaborate` makes of types, flat and rewritten as far as the roots reach.

        Calls of another `variant` share nothing. Sizes that are not `guarded` are numbers, each
        of which asks for core of its own.
        """
        guards = Guards()
        symbol = _symbol(guards) if guarded else _itself
        pattern = tuple((name, _pattern(type, symbol)) for name, type in types.items())
        key = (pattern, default_float, variant)
        with self._lock:
            for specialized in self._kept.get(key, ()):
                if specialized.guards.hold(guards.sizes):
                    flat = specialized.flat(roots)
                    # Flat core may have read what core did not.
                    if specialized.guards.hold(guards.sizes):
                        self._kept.move_to_end(key)
                        return self._call(specialized, flat, guards.sizes)
            if guarded:
                types = {name: map_dims(type, _sized(guards)) for name, type in types.items()}
            core = elaborate(types)
            specialized = Specialized(core, guards, default_float, self._stabilize)
            flat = specialized.flat(roots)
            self._kept.setdefault(key, []).append(specialized)
            self._kept.move_to_end(key)
            while sum(map(len, self._kept.values())) > KEPT:
                self._drop()
            return self._call(specialized, flat, guards.sizes)

    def _call(self, specialized: Specialized, flat: Flat, sizes: Mapping[str, int]) -> Call:
        # Asked at each call, so that no size is read: core serves calls of all sizes.
        chunked = chunks(flat.graph, flat.roots, sizes, self._budget)
        return Call(specialized.core, flat, sizes, specialized.made, chunked)

    def _drop(self) -> None:
        """Let go of the core that was made first for the types that were passed longest ago."""
        oldest = next(iter(self._kept))
        del self._kept[oldest][0]
        if not self._kept[oldest]:
            del self._kept[oldest]


def _pattern(type: Type, symbol: Callable[[Dim], Hashable]) -> Hashable:
    """Return what calls have in common that one core may serve."""
    match type:
        case ArrayType(dtype=dtype, dims=dims, strength=strength, role=role):
            return dtype, strength, role, None if dims is None else tuple(map(symbol, dims))
        case TreeType(leaves=leaves):
            each = tuple((path, _pattern(leaf, symbol)) for path, leaf in leaves or ())
            return "tree", type.role, type.unread, leaves is None, each
        case RecordType(fields):
            return "record", tuple((name, _pattern(field, symbol)) for name, field in fields)
        case _:
            return type


def _symbol(guards: Guards) -> Callable[[Dim], Hashable]:
    return lambda dim: guards.symbol(_number(dim))


def _sized(guards: Guards) -> Callable[[Dim], Dim]:
    return lambda dim: literal_dim(guards.size(_number(dim)))


def _number(dim: Dim) -> int:
    """Return the size of an axis of what is passed, which is a number."""
    assert dim.known is not None
    return dim.known


def _itself(dim: Dim) -> Hashable:
    return dim
