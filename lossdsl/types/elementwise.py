"""The types of elementwise operations: broadcasting, promotion, and mapping over trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossdsl.syntax import ast
from lossdsl.types.types import INTS, STRONG, ArrayType, arithmetic_dtype, fits, kind, promote


@dataclass(frozen=True, slots=True)
class DtypeProblem:
    """An operand whose dtype the function does not take."""

    operand: int
    expected: str
    found: str


def parameter_dtypes(signature: ast.Signature) -> tuple[str, ...]:
    """Return the dtype or class that each array parameter of a signature asks for."""
    return tuple(
        parameter.type.dtype
        for parameter in signature.parameters
        if isinstance(parameter.type, ast.ArrayTypeExpr)
    )


def result_dtype(signature: ast.Signature) -> str:
    """Return the dtype or class of a signature's result."""
    return signature.result.dtype if isinstance(signature.result, ast.ArrayTypeExpr) else "any"


def promoted(
    wanted: Sequence[str],
    result: str,
    types: Sequence[ArrayType],
    default_float: str,
    grows: str | None = None,
) -> ArrayType | DtypeProblem:
    """Return the dtype in which operands meet, as the type of a scalar, or what is wrong.

    `wanted` gives each operand's class: `bool` operands only choose, the others are promoted
    together; ints given for `float` become the default float. Numbers that are computed with or
    compared are at least of 32 bits; `grows` is the fact of the function (see `Builtin`).
    """
    for at, (one, want) in enumerate(zip(types, wanted, strict=True)):
        accepts = want if want in ("bool", "any") else "num" if want == "float" else want
        if fits(one.dtype, accepts) is False:
            return DtypeProblem(at, want, one.dtype)
    meeting = [one for one, want in zip(types, wanted, strict=True) if want != "bool"]
    if not meeting:
        return ArrayType("bool", (), STRONG)
    if any(kind(one.dtype) == "bool" for one in meeting) and any(
        kind(one.dtype) in ("int", "float") for one in meeting
    ):
        at = next(i for i, one in enumerate(types) if one in meeting and kind(one.dtype) == "bool")
        return DtypeProblem(at, "num", "bool")
    dtype, strength = promote(meeting, default_float)
    integers = {one.dtype for one in meeting}
    if _are_mixed(result, integers, dtype):
        dtype = "i64" if integers & {"i64", "u64"} else "i32"
    if "num" in wanted or result == "bool":
        dtype = arithmetic_dtype(dtype, default_float, grows is not None)
    if result == "float" and kind(dtype) == "int":
        dtype = default_float
    return ArrayType(dtype, (), strength)


def _are_mixed(result: str, dtypes: set[str], met: str) -> bool:
    """Say whether integers are compared that no integer holds, such as u32 and i32."""
    return result == "bool" and dtypes <= set(INTS) and kind(met) != "int"


def compute_dtype(
    wanted: Sequence[str],
    result: str,
    types: Sequence[ArrayType],
    default_float: str,
    grows: str | None = None,
) -> str | None:
    """Return the dtype that the operands are converted to; None where they stay as they are."""
    if not any(want != "bool" for want in wanted):
        return None
    if _are_mixed(result, {one.dtype for one in types}, promote(types, default_float)[0]):
        return None  # compared as they are
    met = promoted(wanted, result, types, default_float, grows)
    assert isinstance(met, ArrayType)
    if "float" in wanted and kind(met.dtype) == "int":
        return default_float
    return met.dtype
