"""The axes of an expression, by name: what a formula needs to write indices.

A light reading of signatures: no sizes and no dtypes, and what it cannot tell is unknown, which
costs the formula its indices and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lossdsl.formula.parameters import FIRST, TRUE, Bound, bind
from lossdsl.formula.slices import PART, steps
from lossdsl.library.declare import Library
from lossdsl.syntax import ast

Dims = tuple[str, ...]
"""Names of axes: `*S` is a run of them, `1` an axis of one element, `_` one without a name.

`N-1` and `:3` are parts of an axis (see `slices.py`).
"""


@dataclass(frozen=True)
class Scope:
    """What the names in an expression stand for: parameters by their axes, and functions."""

    library: Library
    arrays: Mapping[str, Dims | None]
    functions: frozenset[str] = frozenset()
    # By identity, each beside its expression so that it lives: an overloaded call asks for the
    # axes of its arguments again for each signature.
    known: dict[int, tuple[ast.Expr, Dims | None]] = field(
        default_factory=dict[int, "tuple[ast.Expr, Dims | None]"], compare=False
    )


def type_dims(type: ast.TypeExpr | None) -> Dims | None:
    """Return the axes of a parameter; a tree is seen leaf by leaf."""
    match type:
        case ast.ArrayTypeExpr(dims=dims):
            return tuple(map(_entry, dims))
        case ast.TreeTypeExpr(leaf):
            return ("*leaf",) if leaf is None else type_dims(leaf)
        case ast.OptionalTypeExpr(inner):
            return type_dims(inner)
        case ast.UnionTypeExpr(options):
            return type_dims(options[0])
        case ast.RecordTypeExpr():
            return None
        case _:
            return ()


def _entry(dim: ast.DimExpr | ast.AnyDim | ast.Run) -> str:
    match dim:
        case ast.Run(name):
            return f"*{name or ''}"
        case ast.AnyDim():
            return "_"
        case ast.DimExpr(constant, ()):
            return str(constant)
        case ast.DimExpr(terms=(((symbol,), 1),)):
            return symbol
        case ast.DimExpr():
            return "_"


def dims_of(expr: ast.Expr, scope: Scope) -> Dims | None:
    """Return the axes of an expression, or None."""
    if id(expr) not in scope.known:
        scope.known[id(expr)] = expr, _dims_of(expr, scope)
    return scope.known[id(expr)][1]


def _dims_of(expr: ast.Expr, scope: Scope) -> Dims | None:
    match expr:
        case ast.Literal() | ast.Text() | ast.Record():
            return ()
        case ast.Tuple(items):
            return (str(len(items)),)
        case ast.Name(name):
            return scope.arrays.get(name, ())
        case ast.Sum(addends):
            return joined([dims_of(addend.value, scope) for addend in addends])
        case ast.Product(first, rest):
            if any(factor.operator == "@" for factor in rest):
                return _matrix(first, rest, scope)
            return joined(
                [dims_of(first, scope), *(dims_of(factor.value, scope) for factor in rest)]
            )
        case ast.Unary(_, operand):
            return dims_of(operand, scope)
        case ast.Power(base, exponent):
            return joined([dims_of(base, scope), dims_of(exponent, scope)])
        case ast.Comparison(first, rest):
            return joined([dims_of(first, scope), *(dims_of(link.value, scope) for link in rest)])
        case ast.Logical(_, operands):
            return joined([dims_of(operand, scope) for operand in operands])
        case ast.Conditional(value, condition, otherwise):
            return joined([dims_of(part, scope) for part in (value, condition, otherwise)])
        case ast.Index():
            return _indexed(expr, scope)
        case ast.Attribute():
            return None
        case ast.Call():
            return _called(expr, scope)


def joined(several: Sequence[Dims | None]) -> Dims | None:
    """Return the axes of what is broadcast together, aligned to the right."""
    known = [dims for dims in several if dims is not None]
    if len(known) < len(several):
        return None
    widest = max(known, key=len, default=())
    out = list(widest)
    for dims in known:
        for at in range(1, len(dims) + 1):
            if out[-at] == "1":
                out[-at] = dims[-at]
    return tuple(out)


def _matrix(first: ast.Expr, rest: tuple[ast.Factor, ...], scope: Scope) -> Dims | None:
    left = dims_of(first, scope)
    for factor in rest:
        right = dims_of(factor.value, scope)
        if left is None or right is None:
            return None
        left = product_dims(left, right) if factor.operator == "@" else joined([left, right])
    return left


def product_dims(left: Dims, right: Dims) -> Dims | None:
    """Return the axes of a matrix product."""
    if not left or not right:
        return None
    return (*left[:-1], *(right[-1:] if len(right) > 1 else ()))


def _indexed(expr: ast.Index, scope: Scope) -> Dims | None:
    dims = dims_of(expr.value, scope)
    if dims is None or expr.keywords or taken(expr) > len(dims):
        return None
    result: list[str] = []
    for axis, item in items_by_axis(expr, dims):
        match item:
            case None:
                result.append(dims[axis or 0])
            case ast.Literal(None):
                result.append("1")
            case ast.Slice() if axis is not None:
                part = steps(item, dims[axis])
                result.append(PART if part is None else part.dim)
            case _:
                pass
    return tuple(result)


Item = ast.Expr | ast.Slice | None


def items_by_axis(expr: ast.Index, dims: Dims) -> list[tuple[int | None, Item]]:
    """Return what an index says of each axis: None where it keeps one; no axis for a new one."""
    items: list[tuple[int | None, Item]] = []
    axis, dots = 0, False
    for item in expr.items:
        if isinstance(item, ast.Dots):
            count = len(dims) - taken(expr)
            items += [(axis + at, None) for at in range(count)]
            axis, dots = axis + max(count, 0), True
        elif _is_new(item):
            items.append((None, item))
        elif axis < len(dims):
            items.append((axis, item))
            axis += 1
    return items if dots else [*items, *((at, None) for at in range(axis, len(dims)))]


def taken(expr: ast.Index) -> int:
    """Return how many axes an index speaks of."""
    return sum(1 for item in expr.items if not _is_new(item) and not isinstance(item, ast.Dots))


def _is_new(item: object) -> bool:
    return isinstance(item, ast.Literal) and item.value is None


def axes_of(option: ast.Expr | None, dims: Dims) -> tuple[int, ...] | None:
    """Return the places of the axes that an option names; without one, of all."""
    match option:
        case None | ast.Name("all"):
            return tuple(range(len(dims)))
        case ast.Tuple(items):
            axes = [axes_of(item, dims) for item in items]
            return None if None in axes else tuple(at for part in axes if part for at in part)
        case ast.Name(name):
            named = [at for at, dim in enumerate(dims) if dim.removeprefix("*") == name]
            return tuple(named) if named else None
        case ast.Literal(int() as at):
            return (at % len(dims),) if -len(dims) <= at < len(dims) else None
        case ast.Unary("-", ast.Literal(int() as at)):
            return (len(dims) - at,) if 0 < at <= len(dims) else None
        case _:
            return None


def _called(call: ast.Call, scope: Scope) -> Dims | None:
    function = scope.library.visible(call.function, call.span.source)
    if function is None or call.function in scope.functions:
        return None
    bound = bind(function, call, lambda bound: unified(bound, scope) is not None)
    operands = [dims_of(operand, scope) for operand in bound.operands]
    if function.reduction:
        return _reduced(operands[0] if operands else None, bound)
    if function.elementwise:
        return joined(operands)
    result = called_dims(bound, scope)
    if not function.is_loss:
        return result
    if is_unreduced(bound):
        return result
    axis = bound.options.get("axis")
    return () if axis is None else _reduced(result, bound)


def is_unreduced(bound: Bound) -> bool:
    """Whether a call of a loss keeps the value of each example."""
    option = bound.options.get("reduce") or _default(bound, "reduce")
    return isinstance(option, ast.Text) and option.value == "none"


def _default(bound: Bound, name: str) -> ast.Expr | None:
    defaults = (
        parameter.default for parameter in bound.signature.parameters if parameter.name == name
    )
    return next(defaults, None)


def _reduced(dims: Dims | None, bound: Bound) -> Dims | None:
    if dims is None:
        return None
    axes = axes_of(bound.options.get("axis"), dims)
    if axes is None:
        return None
    keeps = bound.options.get("keepdims") == TRUE
    if keeps:
        return tuple("1" if at in axes else dim for at, dim in enumerate(dims))
    return tuple(dim for at, dim in enumerate(dims) if at not in axes)


def called_dims(bound: Bound, scope: Scope) -> Dims | None:
    """Return the axes that the signature of a function gives the result of a call."""
    special = _special(bound, scope)
    if special is not None:
        return special
    known = unified(bound, scope)
    result = bound.signature.result
    if known is None or not isinstance(result, ast.ArrayTypeExpr | ast.TreeTypeExpr):
        return None
    pattern = type_dims(result)
    if pattern is None or "*" in pattern:
        return None
    dims: list[str] = []
    for entry in pattern:
        dims += known.get(entry, (entry,))
    return tuple(dims)


def unified(bound: Bound, scope: Scope) -> Mapping[str, Dims] | None:
    """Return what each entry of a signature's types stands for; None where types do not fit."""
    known: dict[str, Dims] = {}
    for parameter in bound.signature.parameters:
        value = bound.given.get(parameter.name)
        if value is None or not isinstance(parameter.type, ast.ArrayTypeExpr):
            continue
        dims, pattern = dims_of(value, scope), type_dims(parameter.type)
        if dims is None or pattern is None or "*" in pattern:
            return None
        parts = _paired(pattern, dims)
        if parts is None or any(
            len(known.get(entry, to)) != len(to) for entry, to in parts.items()
        ):
            return None
        known |= parts
    return known


