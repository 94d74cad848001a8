"""What a plain Python function returns, found by running it on shapes.

It runs first with a symbol for every size that has a name, then (once they are known) with the
sizes. Before sizes are known nothing imports JAX: without it a result is of unknown type.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from lossdsl.diagnostics.diagnostic import article
from lossdsl.frozen import dataclass
from lossdsl.library.python import call, nested
from lossdsl.polynomial import Polynomial
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_type
from lossdsl.types.dims import substitute
from lossdsl.types.dtypes import LONG_NAMES, dtype_name
from lossdsl.types.types import (
    CLASSES,
    LITERAL,
    UNKNOWN,
    UNKNOWN_DIM,
    ArrayType,
    Dim,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    array,
    arrays_of,
    kind,
    symbol_dim,
)

# Sizes on which a function is tried that refuses symbols: highly divisible, and all different.
_TRIED = 240

# A function that reads classes of dtypes is run on these.
_OF_CLASS = {"float": "f32", "int": "i32"}

# What stands for each symbol: another symbol, of JAX, or a number.
Sizes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call gives, by parameter: the types of what is computed, and plain values.

    A variadic parameter has a tuple of types.
    """

    types: Mapping[str, Type | tuple[Type, ...]]
    plain: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def each(self) -> Iterator[Type]:
        """Yield the type of every array, tree and record."""
        for entry in self.types.values():
            yield from entry if isinstance(entry, tuple) else (entry,)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with a call of a Python function: it raised, or returned what is no array."""

    code: str
    message: str
    notes: tuple[str, ...] = ()
    help: str | None = None


Outcome = ArrayType | UnknownType | Failure


def result_type(function: Callable[..., Any], arguments: Arguments, concrete: bool) -> Outcome:
    """Return the type of what a function returns; unknown where it cannot be told yet."""
    types = list(arguments.each())
    if not (concrete or "jax" in sys.modules) or any(map(_is_unknown, types)):
        return UNKNOWN
    symbols = dict.fromkeys(symbol for dim in _dims(types) for symbol in dim.symbols)
    named = _run(function, arguments, _symbolic(list(symbols)))
    if concrete:
        sized = _run(function, arguments, {})
        if isinstance(sized, ArrayType) and isinstance(named, ArrayType):
            return replace(sized, dims=_with_names(named, sized))
        return sized
    if isinstance(named, Failure) and symbols:
        # A function may count on what no symbol can promise, such as an even size.
        tried = _run(
            function, arguments, {symbol: _TRIED * (at + 1) for at, symbol in enumerate(symbols)}
        )
        return named if isinstance(tried, Failure) else UNKNOWN
    return named


def _with_names(named: ArrayType, sized: ArrayType) -> tuple[Dim, ...] | None:
    """Return sizes under the names that the symbols gave them."""
    if named.dims is None or sized.dims is None or len(named.dims) != len(sized.dims):
        return sized.dims
    pairs = zip(named.dims, sized.dims, strict=True)
    return tuple(replace(name, size=size.carried) if name.terms else size for name, size in pairs)


def _is_unknown(type: Type) -> bool:
    match type:
        case ArrayType(dtype=dtype, dims=dims):
            unsized = dims is None or any(dim.constant is None for dim in dims)
            return unsized or kind(dtype) in ("num", "any")
        case TreeType(leaves=leaves):
            return leaves is None or any(_is_unknown(leaf) for _, leaf in leaves)
        case RecordType(fields):
            return any(_is_unknown(field) for _, field in fields)
        case UnknownType():
            return True


def _dims(types: list[Type]) -> Iterator[Dim]:
    for type in types:
        for part in arrays_of(type):
            yield from part.dims or ()


def _symbolic(names: list[str]) -> Sizes:
    """Return a symbol of JAX for each of ours, with the same name where JAX can read it."""
    if not names:
        return {}
    from jax import export

    written = [_readable(name, at) for at, name in enumerate(names)]
    symbols = export.symbolic_shape(", ".join(written))
    return dict(zip(names, symbols, strict=True))


def _readable(name: str, at: int) -> str:
    free = name.isascii() and name.isidentifier() and name not in ("max", "min", "mod", "floordiv")
    return name if free else f"d{at}_"


def _run(function: Callable[..., Any], arguments: Arguments, sizes: Sizes) -> Outcome:
    """Run a function on shapes; the dims of its result have our symbols again."""
    import jax

    shapes = {
        name: tuple(_shape(type, sizes) for type in entry)
        if isinstance(entry, tuple)
        else _shape(entry, sizes)
        for name, entry in arguments.types.items()
    }
    returned: list[Any] = []

    def traced(arrays: Mapping[str, Any]) -> Any:
        returned.append(call(function, {**arguments.plain, **arrays}))
        return returned[0] if is_array(returned[0]) else 0.0

    try:
        result = jax.eval_shape(traced, shapes)
    except Exception as problem:  # whatever a function raises is what there is to say of it
        return raised(problem, function)
    if not is_array(returned[0]):
        help = "what a function returns is one array; several are several functions"
        reason = "which no spec can hold" if hasattr(returned[0], "dtype") else "not an array"
        return Failure("LD806", f"returns {described(returned[0])}, {reason}", help=help)
    dtype = dtype_name(result.dtype)
    assert dtype is not None
    if any(part.dtype in CLASSES for type in arguments.each() for part in arrays_of(type)):
        dtype = kind(dtype)
    return array(dtype, tuple(_dim(str(size), sizes) for size in result.shape))


def is_array(value: Any) -> bool:
    """Say whether a value is an array, or a number, of a dtype that the language has."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return dtype_name(value.dtype) is not None
    return isinstance(value, bool | int | float)


