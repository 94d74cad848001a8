"""Ranges that are written behind the type of an input: what is wrong with one by itself."""

from __future__ import annotations

from math import ceil, floor, isinf

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.syntax.type_ast import ArrayTypeExpr, RangeExpr, TypeExpr


def range_problem(kind: TypeExpr, range: RangeExpr) -> Diagnostic | None:
    """Return what keeps a range from being one of an array of numbers."""
    if not isinstance(kind, ArrayTypeExpr) or kind.dtype == "bool":
        shown = kind.span.text
        message = f"a range for `{shown}`; only an array of numbers has one"
        return at("LD038", message, range.span, help="leave it out")
    is_open = "(" in range.opening or ")" in range.closing
    if range.low > range.high or (range.low == range.high and is_open):
        help = "the lower end comes first; `(` and `)` leave an end out"
        return at("LD038", f"the range `{range.span.text}` is empty", range.span, help=help)
    if _is_whole(kind.dtype) and not _has_whole_number(range):
        message = f"no whole number lies in `{range.span.text}`"
        return at("LD038", message, range.span, help=f"`{kind.span.text}` has no others")
    return None


def _is_whole(dtype: str) -> bool:
    return dtype == "int" or (dtype[0] in "iu" and dtype[1:].isdigit())


def _has_whole_number(range: RangeExpr) -> bool:
    if isinf(range.low) or isinf(range.high):
        return True
    least = floor(range.low) + 1 if range.opening == "(" else ceil(range.low)
    largest = ceil(range.high) - 1 if range.closing == ")" else floor(range.high)
    return least <= largest
