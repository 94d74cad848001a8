"""Signatures against arguments: symbols and runs bound, linear dims solved, the rest checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lossdsl.syntax import ast
from lossdsl.types.types import (
    CLASSES,
    UNKNOWN_DIM,
    ArrayType,
    Dim,
    combine_dims,
    literal_dim,
    same_dim,
)

DimPattern = ast.DimExpr | ast.AnyDim | ast.Run


@dataclass(frozen=True, slots=True)
class Clash:
    """Why an argument does not fit: which one, in what, and what would have fitted.

    `kind` is `rank`, `dim` or `dtype`; `expected` and `found` are written for a reader.
    """

    parameter: str
    kind: str
    expected: str
    found: str


@dataclass
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

    Bare symbols and runs are bound first, over all arguments; then linear dims with one unknown
    symbol are solved; then everything is checked. An argument of unknown rank binds nothing.
    """
    equations: list[_Equation] = []
    waiting = [(name, pattern, one) for name, pattern, one in arguments if one.dims is not None]
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
    found = "[" + ", ".join(map(str, actual)) + "]"
    if spare < 0 or (spare > 0 and not has_open):
        bound = any(isinstance(d, ast.Run) and d.name in bindings.runs for d in pattern.dims)
        return Clash(name, "dim" if bound else "rank", show_dims(pattern.dims, bindings), found)
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
                        return Clash(name, "dim", show_dims(pattern.dims, bindings), found)
                    else:
                        bindings.runs[run] = tuple(map(_clearer, known, dims))
                at += length
            case ast.AnyDim():
                at += 1
            case ast.DimExpr():
                equations.append(_Equation(name, dim, actual[at]))
                at += 1
    return None


def _clearer(a: Dim, b: Dim) -> Dim:
    return b if a.constant is None else a


def _solve(equations: list[_Equation], bindings: Bindings) -> Clash | None:
    def open_symbols(pattern: ast.DimExpr) -> list[tuple[str, int]]:
        return [(s, k) for s, k in pattern.terms if s not in bindings.dims]

    for bare in (True, False):
        progress = True
        while progress:
            progress = False
            for equation in equations:
                open_ones = open_symbols(equation.pattern)
                is_bare = equation.pattern.constant == 0 and equation.pattern.terms == tuple(
                    (s, 1) for s, _ in open_ones[:1]
                )
                if len(open_ones) != 1 or (bare and not is_bare):
                    continue
                ((symbol, factor),) = open_ones
                rest = replace(
                    equation.pattern,
                    terms=tuple(t for t in equation.pattern.terms if t[0] != symbol),
                )
                value = combine_dims([(1, equation.actual), (-1, evaluate_dim(rest, bindings))])
                if factor != 1:
                    value = _divide(value, factor)
                if value is None:
                    return _dim_clash(equation, bindings)
                bindings.dims[symbol], bindings.origin[symbol] = value, equation.parameter
                progress = True
    for equation in equations:
        if open_symbols(equation.pattern):
            continue
        if same_dim(evaluate_dim(equation.pattern, bindings), equation.actual) is False:
            return _dim_clash(equation, bindings)
        name = equation.pattern.terms[0][0] if len(equation.pattern.terms) == 1 else None
        if name is not None and bindings.dims[name].constant is None:
            bindings.dims[name] = _clearer(bindings.dims[name], equation.actual)
    return None


def _dim_clash(equation: _Equation, bindings: Bindings) -> Clash:
    expected = show_dims((equation.pattern,), bindings)[1:-1]
    return Clash(equation.parameter, "dim", expected, str(equation.actual))


def _divide(value: Dim, factor: int) -> Dim | None:
    """Return value / factor when it is a size; None when it cannot be one."""
    if value.constant is None:
        return value
    if value.known is not None:
        return literal_dim(value.known // factor) if value.known % factor == 0 else None
    parts = (value.constant, *(k for _, k in value.terms))
    if any(part % factor for part in parts):
        return UNKNOWN_DIM
    return Dim(value.constant // factor, tuple((s, k // factor) for s, k in value.terms))


def evaluate_dim(pattern: DimPattern, bindings: Bindings) -> Dim:
    """Return what a single dim of a pattern stands for; unknown while a symbol is unbound."""
    match pattern:
        case ast.DimExpr(constant, terms):
            parts = [(k, bindings.dims.get(symbol, UNKNOWN_DIM)) for symbol, k in terms]
            if constant == 0 and len(parts) == 1 and parts[0][0] == 1:
                return parts[0][1]
            return combine_dims(parts, constant)
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
