"""Roles of values: which a result has, and where an argument's contradicts its parameter's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lossdsl.analyze.outputs import operand_names
from lossdsl.core.graph import Apply, Const, Graph, Node
from lossdsl.diagnostics.diagnostic import Diagnostic, Fix, at
from lossdsl.elaborate.context import Call
from lossdsl.infer.arguments import Value
from lossdsl.infer.bound import Bound
from lossdsl.infer.patterns import class_symbols, pattern_of
from lossdsl.library.declare import Builtin
from lossdsl.library.function import is_own
from lossdsl.library.role_names import role_of_name
from lossdsl.library.roles import (
    CODINGS,
    DISTRIBUTIONS,
    SCALED,
    SCALES,
    SHIFTED,
    SUMMING,
    words,
)
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import LITERAL, ArrayType, Dim, Type, UnknownType, kind


def with_role(type: Type, role: str | None) -> Type:
    """Return a type with the role of its values, if they have one."""
    if role is None or not isinstance(type, ArrayType | UnknownType):
        return type
    return replace(type, role=role)


def presumed(name: str, type: Type) -> Type:
    """Return the type of a named array whose role nothing says but its name; lints read it."""
    if not isinstance(type, ArrayType) or type.role is not None or type.dims == ():
        return type
    return with_role(type, role_of_name(name, kind(type.dtype) == "int"))


_NONE: frozenset[str | None] = frozenset({None})


def resulting(function: Builtin, given: Iterable[tuple[str, Type]]) -> str | None:
    """Return the role of a result: the declared one, or that of the operands it is made of.

    `given` has the type of each operand by its parameter; literals fit any role.
    """
    declared = function.result_roles
    if declared != _NONE:
        return next(iter(declared)) if len(declared) == 1 else None
    types = list(given)
    kept = [type for name, type in types if name in function.keeps]
    roles = {_role(type) for type in kept if not _is_literal(type)}
    if kept:
        return roles.pop() if len(roles) == 1 else None
    match [(name, _role(type)) for name, type in types if not _is_literal(type)]:
        case [(name, role)] if (name in function.scales and role in SCALED) or (
            name in function.shifts and role in SHIFTED
        ):
            return role
        case _:
            return None


def given_types(bound: Bound) -> Iterator[tuple[str, Type]]:
    """Yield the types of a call's values by parameter."""
    for name, (value, _) in bound.values.items():
        if isinstance(value, Value):
            yield name, value.type
    variadic = next(
        (parameter.name for parameter in bound.signature.parameters if parameter.variadic), ""
    )
    for value, _ in bound.variadic:
        if isinstance(value, Value):
            yield variadic, value.type


def hold_roles(call: Call) -> None:
    """Report arguments whose role contradicts that of their parameter; a lint of the text."""
    if call.context.concrete:
        return
    for contradiction in contradictions(call):
        call.scope.report(contradiction)


def contradictions(call: Call) -> list[Diagnostic]:
    """Return what is said of arguments whose role contradicts that of their parameter."""
    diagnostics: list[Diagnostic] = []
    for parameter in call.signature.parameters:
        value, span = call.bound.values.get(parameter.name, (None, call.span))
        if not isinstance(value, Value):
            continue
        pattern = pattern_of(parameter.type, value)
        expected = pattern.role if isinstance(pattern, ast.ArrayTypeExpr) else None
        if expected is None:
            diagnostics += _squashed_again(call, parameter, value, span)
            continue
        if _role(value.type) is None:
            diagnostics += _taken_for_another(call, expected, value, span)
        role = _role(value.type) or (_role_of_numbers(value) if expected == "signs" else None)
        if role is None:
            continue
        # The softmax of logarithms of probabilities gives the probabilities back.
        if (expected, role) == ("logits", "log_probs") and class_symbols(call.signature, pattern):
            continue
        for code, table in (("LD410", SCALES), ("LD412", CODINGS)):
            if (expected, role) in table:
                message = (
                    f"`{parameter.name}` of `{call.function.name}` takes {words(expected)}, "
                    f"not {words(role)}"
                )
                help = table[expected, role].format(span.text)
                shown = "" if isinstance(value.type, UnknownType) else str(value.type)
                diagnostic = at(code, message, span, shown, help=help)
                made = expected == "logits" and role in ("probs", "log_probs")
                diagnostics.append(_mended(call.graph, diagnostic, value) if made else diagnostic)
    return diagnostics


