"""Where types are not known: calls that wait for them, and what these say of undeclared inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lossdsl.core.graph import Apply, Const, Input, Node, operands
from lossdsl.elaborate.context import Call, Context
from lossdsl.elaborate.value_roles import given_types, resulting, with_role
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.infer.bound import Bound
from lossdsl.infer.patterns import pattern_of
from lossdsl.library.function import is_operand
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, REDUCE, WHERE
from lossdsl.types.types import UNKNOWN, Type, UnknownType
from lossdsl.types.unify import show_pattern


def undecided(call: Call) -> Value:
    """Return a call of which it is not known yet what it becomes."""
    type = with_role(UNKNOWN, resulting(call.function, given_types(call.bound)))
    return _called(call, _options(call.bound), type)


def kept(call: Call, mask: Value | None, body: Value) -> Value:
    """Return a call of a definition as one, for a reader; options of a loss are applied to it.

    The option `each` says that its body computes element by element.
    """
    options: list[tuple[str, Argument | str]] = [*_statics(call.bound)]
    if mask is None and _is_elementwise(call, body):
        options.append(("each", "true"))
    if mask is not None:
        options.append((WHERE, mask))
    if call.function.is_loss:
        options.append((REDUCE, Static("none")))
    return _called(call, options, body.type)


def _is_elementwise(call: Call, body: Value) -> bool:
    given = {value.node for value, _ in call.bound.values.values() if isinstance(value, Value)}
    waiting = [body.node]
    while waiting:
        node = waiting.pop()
        if node in given or isinstance(node, Const):
            continue
        if not (isinstance(node, Apply) and node.function.elementwise):
            return False
        waiting += operands(node)
    return True


def _called(call: Call, options: Iterable[tuple[str, Argument | str]], type: Type) -> Value:
    arguments: list[Node | None] = []
    for parameter in call.signature.parameters:
        if is_operand(parameter):
            entries = call.bound.entries(parameter)
            values = [None if entry is None else entry[0] for entry in entries]
            arguments += [value.node if isinstance(value, Value) else None for value in values]
    # What the options read are inputs too.
    reads: dict[str, Node] = {}
    static: dict[str, object] = {}
    for name, value in options:
        match value:
            case Value(Const(constant)):
                static[name] = constant
            case Value(node):
                reads[name] = node
            case Static(constant) if constant is not None:
                static[name] = constant
            case Static():
                pass
            case FunctionValue(function):
                static[name] = function.name
            case str():
                static[name] = value
    operands = (*arguments, *reads.values())
    return call.undecided(call.function, operands, type, {**static, "reads": (*reads,)})


def _options(bound: Bound) -> Iterator[tuple[str, Argument | str]]:
    """Yield what is given by name or is static; axes as they are written."""
    yield from _statics(bound)
    if bound.axis is not None:
        yield AXIS, bound.axis.written
    for name in bound.options:
        option = bound.option(name)
        if option is not None:
            yield name, option[0]


def _statics(bound: Bound) -> Iterator[tuple[str, Argument | str]]:
    for parameter in bound.signature.parameters:
        if parameter.name in bound.values and not is_operand(parameter):
            yield parameter.name, bound.values[parameter.name][0]
    for name, axes in bound.axes.items():
        if axes.given:
            yield name, axes.written


# Between the types of which an undeclared input may be any.
ALTERNATIVES = " or "


def infer_inputs(context: Context, candidates: Sequence[Bound]) -> None:
    """Remember what a call says of the undeclared inputs among its arguments.

    While it is open which of several signatures is meant, an input is what any of them takes.
    """
    alternatives: dict[str, dict[str, None]] = {}
    for bound in candidates:
        for name, shown in _patterns(bound).items():
            alternatives.setdefault(name, {})[shown] = None
    for name, shown in alternatives.items():
        if context.inferred.get(name) == "unknown":
            context.inferred[name] = ALTERNATIVES.join(shown)


def _patterns(bound: Bound) -> dict[str, str]:
    """Return what a signature shows of the undeclared inputs among the arguments of a call."""
    patterns: dict[str, str] = {}
    for parameter in bound.signature.parameters:
        for entry in bound.entries(parameter):
            match entry:
                case (Value(Input(name), UnknownType()) as value, _):
                    pattern = pattern_of(parameter.type, value)
                    shown = _shown(pattern, bound.function.elementwise)
                    if shown is not None:
                        patterns.setdefault(name, shown)
                case _:
                    pass
    return patterns


def _shown(pattern: ast.TypeExpr | None, elementwise: bool) -> str | None:
    match pattern:
        case ast.ArrayTypeExpr(dims=()) if elementwise:
            # The signature of an elementwise function is that of one element.
            return show_pattern(replace(pattern, dims=(ast.Run(None, pattern.span),)))
        case ast.ArrayTypeExpr():
            return show_pattern(pattern)
        case ast.TreeTypeExpr(leaf):
            return "tree" if leaf is None else f"tree[{show_pattern(leaf)}]"
        case _:
            return None
