"""Signatures against arguments: symbols and runs bound, sizes solved, the rest checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from dataclasses import field

from lossdsl.frozen import dataclass
from lossdsl.polynomial import split
from lossdsl.syntax import ast
from lossdsl.types.dims import solve, substitute
from lossdsl.types.types import (
    CLASSES,
    UNKNOWN_DIM,
    ArrayType,
    Dim,
    same_dim,
)

DimPattern = ast.DimExpr | ast.AnyDim | ast.Run


@dataclass(frozen=True, slots=True)
class Clash:
    """Why an argument does not fit: which one, in what, and what would have fitted.

    `kind` is `rank`, `dim` or `dtype`; `expected` and `actual` are written for a reader.
    """

    parameter: str
    kind: str
    expected: str
    actual: str


@dataclasses.dataclass
class Bindings:
    """What the symbols and runs of one signature stand for at one call."""

    dims: dict[str, Dim] = field(default_factory=dict[str, Dim])
    runs: dict[str, tuple[Dim, ...]] = field(default_factory=dict[str, tuple[Dim, ...]])
    origin: dict[str, str] = field(default_factory=dict[str, str])

    def notes(self) -> tuple[str, ...]:
        """Return the bindings so far, a line each, for the notes of a diagnostic."""
        runs = ((f"*{name}", dims) for name, dims in self.runs.items())
        single = ((name, (dim,)) for name, dim in self.dims.items())
        return tuple(
            f"{name} = {', '.join(map(str, dims)) or 'no dims'} "
            f"from `{self.origin[name.removeprefix('*')]}`"
            for name, dims in (*runs, *single)
        )


@dataclass(frozen=True, slots=True)
class _Equation:
    parameter: str
    pattern: ast.DimExpr
    actual: Dim


def unify(
    arguments: Iterable[tuple[str, ast.ArrayTypeExpr, ArrayType]], bindings: Bindings
) -> Clash | None:
    """Bind the symbols of patterns to the dims of arguments; return the first disagreement.

    Bare symbols and runs are bound first, over all arguments; then sizes in which one symbol is
    unknown are solved for it; then everything is checked. An argument of unknown rank binds
    nothing.
    """
    equations: list[_Equation] = []
    waiting = [
        (name, pattern, actual) for name, pattern, actual in arguments if actual.dims is not None
    ]
    while waiting:
        later: list[tuple[str, ast.ArrayTypeExpr, ArrayType]] = []
        for name, pattern, actual in waiting:
            assert actual.dims is not None
            open_runs = [
                d for d in pattern.dims if isinstance(d, ast.Run) and d.name not in bindings.runs
            ]
            if len(open_runs) > 1:
                later.append((name, pattern, actual))
                continue
            clash = _split(name, pattern, actual.dims, bindings, equations)
            if clash is not None:
                return clash
        if len(later) == len(waiting):
            break
        waiting = later
    return _solve(equations, bindings)


def _split(
    name: str,
    pattern: ast.ArrayTypeExpr,
    actual: tuple[Dim, ...],
    bindings: Bindings,
    equations: list[_Equation],
) -> Clash | None:
    """Line the pattern up with the dims; bind its one open run; collect the other equations."""
    fixed = 0
    for dim in pattern.dims:
        if not isinstance(dim, ast.Run):
            fixed += 1
        elif dim.name in bindings.runs:
            fixed += len(bindings.runs[dim.name])
    spare = len(actual) - fixed
    has_open = any(isinstance(d, ast.Run) and d.name not in bindings.runs for d in pattern.dims)
    if spare < 0 or (spare > 0 and not has_open):
        bound = any(isinstance(d, ast.Run) and d.name in bindings.runs for d in pattern.dims)
        expected = show_dims(pattern.dims, bindings)
        return Clash(name, "dim" if bound else "rank", expected, _shown(actual))
    at = 0
    for dim in pattern.dims:
        match dim:
            case ast.Run(run):
                length = len(bindings.runs[run]) if run in bindings.runs else spare
                dims = actual[at : at + length]
                if run is not None:
                    known = bindings.runs.get(run)
                    if known is None:
                        bindings.runs[run], bindings.origin[run] = dims, name
                    elif any(same_dim(a, b) is False for a, b in zip(known, dims, strict=True)):
                        expected = show_dims(pattern.dims, bindings)
                        return Clash(name, "dim", expected, _shown(actual))
                    else:
                        bindings.runs[run] = tuple(map(_clearer, known, dims))
                at += length
            case ast.AnyDim():
                at += 1
            case ast.DimExpr():
                equations.append(_Equation(name, dim, actual[at]))
                at += 1
    return None


def _shown(dims: tuple[Dim, ...]) -> str:
    return f"[{', '.join(map(str, dims))}]"


def _clearer(a: Dim, b: Dim) -> Dim:
    return b if a.constant is None else a


def _solve(equations: list[_Equation], bindings: Bindings) -> Clash | None:
    """Bind bare symbols, then whatever one unknown symbol is left for, and check the rest."""
    bare = [equation for equation in equations if equation.pattern.name is not None]
    rest = [equation for equation in equations if equation.pattern.name is None]
    for equations_now in (bare, rest):
        progress = True
        while progress:
            progress = False
            for equation in equations_now:
                match [s for s in equation.pattern.symbols if s not in bindings.dims]:
                    case [symbol]:
                        pattern = equation.pattern.polynomial
                        value = solve(pattern, symbol, bindings.dims.__getitem__, equation.actual)
                        if value is None:
                            return _dim_clash(equation, bindings)
                        if value.constant is None:
                            continue
                        bindings.dims[symbol], bindings.origin[symbol] = value, equation.parameter
                        progress = True
                    case _:
                        pass
    for equation in equations:
        if any(symbol not in bindings.dims for symbol in equation.pattern.symbols):
            continue
        if same_dim(evaluate_dim(equation.pattern, bindings), equation.actual) is False:
            return _dim_clash(equation, bindings)
    return None


def undetermined(
    types: Iterable[ast.TypeExpr | None], known: Collection[str] = ()
) -> frozenset[str]:
    """Return the symbols of types, beside the known, whose sizes no values of the types show."""
    dims = [dim for type in types if type is not None for dim in ast.walk(type)
            if isinstance(dim, ast.DimExpr)]  # fmt: skip
    left = {symbol for dim in dims for symbol in dim.symbols}.difference(
        known, (dim.name for dim in dims)
    )
    progress = bool(left)
    while progress:
        # Where one symbol is unknown and stands in one power, the size is solved for it.
        alone = (set(dim.symbols) & left for dim in dims)
        solved = {
            next(iter(unknown))
            for unknown, dim in zip(alone, dims, strict=True)
            if len(unknown) == 1 and split(dim.polynomial, *unknown) is not None
        }
        progress = bool(solved)
        left -= solved
    return frozenset(left)


def _dim_clash(equation: _Equation, bindings: Bindings) -> Clash:
    expected = show_dims((equation.pattern,), bindings)[1:-1]
    return Clash(equation.parameter, "dim", expected, str(equation.actual))


def evaluate_dim(pattern: DimPattern, bindings: Bindings) -> Dim:
    """Return what a single dim of a pattern stands for; unknown while a symbol is unbound."""
    match pattern:
        case ast.DimExpr():
            return substitute(pattern.polynomial, lambda s: bindings.dims.get(s, UNKNOWN_DIM))
        case ast.AnyDim() | ast.Run():
            return UNKNOWN_DIM


def instantiate(pattern: Iterable[DimPattern], bindings: Bindings) -> tuple[Dim, ...] | None:
    """Return the dims that a pattern stands for; None while one of its runs is unbound."""
    dims: list[Dim] = []
    for dim in pattern:
        if isinstance(dim, ast.Run):
            if dim.name not in bindings.runs:
                return None
            dims += bindings.runs[dim.name]
        else:
            dims.append(evaluate_dim(dim, bindings))
    return tuple(dims)


def show_dims(pattern: Iterable[DimPattern], bindings: Bindings) -> str:
    """Return a pattern for a reader, with its bound symbols replaced."""
    parts: list[str] = []
    for dim in pattern:
        match dim:
            case ast.Run(name):
                if name in bindings.runs:
                    parts += map(str, bindings.runs[name])
                else:
                    parts.append("..." if name is None else f"*{name}")
            case ast.AnyDim():
                parts.append("_")
            case ast.DimExpr(constant, terms):
                value = evaluate_dim(dim, bindings)
                shown = Dim(constant, terms) if value.constant is None else value
                parts.append(str(shown))
    return "[" + ", ".join(parts) + "]"


def show_pattern(pattern: ast.ArrayTypeExpr, bindings: Bindings | None = None) -> str:
    """Return an array pattern as it is written in a signature, bound symbols replaced."""
    role = f"{pattern.role} " if pattern.role else ""
    if not pattern.dims and pattern.dtype in CLASSES:
        return role + pattern.dtype
    return role + pattern.dtype + show_dims(pattern.dims, bindings or Bindings())
