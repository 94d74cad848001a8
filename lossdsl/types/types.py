"""What the checker knows about a value: dims, dtypes, arrays, trees and records.

Everything here is gradual: what is unknown stays unknown and is checked once it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import cast

from lossdsl.frozen import dataclass
from lossdsl.types.dims import UNKNOWN_DIM as UNKNOWN_DIM
from lossdsl.types.dims import Dim as Dim
from lossdsl.types.dims import combine_dims as combine_dims
from lossdsl.types.dims import literal_dim as literal_dim
from lossdsl.types.dims import product_dim as product_dim
from lossdsl.types.dims import same_dim as same_dim
from lossdsl.types.dims import symbol_dim as symbol_dim
from lossdsl.types.unread_leaves import Unread

Path = tuple[str, ...]

FLOATS = ("f16", "bf16", "f32", "f64")
INTS = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64")
DTYPES = ("bool", *INTS, *FLOATS)
CLASSES = ("float", "int", "num", "any")
HALF = ("f16", "bf16")


class Strength(IntEnum):
    """How strongly a value insists on its dtype when it meets another one."""

    LITERAL = 0
    SCALAR = 1
    STRONG = 2
    ARRAY = 3


LITERAL, SCALAR, STRONG, ARRAY = Strength


@dataclass(frozen=True, slots=True)
class ArrayType:
    """A dtype (or a class of dtypes) and dims; `dims=None` is an unknown rank."""

    dtype: str
    dims: tuple[Dim, ...] | None
    strength: Strength = ARRAY
    role: str | None = None

    @property
    def rank(self) -> int | None:
        """The number of axes, when it is known."""
        return None if self.dims is None else len(self.dims)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The concrete shape, when every size is known; at a call, that it was read is noted."""
        if not self.is_sized or self.dims is None:
            return None
        sizes = [dim.known for dim in self.dims]
        return None if None in sizes else tuple(size for size in sizes if size is not None)

    @property
    def is_sized(self) -> bool:
        """Whether every size is known, which is no reading of one."""
        return self.dims is not None and all(dim.carried is not None for dim in self.dims)

    def shape_at(self, sizes: Mapping[str, int]) -> tuple[int, ...] | None:
        """Return the shape at a call of these sizes, by symbol; None where a size is not known."""
        known = [dim.at(sizes) for dim in self.dims or ()]
        if self.dims is None or None in known:
            return None
        return tuple(size for size in known if size is not None)

    def with_dims(self, dims: tuple[Dim, ...] | None) -> ArrayType:
        """Return the type with other dims and the strength that their rank gives it."""
        strength = self.strength if dims == () and self.strength != ARRAY else STRONG
        return replace(self, dims=dims, strength=ARRAY if dims != () else strength)

    def __str__(self) -> str:
        role = f"{self.role} " if self.role else ""
        if self.dims is None:
            return f"{role}{self.dtype}[...]"
        if not self.dims and self.dtype in CLASSES:
            return f"{role}{self.dtype}"
        return f"{role}{self.dtype}[{', '.join(map(str, self.dims))}]"


@dataclass(frozen=True, slots=True)
class TreeType:
    """A pytree of arrays. `leaves` pairs each path with its type, or is None while unknown.

    `unread` has the leaves that are no arrays of the language. They are no part of the value:
    nothing reads them, and a selection of one is refused.
    """

    leaf: ArrayType | None = None
    leaves: tuple[tuple[Path, ArrayType], ...] | None = None
    role: str | None = None
    unread: tuple[tuple[Path, Unread], ...] = ()

    def __str__(self) -> str:
        return "tree" if self.leaf is None else f"tree[{self.leaf}]"


def of_numbers(tree: TreeType) -> bool:
    """Say whether a tree is a list of plain numbers, or of lists of them.

    >>> of_numbers(TreeType(None, ((("0",), ArrayType("float", ())),)))
    True
    """
    leaves = tree.leaves or ()
    return bool(leaves) and all(
        leaf.dims == () and all(step.isdigit() for step in path) for path, leaf in leaves
    )


@dataclass(frozen=True, slots=True)
class RecordType:
    """Named fields, each an array, tree or record."""

    fields: tuple[tuple[str, Type], ...]

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}: {type}" for name, type in self.fields) + "}"


@dataclass(frozen=True, slots=True)
class UnknownType:
    """Nothing is known yet but perhaps the role: an undeclared input before the first call."""

    role: str | None = None

    def __str__(self) -> str:
        return "unknown"


Type = ArrayType | TreeType | RecordType | UnknownType
UNKNOWN = UnknownType()


def map_dims(type: Type, change: Callable[[Dim], Dim]) -> Type:
    """Return a type with other dims in place of its own."""
    match type:
        case ArrayType():
            return _with_dims(type, change)
        case TreeType(leaf, leaves):
            leaf = None if leaf is None else _with_dims(leaf, change)
            pairs = ((path, _with_dims(below, change)) for path, below in leaves or ())
            return replace(type, leaf=leaf, leaves=None if leaves is None else tuple(pairs))
        case RecordType(fields):
            return RecordType(tuple((name, map_dims(field, change)) for name, field in fields))
        case UnknownType():
            return type