def _squashed_again(
    call: Call, parameter: ast.Parameter, value: Value, span: Span
) -> Iterator[Diagnostic]:
    """Yield what is said of probabilities of which probabilities are made once more.

    A softmax of a softmax is one of scores between 0 and 1, as a sharper attention is.
    """
    made = call.function.result_roles & {"probs", "log_probs"}
    first = call.signature.parameters[0] is parameter
    role = _role(value.type)
    again = role == "one_hot" or (role in SUMMING and call.function.elementwise)
    if made and first and role is not None and again and not is_own(call.span.source):
        message = f"`{call.function.name}` takes scores of any size, not {words(role)}"
        yield at("LD410", message, span, help="they are probabilities already; scores come first")


def _taken_for_another(call: Call, expected: str, value: Value, span: Span) -> Iterator[Diagnostic]:
    """Yield what is said of one value that two calls take for numbers of different scales."""
    if expected not in DISTRIBUTIONS or isinstance(value.node, Const) or is_own(call.span.source):
        return
    role, name = call.context.taken.setdefault(value.node, (expected, call.function.name))
    if role != expected:
        message = (
            f"`{span.text}` is taken for {words(expected)} by `{call.function.name}`, and for "
            f"{words(role)} by `{name}`"
        )
        yield at("LD410", message, span, help=SCALES[expected, role].format(span.text))


def _role(type: Type) -> str | None:
    return type.role if isinstance(type, ArrayType | UnknownType) else None


def _is_literal(type: Type) -> bool:
    return isinstance(type, ArrayType) and type.strength == LITERAL


def _role_of_numbers(value: Value) -> str | None:
    """Return the role of what can only be 0 or 1, or only be counts."""
    if isinstance(value.node, Const):
        return None  # held to the domain of the role
    numbers = _numbers(value.node)
    if numbers is not None and numbers <= {0, 1} and 0 in numbers:
        return "mask"
    type = value.type
    unsigned = isinstance(type, ArrayType) and kind(type.dtype) == "int" and type.dtype[0] == "u"
    return "labels" if unsigned else None


def _numbers(root: Node) -> set[int | float | Dim] | None:
    """Return the constants of which all elements of a value are, or None."""
    constants: set[int | float | Dim] = set()
    waiting, seen = [root], {root}
    while waiting:
        match waiting.pop():
            case Const(tuple() as numbers):
                constants |= set(numbers)
            case Const(int() | float() as number) if not isinstance(number, bool):
                constants.add(number)
            case Apply(function) as node if function.keeps:
                pairs = zip(operand_names(node), node.arguments, strict=False)
                below = [operand for name, operand in pairs if operand and name in function.keeps]
                waiting += [argument for argument in below if argument not in seen]
                seen.update(below)
            case _:
                return None
    return constants


def _mended(graph: Graph, diagnostic: Diagnostic, value: Value) -> Diagnostic:
    """Add which scores to pass where probabilities are computed from just these."""
    span = diagnostic.span
    assert span is not None
    match value.node:
        case Apply(arguments=(inner, *_)) if inner is not None:
            places = [place.span for place in graph.places.get(inner, ())]
            scores = next((place for place in places if place.source is span.source), None)
            if scores is None or _role(graph.types[inner]) is not None:
                return diagnostic
            inside = span.start < scores.start and scores.end < span.end
            fix = Fix(span, scores.text) if inside else None
            return replace(diagnostic, help=f"pass the scores themselves: `{scores.text}`", fix=fix)
        case _:
            return diagnostic
