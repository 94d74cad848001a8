"""LD411: a distribution over one class.

The softmax along an axis of size 1 is always 1, so the loss is constant and nothing is learned. One
score for two classes goes through a sigmoid.

Inputs
  z: f32[B, 1]
  y: int[B]
  p: f32[B]

Wrong
  cross_entropy(z, y)

Right
  binary_cross_entropy(z[:, 0], p)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from lossdsl.core.graph import Apply
from lossdsl.elaborate.context import Call
from lossdsl.elaborate.value_roles import resulting
from lossdsl.infer.arguments import Value
from lossdsl.infer.bound import Bound
from lossdsl.infer.fit import Fit
from lossdsl.infer.patterns import class_symbols, pattern_of
from lossdsl.library.function import is_own
from lossdsl.library.roles import DISTRIBUTIONS
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType, Dim


def hold_classes(call: Call, value: Value) -> None:
    """Report a distribution over one class, which is always 1, or over none.

    That there is one class is no fault of a call, whose sizes are what they happen to be.
    """
    if call.context.concrete and is_own(call.span.source):
        return  # the call that reads it says so
    name = call.function.name
    for what, dims, span in (*_class_axes(call.fitted), *_normalized(call.bound, value)):
        sizes = [dim.carried if call.context.concrete else dim.constant for dim in dims
                 if call.context.concrete or not dim.terms]  # fmt: skip
        if 0 in sizes:
            message = f"{what} of `{name}` has no classes"
            help = "declare how many classes there are, at least two"
            call.at(span).error("LD222", message, f"[{_shown(dims)}]", help=help)
        elif sizes == [1] * len(dims) and dims and not call.context.concrete:
            message = f"{what} of `{name}` has one class, whose probability is always 1"
            help = "`binary_cross_entropy` and `sigmoid` take one score for two classes"
            call.at(span).error("LD411", message, f"[{_shown(dims)}]", help=help)


def _class_axes(fitted: Fit) -> Iterator[tuple[str, tuple[Dim, ...], Span]]:
    """Yield the class axis of a definition's scores: the first of its arguments that has one."""
    for parameter in fitted.bound.signature.parameters:
        value, span = fitted.bound.values.get(parameter.name, (None, fitted.bound.span))
        pattern = pattern_of(parameter.type, value) if isinstance(value, Value) else None
        if isinstance(pattern, ast.ArrayTypeExpr) and pattern.role in DISTRIBUTIONS:
            symbols = class_symbols(fitted.bound.signature, pattern)
            dims = [fitted.bindings.dims.get(symbol) for symbol in symbols]
            if dims and dims[0] is not None:
                yield f"`{parameter.name}`", (dims[0],), span
                return


def _normalized(bound: Bound, value: Value) -> Iterator[tuple[str, tuple[Dim, ...], Span]]:
    """Yield the axes along which a primitive makes a distribution."""
    match value.node, next(iter(bound.values.values()), None):
        case Apply(function, undecided=False), (Value(type=ArrayType(dims=dims)), _) if dims:
            along = _axes_parameter(bound.signature)
            if along and function is bound.function and resulting(function, ()) in DISTRIBUTIONS:
                axes = value.node.option(along)
                several = (axes,) if isinstance(axes, int) else axes
                named = range(len(dims)) if axes is None else cast("tuple[int, ...]", several)
                yield "the result", tuple(dims[axis] for axis in named), bound.span
        case _:
            pass


def _axes_parameter(signature: ast.Signature) -> str | None:
    """Return the parameter that says along which axes a primitive works."""
    for parameter in signature.parameters:
        if (
            isinstance(parameter.plain_type, ast.WordTypeExpr)
            and parameter.plain_type.word == "axes"
        ):
            return parameter.name
    return None


def _shown(dims: tuple[Dim, ...]) -> str:
    return ", ".join(map(str, dims))