def _with_dims(type: ArrayType, change: Callable[[Dim], Dim]) -> ArrayType:
    return type if type.dims is None else replace(type, dims=tuple(map(change, type.dims)))


_KINDS = {**dict.fromkeys(FLOATS, "float"), **dict.fromkeys(INTS, "int")}


def kind(dtype: str) -> str:
    """Return `bool`, `int`, `float`, or the class `num` or `any` of a dtype."""
    return _KINDS.get(dtype, dtype)


def scalar(dtype: str, strength: Strength = STRONG, role: str | None = None) -> ArrayType:
    """Return the type of a rank-0 value."""
    return ArrayType(dtype, (), strength, role)


def array(dtype: str, dims: tuple[Dim, ...] | None, role: str | None = None) -> ArrayType:
    """Return the type of a computed value: strong, with the strength that its rank gives."""
    return ArrayType(dtype, dims, STRONG if dims == () else ARRAY, role)


def fits(dtype: str, expected: str) -> bool | None:
    """Say whether a dtype is what a declaration or parameter asks for; None if unknown yet."""
    if expected == "any" or dtype == expected:
        return True
    have, want = kind(dtype), kind(expected)
    if have in ("any", "num"):
        return False if have == "num" and want == "bool" else None
    if expected == "num":
        return have in ("int", "float")
    if have != want:
        return False
    return True if expected in CLASSES else None if dtype in CLASSES else False


_ORDER = {"bool": 0, "int": 1, "float": 2}


def arrays_of(type: Type) -> Iterator[ArrayType]:
    """Yield what is known of the arrays in a type: of a tree its leaves, or what each is."""
    match type:
        case ArrayType():
            yield type
        case TreeType(leaf, None):
            yield from () if leaf is None else (leaf,)
        case TreeType(leaves=leaves):
            yield from (leaf for _, leaf in leaves or ())
        case RecordType(fields):
            for _, field in fields:
                yield from arrays_of(field)
        case UnknownType():
            pass


def promote(types: Iterable[ArrayType], default_float: str = "float") -> tuple[str, Strength]:
    """Return the dtype and strength of values that meet in one operation.

    The strongest operands of the widest kind decide: a literal takes the dtype of what it meets,
    a rank-0 float never raises an array's dtype, and half with f32 is f32. Integers meet in a
    dtype that holds them all, whatever their rank.

    >>> promote([ArrayType("bf16", (Dim(2),)), scalar("f32")])[0]
    'bf16'
    >>> promote([ArrayType("u8", (Dim(2),)), scalar("i32")])[0]
    'i32'
    """
    operands = list(types)
    strength = max([operand.strength for operand in operands])
    orders = [_ORDER.get(kind(operand.dtype)) for operand in operands]
    if None in orders:  # of no kind that is known yet
        return "num", strength
    top = max(cast("list[int]", orders))
    widest = [operand for operand, order in zip(operands, orders, strict=True) if order == top]
    strongest = max(operand.strength for operand in widest)
    if strongest == LITERAL and strength > LITERAL and top == _ORDER["float"]:
        return default_float, strength
    least = strongest if top == _ORDER["float"] else min(strongest, SCALAR)
    met = {operand.dtype for operand in widest if operand.strength >= least}
    if default_float != "float" and len(met) > 1:
        # Of what is computed from literals alone, the dtype that it has where all are known.
        met = {{"int": "i32", "float": default_float}.get(dtype, dtype) for dtype in met}
    return join_dtypes(met, default_float), strength


def join_dtypes(dtypes: set[str], default_float: str = "float") -> str:
    """Return the smallest dtype that holds all of the dtypes, which are of one kind.

    No integer holds what u64 and a signed dtype do, nor without f64 what u32 does: they meet as
    floats, as in NumPy; `num` while it is not known which floats there are.
    """
    if len(dtypes) == 1:
        return next(iter(dtypes))
    classes = [dtype for dtype in dtypes if dtype in CLASSES]
    if classes:
        return classes[0]
    if dtypes <= set(FLOATS):
        return "f32" if dtypes == {"f16", "bf16"} else max(dtypes, key=FLOATS.index)
    signed = [int(dtype[1:]) for dtype in dtypes if dtype[0] == "i"]
    unsigned = [int(dtype[1:]) for dtype in dtypes if dtype[0] == "u"]
    if not signed or not unsigned:
        return max(dtypes, key=lambda dtype: int(dtype[1:]))
    bits = max(*signed, 2 * max(unsigned))
    if bits <= 32 or (bits == 64 and (64 in signed or default_float == "f64")):
        return f"i{bits}"
    return "num" if bits == 64 and default_float == "float" else default_float


def arithmetic_dtype(dtype: str, default_float: str, grows: bool) -> str:
    """Return the dtype in which a function computes with integers: at least one of 32 bits.

    What `grows`, such as a difference, is signed too, so that u32 and u64 are floats in it.

    >>> arithmetic_dtype("u8", "f32", grows=True), arithmetic_dtype("u32", "f32", grows=True)
    ('i32', 'f32')
    """
    if dtype in ("i8", "i16", "u8", "u16"):
        return "i32"
    return default_float if grows and dtype in ("u32", "u64") else dtype
