"""Slices as places: where the element at an index is read, and how many elements there are.

What no index says, such as `x[-3:n:2]`, is written as it stands in the language.
"""

from __future__ import annotations

from dataclasses import dataclass

from lossdsl.formula.arithmetic import multiplied, summed
from lossdsl.formula.math import ONE, Math, Number, Relation, Sum, Symbol, below
from lossdsl.syntax import ast
from lossdsl.syntax.format_nodes import format_expr

PART = ":"
"""What the name of an axis starts with that is a part of another: `:3` has three elements."""


@dataclass(frozen=True)
class Steps:
    """The elements `start + step*n` of an axis, and the name of the axis that they make."""

    start: ast.Expr | int
    step: int
    dim: str
    last: bool = False
    """Whether `start` counts from the last element backwards."""

    def place(self, place: Math, dim: str, start: Math | None) -> Math:
        """Return where the element at an index is read along an axis."""
        at = multiplied([Number(abs(self.step)), place])
        begin = Number(self.start) if isinstance(self.start, int) else start
        assert begin is not None
        if self.last:
            return summed([(False, size(dim) or ONE), (True, begin), (self.step < 0, at)])
        if isinstance(at, Number) and isinstance(begin, Number):
            return Number(at.value + begin.value)
        return summed([(False, at), (False, begin)])


def steps(item: ast.Slice, dim: str) -> Steps | None:
    """Return what a slice takes of an axis, None where no index can say it."""
    named = dim.isdigit() or (dim.isidentifier() and dim != "_")
    start, stop, step = _number(item.start, 0), _number(item.stop, None), _number(item.step, 1)
    if not isinstance(step, int):
        return None
    match start, stop, step:
        case 0, None, 1:
            return Steps(0, 1, dim)
        case 0, None, -1 if named and item.start is None:
            return Steps(1, -1, dim, last=True)
        case int(), None, 1 if start > 0:
            return Steps(start, 1, _shorter(dim, start) if named else PART)
        case int(), None, 1 if start < 0 and named:
            return Steps(-start, 1, f"{PART}{-start}", last=True)
        case int(), None, _ if start >= 0 and step > 1:
            return Steps(start, step, PART)
        case int(), int(), 1 if 0 <= start <= stop:
            return Steps(start, 1, f"{PART}{stop - start}")
        case int(), int(), 1 if start >= 0 > stop and named:
            return Steps(start, 1, _shorter(dim, start - stop))
        case ast.Name(), None, 1:
            return Steps(start, 1, PART)
        case 0, ast.Name(name), 1:
            return Steps(0, 1, PART + name)
        case _:
            return None


def _number(expr: ast.Expr | None, default: int | None) -> ast.Expr | int | None:
    match expr:
        case None:
            return default
        case ast.Literal(int() as value) if not isinstance(value, bool):
            return value
        case ast.Unary("-", ast.Literal(int() as value)):
            return -value
        case _:
            return expr


def _shorter(dim: str, by: int) -> str:
    return f"{PART}{max(int(dim) - by, 0)}" if dim.isdigit() else f"{dim}-{by}"


def size(dim: str) -> Math | None:
    """Return the number of elements along an axis, None where its name does not say it.

    >>> size("N-1"), size(":3"), size(":")
    (Sum(terms=((False, Symbol(name='N')), (True, Number(value=1)))), Number(value=3), None)
    """
    name, _, less = dim.removeprefix(PART).partition("-")
    if less:
        return Sum(((False, Symbol(name)), (True, Number(int(less)))))
    if name.isdigit():
        return Number(int(name))
    return Symbol(name) if name.isidentifier() and name != "_" else None


def limit(index: Math, dim: str, body: Math) -> Math | None:
    """Return up to where an index runs along a part of an axis, if what it reads does not say so.

    In the sum of x_{n+1} − x_n there is no doubt, in that of x_n alone there is.
    """
    _, _, less = dim.partition("-")
    if less:
        reach = summed([(False, index), (False, Number(int(less)))])
        if any(node == reach for node in below(body)):
            return None
    elif not dim.startswith(PART):
        return None
    stop = size(dim)
    return None if stop is None else Relation(index, (("<", stop),))


def written(item: ast.Slice) -> str:
    """Return a slice as the language writes it."""
    ends = [item.start, item.stop, *([] if item.step is None else [item.step])]
    return ":".join("" if end is None else plain(end) for end in ends)


def plain(expr: ast.Expr) -> str:
    """Return an expression as the language writes it, with the minus sign of mathematics."""
    return format_expr(expr).replace("-", "−")