def _paired(pattern: Dims, dims: Dims) -> dict[str, Dims] | None:
    """Return the axes that each entry of a type stands for: one, or for a run all that are left."""
    named = [at for at, entry in enumerate(pattern) if entry.startswith("*")]
    left = len(dims) - len(pattern) + 1
    if left < 0 or (not named and left != 1):
        return None
    at = named[0] if named else len(pattern)
    parts = {entry: (dim,) for entry, dim in zip(pattern[:at], dims, strict=False)}
    rest = {entry: (dim,) for entry, dim in zip(pattern[at + 1 :], dims[at + left :], strict=True)}
    return {**parts, **({pattern[at]: dims[at : at + left]} if named else {}), **rest}


def _special(bound: Bound, scope: Scope) -> Dims | None:
    """Return the axes of what a signature cannot say, for the commonest of such functions."""
    operands = [dims_of(operand, scope) for operand in bound.operands]
    first = operands[0] if operands else None
    match bound.function.name:
        case "transpose" if first is not None and "axes" not in bound.given:
            return first[::-1]
        case "broadcast" if "like" in bound.given:
            return dims_of(bound["like"], scope)
        case "matmul" if first is not None and operands[1] is not None:
            return product_dims(first, operands[1])
        case "take" if first and operands[1] is not None:
            (axis, *_) = axes_of(bound.given.get("axis", FIRST), first) or (0,)
            return (*first[:axis], *operands[1], *first[axis + 1 :])
        case "arange" | "one_hot":
            return _counted(bound, first or ())
        case _:
            return None


def _counted(bound: Bound, dims: Dims) -> Dims | None:
    size = bound.given.get("stop", bound.given.get("classes"))
    name = size.id if isinstance(size, ast.Name) else "_"
    return (name,) if bound.function.name == "arange" else (*dims, name)
