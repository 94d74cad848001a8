"""Bounds of a constraint: what one may be, and which of them leave no value in between."""

from __future__ import annotations

from dataclasses import dataclass

from lossdsl.check import trees
from lossdsl.check.context import Context, Scope, Value
from lossdsl.check.core import Const, Leaves
from lossdsl.diagnostics.diagnostic import Label
from lossdsl.source import Span
from lossdsl.types.types import ArrayType, TreeType, UnknownType, same_dim

# The side of a bound, and whether touching it is allowed, by operator with the subject on the left.
SIDES = {
    ">=": ("lower", False),
    ">": ("lower", True),
    "<=": ("upper", False),
    "<": ("upper", True),
    "==": ("equal", False),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """One side of a constraint: the subject, how it is compared, and with what."""

    subject: Value
    subject_span: Span
    operator: str
    written: str
    bound: Value
    bound_span: Span


def has_shape_of_leaf(context: Context, scope: Scope, limit: Limit) -> bool:
    """Say whether a bound is a scalar or has the shape of its leaf; report one that has not."""
    match limit.subject.type, limit.bound.type:
        case TreeType(leaves=leaves), ArrayType(dims=dims) if dims and leaves is not None:
            for path, leaf in leaves:
                sizes = leaf.dims or ()
                if len(sizes) != len(dims) or any(
                    same_dim(a, b) is False for a, b in zip(sizes, dims, strict=True)
                ):
                    context.error(
                        scope,
                        "LD303",
                        f"the bound of `{'/'.join(path)}` is a scalar or has its shape",
                        limit.bound_span,
                        str(limit.bound.type),
                        notes=(f"`{'/'.join(path)}` is {leaf}",),
                        help="select the leaves that it is for",
                    )
                    return False
        case _:
            pass
    return True


def hold_apart(context: Context, scope: Scope, limits: list[Limit]) -> None:
    """Refuse constant bounds between which there is no point."""
    lower: dict[object, tuple[float, bool, Span]] = {}
    upper: dict[object, tuple[float, bool, Span]] = {}
    for limit in limits:
        match limit.bound.node:
            case Const(int() | float() as number) if not isinstance(limit.bound.type, UnknownType):
                pass
            case _:
                continue
        side, strict = SIDES[limit.operator]
        entry = (float(number), strict, limit.bound_span)
        for key in _leaves_of(context, limit.subject):
            if side in ("lower", "equal") and (key not in lower or entry[0] >= lower[key][0]):
                lower[key] = entry
            if side in ("upper", "equal") and (key not in upper or entry[0] <= upper[key][0]):
                upper[key] = entry
    for key in lower.keys() & upper.keys():
        (low, open_low, low_span), (high, open_high, high_span) = lower[key], upper[key]
        if low > high or (low == high and (open_low or open_high)):
            context.error(
                scope,
                "LD302",
                f"no value is between {low!r} and {high!r}",
                high_span,
                "the upper bound",
                help="swap the bounds" if low > high else "use `>=` and `<=`",
                labels=(Label(low_span, "the lower bound"),),
            )
            return


def _leaves_of(context: Context, subject: Value) -> list[object]:
    """Return what identifies the leaves of a subject: their paths, or the selection itself."""
    match subject.node:
        case Leaves(tree, selector):
            leaves = getattr(context.graph.types[tree], "leaves", None)
            if leaves is None:
                return [(tree, selector)]
            return [leaves[at][0] for at in trees.selected_at(selector, leaves)]
        case node:
            return [node]
