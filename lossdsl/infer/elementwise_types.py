"""The types of elementwise operations: broadcasting, promotion, and mapping over trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from lossdsl.frozen import dataclass
from lossdsl.infer.literals import change
from lossdsl.infer.mismatch import (
    ArrayBesideTree,
    LiteralChanges,
    Mismatch,
    RecordGiven,
    StructuresDiffer,
    WrongDtype,
)
from lossdsl.library.declare import Builtin
from lossdsl.syntax import ast
from lossdsl.types.broadcast import BroadcastProblem, broadcast
from lossdsl.types.types import (
    INTS,
    STRONG,
    UNKNOWN,
    ArrayType,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    arithmetic_dtype,
    fits,
    kind,
    promote,
)


@dataclass(frozen=True, slots=True)
class Operand:
    """What is known of an operand: its type, and the number if it is one that is written down.

    A number that `rounds`, such as how many elements there are, may be rounded to a float.
    """

    type: Type
    number: int | float | None = None
    rounds: bool = False


def infer_elementwise(
    function: Builtin,
    operands: Sequence[Operand],
    default_float: str = "float",
    arrays_per_leaf: bool = False,
) -> Type | Mismatch:
    """Return the type of a function of arrays that broadcast, or of trees leaf by leaf.

    With `arrays_per_leaf` an array beside a tree is for every leaf, as a bound may be.
    """
    types = tuple(operand.type for operand in operands)
    if any(isinstance(type, UnknownType) for type in types):
        return UNKNOWN
    records = [at for at, type in enumerate(types) if isinstance(type, RecordType)]
    if records:
        return Mismatch(RecordGiven(records[0]), types)
    tree = next((at for at, type in enumerate(types) if isinstance(type, TreeType)), None)
    if tree is None:
        return _of_arrays(function, operands, default_float)
    if not arrays_per_leaf:
        for at, type in enumerate(types):
            if isinstance(type, ArrayType) and type.rank:
                return Mismatch(ArrayBesideTree(at, tree), types)
    return _over_trees(function, operands, default_float)


def _of_arrays(
    function: Builtin, operands: Sequence[Operand], default_float: str
) -> ArrayType | Mismatch:
    types = tuple(cast("ArrayType", operand.type) for operand in operands)
    promotion = Promotion.of(function, len(operands))
    classes, result = promotion.classes, promotion.result
    met = promoted(promotion, types, default_float)
    if isinstance(met, WrongDtype):
        return Mismatch(met, types)
    shape = broadcast([type.dims for type in types])
    if isinstance(shape, BroadcastProblem):
        return Mismatch(shape, types)
    for at, (operand, dtype_class) in enumerate(zip(operands, classes, strict=True)):
        if dtype_class != "bool" and operand.number is not None:
            changed = change(operand.number, met.dtype, operand.rounds)
            if changed is not None:
                return Mismatch(LiteralChanges(at, *changed, met.dtype), types)
    dtype = met.dtype if result in ("num", "any") else result
    if result == "float" and kind(met.dtype) in ("float", "int"):
        dtype = met.dtype
    type = ArrayType(dtype, shape, met.strength)
    return ArrayType(dtype, shape) if shape != () else type


def _over_trees(
    function: Builtin, operands: Sequence[Operand], default_float: str
) -> TreeType | Mismatch:
    types = tuple(operand.type for operand in operands)
    trees = [(at, type) for at, type in enumerate(types) if isinstance(type, TreeType)]
    first, tree = trees[0]
    if any(type.leaves is None for _, type in trees):
        return TreeType()
    paths = tuple(path for path, _ in tree.leaves or ())
    for at, other in trees[1:]:
        others = tuple(path for path, _ in other.leaves or ())
        if others != paths:
            return Mismatch(StructuresDiffer(first, at, paths, others), types)
    leaves: list[tuple[tuple[str, ...], ArrayType]] = []
    for at, path in enumerate(paths):
        result = _of_arrays(function, [_leaf(operand, at) for operand in operands], default_float)
        if isinstance(result, Mismatch):
            return result
        leaves.append((path, result))
    return TreeType(None, tuple(leaves))


def _leaf(operand: Operand, at: int) -> Operand:
    """Return a leaf of a tree as an operand, and any other operand as it is for each leaf."""
    if isinstance(operand.type, TreeType):
        return replace(operand, type=(operand.type.leaves or ())[at][1])
    return operand


def result_dtype(signature: ast.Signature) -> str:
    """Return the dtype or class of a signature's result."""
    return signature.result.dtype if isinstance(signature.result, ast.ArrayTypeExpr) else "any"


@dataclass(frozen=True, slots=True)
class Promotion:
    """How operands meet in one dtype: the class of each, that of the result, and what `grows`.

    `bool` operands only choose, the others are promoted together; ints given for `float` become
    the default float. Numbers that are computed with or compared are at least of 32 bits; `grows`
    is the fact of the function (see `Builtin`).
    """

    classes: Sequence[str]
    result: str
    grows: str | None = None

    @classmethod
    def of(cls, function: Builtin, operands: int) -> Promotion:
        """Return how a function promotes so many arrays."""
        signature = function.taking(operands)
        return cls(signature.array_dtypes, result_dtype(signature), function.grows)


def promoted(
    promotion: Promotion, types: Sequence[ArrayType], default_float: str
) -> ArrayType | WrongDtype:
    """Return the dtype in which operands meet, as the type of a scalar, or what is wrong."""
    classes, result = promotion.classes, promotion.result
    for at, (type, dtype_class) in enumerate(zip(types, classes, strict=True)):
        accepts = "num" if dtype_class == "float" else dtype_class
        if fits(type.dtype, accepts) is False:
            return WrongDtype(at, dtype_class, type.dtype)
    meeting = [
        type for type, dtype_class in zip(types, classes, strict=True) if dtype_class != "bool"
    ]
    if not meeting:
        return ArrayType("bool", (), STRONG)
    if any(kind(type.dtype) == "bool" for type in meeting) and any(
        kind(type.dtype) in ("int", "float") for type in meeting
    ):
        at = next(
            i for i, type in enumerate(types) if type in meeting and kind(type.dtype) == "bool"
        )
        return WrongDtype(at, "num", "bool")
    dtype, strength = promote(meeting, default_float)
    integers = {type.dtype for type in meeting}
    if _are_mixed(result, integers, dtype):
        dtype = "i64" if integers & {"i64", "u64"} else "i32"
    if "num" in classes or result == "bool":
        dtype = arithmetic_dtype(dtype, default_float, promotion.grows is not None)
    if result == "float" and kind(dtype) == "int":
        dtype = default_float
    return ArrayType(dtype, (), strength)


def _are_mixed(result: str, dtypes: set[str], met: str) -> bool:
    """Say whether integers are compared that no integer holds, such as u32 and i32."""
    return result == "bool" and dtypes <= set(INTS) and kind(met) != "int"


def compute_dtype(
    promotion: Promotion, types: Sequence[ArrayType], default_float: str
) -> str | None:
    """Return the dtype that the operands are converted to; None where they stay as they are."""
    classes, result = promotion.classes, promotion.result
    if not any(dtype_class != "bool" for dtype_class in classes):
        return None
    if result == "bool":
        dtypes = {type.dtype for type in types}
        if dtypes <= set(INTS) and _are_mixed(result, dtypes, promote(types, default_float)[0]):
            return None  # compared as they are
    met = promoted(promotion, types, default_float)
    assert isinstance(met, ArrayType)
    if "float" in classes and kind(met.dtype) == "int":
        return default_float
    return met.dtype