def _shape(type: Type, sizes: Sizes) -> Any:
    """Return an array, tree or record as the function receives it, with shapes for arrays."""
    import jax

    match type:
        case ArrayType(dtype=name, dims=dims, strength=strength):
            shape = tuple(_size(dim, sizes) for dim in dims or ())
            dtype = LONG_NAMES[_OF_CLASS.get(name, name)]
            return jax.ShapeDtypeStruct(shape, dtype, weak_type=strength == LITERAL)
        case TreeType(leaves=leaves):
            return nested({path: _shape(leaf, sizes) for path, leaf in leaves or ()})
        case RecordType(fields):
            return {name: _shape(field, sizes) for name, field in fields}
        case UnknownType():
            raise TypeError("nothing is known of an argument")


def _size(dim: Dim, sizes: Sizes) -> Any:
    if not sizes:
        return dim.known
    return dim.polynomial.evaluated(sizes)


def _dim(size: str, sizes: Sizes) -> Dim:
    """Return a size as JAX writes it over our symbols; unknown if it is no polynomial."""
    ours = {str(symbol): name for name, symbol in sizes.items()}
    read = read_size(size)
    return UNKNOWN_DIM if read is None else substitute(read, lambda name: symbol_dim(ours[name]))


def read_size(size: str) -> Polynomial | None:
    """Return a size as JAX writes it; None if it is no polynomial.

    >>> str(read_size("2*b^2 - 1")), read_size("floordiv(b, 2)")
    ('2*b**2-1', None)
    """
    if size.isdecimal():
        return Polynomial(int(size))
    parsed, _ = parse_type(Source(f"float[{size.replace('^', '**')}]"))
    match parsed:
        case ast.ArrayTypeExpr(dims=(ast.DimExpr() as dim,)):
            return dim.polynomial
        case _:
            return None


def raised(problem: Exception, *functions: object) -> Failure:
    """Say what a function raised, and where in the file of the functions at fault."""
    first, *_ = str(problem).splitlines() or [""]
    message = f"raised {named_type(problem)}" + (f": {first}" if first else "")
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if frame.filename in map(_file, functions)]
    return Failure("LD807", message, tuple(map(_shown, own[-1:])))


def _shown(frame: traceback.FrameSummary) -> str:
    text = f": `{frame.line}`" if frame.line else ""
    return f"at {frame.filename}:{frame.lineno}, in `{frame.name}`{text}"


def _file(function: Any) -> str | None:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return getattr(code, "co_filename", None)


def described(value: Any) -> str:
    """Name what came back in place of an array."""
    if value is None:
        return "`None`"
    if hasattr(value, "dtype"):
        return f"an array of {value.dtype}"
    return named_type(value)


def named_type(value: Any) -> str:
    """Return the type of a value as code, behind its article."""
    return article(f"`{type(value).__name__}`")
