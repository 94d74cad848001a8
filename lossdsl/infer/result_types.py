"""The types of the results of primitives: by the signature, or by a rule of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lossdsl.infer.bound import Bound
from lossdsl.infer.fit import Fit, move
from lossdsl.infer.statics import static_dim
from lossdsl.library.abstract import Failure, described, raised
from lossdsl.library.declare import Builtin
from lossdsl.library.function import is_operand
from lossdsl.library.rules import Problem, RuleCall
from lossdsl.syntax import ast
from lossdsl.types.types import (
    HALF,
    ArrayType,
    Dim,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    array,
    literal_dim,
)
from lossdsl.types.unify import instantiate


def result_type(
    fitted: Fit,
    operands: Sequence[Type | None],
    statics: dict[str, object],
    dtype: str,
    concrete: bool = False,
) -> Type | Problem | Failure:
    """Return the type of a call whose operands met in a dtype, or what is wrong with the call.

    What adds up half precision does so, and returns the sum, in f32. Where all types are
    `concrete`, a rule that leaves its result open is wrong.
    """
    type = (
        _by_signature(fitted, statics, dtype)
        if fitted.bound.function.rule is None
        else _ruling(fitted.bound.function, _rule_call(fitted.bound, operands, statics), concrete)
    )
    if fitted.bound.function.accumulates and isinstance(type, ArrayType) and type.dtype in HALF:
        return replace(type, dtype="f32")
    return type


def _by_signature(fitted: Fit, statics: dict[str, object], dtype: str) -> Type:
    pattern = fitted.bound.signature.result
    if isinstance(pattern, ast.TreeTypeExpr):
        return TreeType()
    assert isinstance(pattern, ast.ArrayTypeExpr), f"{fitted.bound.function.name} needs a rule"
    sizes: dict[str, Dim] = {}
    for name, value in statics.items():
        match value:
            case Dim() as dim:
                sizes[name] = dim
            case int() if not isinstance(value, bool):
                sizes[name] = _size(fitted.bound, name, value)
            case _:
                pass
    bindings = replace(fitted.bindings, dims={**sizes, **fitted.bindings.dims})
    dims = instantiate(pattern.dims, bindings)
    if dims is not None:
        dims = _moved_back(pattern, dims, fitted)
    result = {"float": dtype, "num": dtype, "any": dtype, "int": "i32"}.get(pattern.dtype)
    return array(result or pattern.dtype, dims, pattern.role)


def _moved_back(pattern: ast.ArrayTypeExpr, dims: tuple[Dim, ...], fitted: Fit) -> tuple[Dim, ...]:
    """Put the axes of a result where the call asked for them."""
    for at, dim in enumerate(pattern.dims):
        match dim:
            case ast.DimExpr(symbols=(symbol,)) if symbol in fitted.symbols:
                axis, _ = fitted.symbols[symbol]
                place = at - len(pattern.dims) + len(dims)
                return move(dims, place, axis)
            case _:
                pass
    return dims


def _rule_call(
    bound: Bound, operands: Sequence[Type | None], statics: dict[str, object]
) -> RuleCall:
    types: dict[str, Type | tuple[Type, ...] | None] = {}
    remaining = list(operands)
    for parameter in filter(is_operand, bound.signature.parameters):
        if parameter.variadic:
            count = len(bound.variadic)
            types[parameter.name] = tuple(type for type in remaining[:count] if type is not None)
            remaining = remaining[count:]
        else:
            types[parameter.name] = remaining.pop(0)
    dims = {name: _as_dim(bound, name, value) for name, value in statics.items()}
    return RuleCall(types, dims)


def _ruling(function: Builtin, call: RuleCall, concrete: bool) -> Type | Problem | Failure:
    """Return what a rule says of a call; one that a user wrote may be wrong itself."""
    rule = function.rule
    assert rule is not None
    try:
        result: object = rule(call)
    except Exception as problem:  # whatever a user's rule raises is what there is to say
        if not function.foreign:
            raise
        wrong = raised(problem, rule)
        return replace(wrong, message=f"has a rule that {wrong.message}")
    help = "a rule returns the type of the result, such as an `ArrayType`, or a `Problem`"
    match result:
        case UnknownType() if concrete:
            return Failure("LD806", "has a rule that leaves the type of a call open", help=help)
        case ArrayType() | TreeType() | RecordType() | UnknownType() | Problem():
            return result
        case _:
            shown = described(result)
            return Failure("LD806", f"has a rule that returns {shown}, not a type", help=help)


def _size(bound: Bound, name: str, value: int) -> Dim:
    """Return a static integer as a dim: the one that it was written as, else the number."""
    entry = bound.values.get(name)
    dim = None if entry is None else static_dim(entry[0])
    return literal_dim(value) if dim is None else dim


def _as_dim(bound: Bound, name: str, value: object) -> object:
    """Static integers are dims in rules, so that symbols pass through."""
    parameter = bound.parameter(name)
    match parameter.plain_type, value:
        case ast.WordTypeExpr("static", ("int", *_)), int():
            return _size(bound, name, value)
        case _:
            return value
