"""Calls: which function is meant, which of its signatures fits, and what the call becomes."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.check import constraints, expand, expressions, mapping, reductions
from lossdsl.check.axes import resolve_axes
from lossdsl.check.binding import Bound, bind, option_names
from lossdsl.check.context import Argument, Context, FunctionValue, Scope, Static, Value
from lossdsl.check.core import Const, Node
from lossdsl.check.fitting import Fit, fit, move, pattern_of
from lossdsl.check.names import did_you_mean
from lossdsl.check.operate import apply_elementwise
from lossdsl.check.trees import as_tree, usable
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.library.aliases import ALIASES
from lossdsl.library.declare import Builtin
from lossdsl.library.rules import Problem, RuleCall
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.elementwise import compute_dtype
from lossdsl.types.types import (
    LITERAL,
    UNKNOWN,
    ArrayType,
    Dim,
    TreeType,
    Type,
    UnknownType,
    array,
    kind,
    literal_dim,
)
from lossdsl.types.unify import Bindings, instantiate


def call(context: Context, scope: Scope, expr: ast.Call) -> Value:
    """Return the value of a call; one that stands in the text itself is elaborated once."""
    if scope.calls:
        return _call(context, scope, expr)
    if id(expr) not in context.calls:
        context.calls[id(expr)] = _call(context, scope, expr)
    return context.calls[id(expr)]


def _call(context: Context, scope: Scope, expr: ast.Call) -> Value:
    given = scope.values.get(expr.function)
    if isinstance(given, FunctionValue):
        return _call_given(context, scope, given, expr)
    function = scope.functions.get(expr.function)
    if function is None or function.internal:
        return context.error(
            scope,
            "LD101",
            f"unknown function `{expr.function}`",
            expr.name_span,
            "not a function of the language",
            help=did_you_mean(expr.function, scope.functions, ALIASES),
        )
    if mapping.is_map(function):
        return mapping.map_leaves(context, scope, expr)
    return call_function(context, scope, function, expr)


def apply_function(
    context: Context,
    scope: Scope,
    function: Builtin,
    operands: Sequence[tuple[Argument, Span]],
    span: Span,
    keywords: tuple[ast.Keyword, ...] = (),
) -> Value:
    """Call a function with values that are computed already."""
    names = {f"#{at}": value for at, (value, _) in enumerate(operands)}
    arguments = tuple(
        ast.Name(name, span) for name, (_, span) in zip(names, operands, strict=True)
    )
    inner = Scope(
        {**scope.values, **names}, scope.functions, scope.dims, scope.runs, scope.calls, scope.depth
    )
    expr = ast.Call(function.name, arguments, keywords, span, span)
    return call_function(context, inner, function, expr)


def _call_given(context: Context, scope: Scope, given: FunctionValue, expr: ast.Call) -> Value:
    """Call a function that was given as an argument."""
    if len(expr.arguments) != 1:
        return call_function(context, scope, given.function, expr)
    value = expressions.elaborate(context, scope, expr.arguments[0])
    operands = [(value, expr.arguments[0].span)]
    return apply_given(context, scope, given, operands, expr.span, expr.keywords)


def apply_given(
    context: Context,
    scope: Scope,
    given: FunctionValue,
    operands: Sequence[tuple[Value, Span]],
    span: Span,
    keywords: tuple[ast.Keyword, ...] = (),
) -> Value:
    """Apply a function that was given by name to values.

    A loss of two arguments that is called with one measures it against zero, unreduced.
    """
    function = given.function
    if not (function.is_loss and len(operands) == 1 and given.arity == 1):
        return apply_function(context, scope, function, operands, span, keywords)
    needed = [
        one for one in function.signatures[0].parameters
        if one.default is None and not isinstance(one.type, ast.OptionalTypeExpr)
    ]
    if len(needed) > 1:
        zeros = apply_elementwise(context, scope, scope.functions["zeros"], operands, span)
        operands = [*operands, (zeros, span)]
    none = ast.Keyword("reduce", ast.Text("none", span), span, span)
    return apply_function(context, scope, function, operands, span, (none, *keywords))


def call_function(context: Context, scope: Scope, function: Builtin, expr: ast.Call) -> Value:
    """Take the first signature that the arguments fit, and apply the function."""
    evaluated: dict[int, Argument] = {}

    def evaluate(argument: ast.Expr) -> Argument:
        if id(argument) not in evaluated:
            evaluated[id(argument)] = expressions.argument(context, scope, argument)
        return evaluated[id(argument)]

    problems: list[Diagnostic] = []
    fitting: list[tuple[int, Bound, Fit]] = []
    for at, signature in enumerate(function.signatures):
        bound = bind(context, scope, function, signature, expr, evaluate)
        if isinstance(bound, Diagnostic):
            problems.append(bound)
            continue
        fitted = fit(context, scope, bound)
        if isinstance(fitted, Diagnostic):
            problems.append(fitted)
            continue
        fitting.append((at, bound, fitted))
        if not fitted.unknown:
            break
    if not fitting:
        return context.report(_most_telling(problems), scope)
    at, bound, fitted = fitting[0]
    if len(fitting) > 1 and fitted.unknown and fitting[-1][2].unknown is not False:
        return _unresolved(context, scope, bound, expr.span)
    if fitted.unknown and len(fitting) > 1:
        at, bound, fitted = fitting[-1]
    return _apply(context, scope, bound, fitted, at)


def _most_telling(problems: Sequence[Diagnostic]) -> Diagnostic:
    """Of what is wrong with each signature, report what got furthest: a shape before a dtype."""
    order = ("LD201", "LD204")
    return next((one for code in order for one in problems if one.code == code), problems[0])


def _unresolved(context: Context, scope: Scope, bound: Bound, span: Span) -> Value:
    nodes = [value.node for value, _ in bound.values.values() if isinstance(value, Value)]
    # What the options read are inputs too, also while the call itself waits for its types.
    given = [bound.options[name] for name in ("where", "weight", "normalize") if name in bound.options]
    for option in (expressions.argument(context, scope, expr) for expr in given):
        nodes += [option.node] if isinstance(option, Value) else []
    node = context.graph.apply(scope.functions["unresolved"], nodes, UNKNOWN, {"at": span.text})
    return context.value(node, UNKNOWN, span, scope)


def _apply(context: Context, scope: Scope, bound: Bound, fitted: Fit, variant: int) -> Value:
    function = bound.function
    if "constraint" in _words(bound.signature):
        return constraints.apply(context, scope, bound, fitted)
    if function.definitions:
        definition = function.definitions[variant]
        return expand.expand(context, scope, bound, fitted, definition)
    if function.reduction:
        return reductions.reduction_call(context, scope, bound)
    operands = _operands(context, scope, bound)
    if operands is None:
        return context.unknown()
    if function.elementwise:
        statics = _statics(context, scope, bound, fitted)
        given = [entry for entry in operands if entry is not None]
        return apply_elementwise(context, scope, function, given, bound.span, statics)
    return _primitive(context, scope, bound, fitted, operands)


def _words(signature: ast.Signature) -> set[str]:
    return {
        one.type.word for one in signature.parameters if isinstance(one.type, ast.WordTypeExpr)
    }


def is_operand(parameter: ast.Parameter) -> bool:
    """Say whether a parameter of a primitive is an array or tree, not a static option."""
    type = parameter.type
    if isinstance(type, ast.OptionalTypeExpr):
        type = type.type
    return not isinstance(type, (ast.ChoiceTypeExpr, ast.WordTypeExpr))


def _operands(
    context: Context, scope: Scope, bound: Bound
) -> list[tuple[Value, Span] | None] | None:
    """Return the array arguments in the order of the signature; None if one was wrong."""
    operands: list[tuple[Value, Span] | None] = []
    for parameter in bound.signature.parameters:
        if not is_operand(parameter):
            continue
        entries: list[tuple[Argument, Span] | None]
        if parameter.variadic:
            entries = list(bound.variadic)
        else:
            entry = bound.values.get(parameter.name)
            if entry is None and parameter.default is not None:
                entry = (expressions.argument(context, scope, parameter.default), bound.span)
            entries = [entry]
        for entry in entries:
            match entry:
                case None | (Static(None), _):
                    operands.append(None)
                case (Value() as value, span):
                    pattern = pattern_of(parameter.type, value)
                    if isinstance(pattern, ast.TreeTypeExpr):
                        value = usable(context, scope, as_tree(context, scope, value), span)
                    operands.append((value, span))
                case _:
                    return None
    return operands


def _statics(
    context: Context, scope: Scope, bound: Bound, fitted: Fit
) -> dict[str, object] | None:
    """Return the static options of a primitive by name; None while one is unknown."""
    statics: dict[str, object] = {}
    for parameter in bound.signature.parameters:
        if is_operand(parameter):
            continue
        name = parameter.name
        if name in fitted.axes:
            if fitted.axes[name] is None:
                return None
            statics[name] = fitted.axes[name]
        elif isinstance(parameter.type, ast.WordTypeExpr) and parameter.type.word == "axes":
            axes = _all_axes(context, scope, bound, parameter)
            if axes is None:
                return None
            statics[name] = axes[0]
        else:
            value = bound.values[name][0] if name in bound.values else (
                Static(None)
                if parameter.default is None
                else expressions.argument(context, scope, parameter.default)
            )
            if isinstance(value, Value) and isinstance(value.type, UnknownType):
                return None
            statics[name] = _static_value(value)
    return statics


def _all_axes(
    context: Context, scope: Scope, bound: Bound, parameter: ast.Parameter
) -> tuple[tuple[int, ...] | None] | None:
    """Return the axes of the first array argument, in a tuple of one."""
    given = bound.syntax.get(parameter.name, ())
    expr = given[0] if given else parameter.default
    arrays = (*bound.values.values(), *bound.variadic)
    first = next((value for value, _ in arrays if isinstance(value, Value)), None)
    dims = first.type.dims if first is not None and isinstance(first.type, ArrayType) else None
    if expr is None or (isinstance(expr, ast.Literal) and expr.value is None):
        return (None,)
    axes = resolve_axes(context, scope, expr, dims, parameter.name)
    return None if axes is None else (axes.axes,)


def _static_value(value: Argument) -> object:
    match value:
        case Value(Const(constant)):
            return constant
        case Static(inner):
            return inner
        case _:
            return None


def _primitive(
    context: Context,
    scope: Scope,
    bound: Bound,
    fitted: Fit,
    operands: list[tuple[Value, Span] | None],
) -> Value:
    function, graph = bound.function, context.graph
    statics = _statics(context, scope, bound, fitted)
    present = [entry for entry in operands if entry is not None]
    if any(isinstance(value.type, UnknownType) for value, _ in present) or statics is None:
        return _unresolved(context, scope, bound, bound.span)
    converted, dtype = _converted(context, scope, bound, operands)
    type = _result_type(context, scope, bound, fitted, converted, statics, dtype)
    if type is None:
        return context.unknown()
    nodes: list[Node | None] = [None if one is None else one.node for one in converted]
    options = {name: _plain(value) for name, value in statics.items()}
    return context.value(graph.apply(function, nodes, type, options), type, bound.span, scope)


def _plain(value: object) -> object:
    """Return a static option as the kernel takes it: dims as sizes."""
    match value:
        case Dim():
            return value if value.known is None else value.known
        case tuple():
            return tuple(_plain(item) for item in value)
        case _:
            return value


def _converted(
    context: Context, scope: Scope, bound: Bound, operands: list[tuple[Value, Span] | None]
) -> tuple[list[Value | None], str]:
    """Convert the operands that meet to one dtype, and return it."""
    wanted: list[str | None] = []
    for parameter in bound.signature.parameters:
        if is_operand(parameter):
            count = len(bound.variadic) if parameter.variadic else 1
            wanted += [None] * count
            for at in range(count):
                entry = operands[len(wanted) - count + at]
                if entry is None:
                    continue
                pattern = pattern_of(parameter.type, entry[0])
                if isinstance(pattern, ast.ArrayTypeExpr) and isinstance(entry[0].type, ArrayType):
                    if pattern.dtype in ("float", "num", "any"):
                        wanted[len(wanted) - count + at] = pattern.dtype
    meeting = [
        (want, entry[0].type)
        for want, entry in zip(wanted, operands, strict=True)
        if want is not None and entry is not None and isinstance(entry[0].type, ArrayType)
    ]
    dtype = context.default_float
    if meeting:
        classes, types = [want for want, _ in meeting], [type for _, type in meeting]
        result = "float" if "float" in classes else "num"
        same_kind = len({kind(type.dtype) == "bool" for type in types}) == 1
        if same_kind:
            dtype = compute_dtype(classes, result, types, context.default_float) or dtype
    converted: list[Value | None] = []
    for want, entry in zip(wanted, operands, strict=True):
        if entry is None:
            converted.append(None)
        elif want is None:
            converted.append(entry[0])
        else:
            converted.append(convert(context, scope, entry[0], dtype, entry[1]))
    return converted, dtype


def convert(context: Context, scope: Scope, value: Value, dtype: str, span: Span) -> Value:
    """Return the value in another dtype; numbers take whatever dtype they meet."""
    type = value.type
    if not isinstance(type, ArrayType) or type.dtype == dtype or dtype in ("num", "any", "float"):
        return value
    if type.strength == LITERAL and type.dims == ():
        return value
    result = array(dtype, type.dims, type.role)
    node = context.graph.apply(scope.functions["cast"], [value.node], result, {"dtype": dtype})
    return context.value(node, result, span, scope)


def _result_type(
    context: Context,
    scope: Scope,
    bound: Bound,
    fitted: Fit,
    operands: list[Value | None],
    statics: dict[str, object],
    dtype: str,
) -> Type | None:
    function = bound.function
    if function.rule is not None:
        return _by_rule(context, scope, bound, operands, statics, dtype)
    pattern = bound.signature.result
    if isinstance(pattern, ast.TreeTypeExpr):
        return TreeType()
    assert isinstance(pattern, ast.ArrayTypeExpr), f"{function.name} needs a rule"
    for name, value in statics.items():
        match value:
            case Dim() as dim:
                fitted.bindings.dims.setdefault(name, dim)
            case int() if not isinstance(value, bool):
                fitted.bindings.dims.setdefault(name, literal_dim(value))
            case _:
                pass
    dims = instantiate(pattern.dims, fitted.bindings)
    if dims is not None:
        dims = _moved_back(pattern, dims, fitted)
    result = {"float": dtype, "num": dtype, "any": dtype, "int": "i32"}.get(pattern.dtype)
    return array(result or pattern.dtype, dims, pattern.role)


def _moved_back(
    pattern: ast.ArrayTypeExpr, dims: tuple[Dim, ...], fitted: Fit
) -> tuple[Dim, ...]:
    """Put the axes of a result where the call asked for them."""
    for at, dim in enumerate(pattern.dims):
        match dim:
            case ast.DimExpr(_, ((symbol, _),)) if symbol in fitted.symbols:
                axis, _ = fitted.symbols[symbol]
                place = at - len(pattern.dims) + len(dims)
                return move(dims, place, axis)
            case _:
                pass
    return dims


def _by_rule(
    context: Context,
    scope: Scope,
    bound: Bound,
    operands: list[Value | None],
    statics: dict[str, object],
    dtype: str,
) -> Type | None:
    types: dict[str, Type | tuple[Type, ...] | None] = {}
    remaining = [None if one is None else one.type for one in operands]
    for parameter in bound.signature.parameters:
        if not is_operand(parameter):
            continue
        if parameter.variadic:
            count = len(bound.variadic)
            types[parameter.name] = tuple(one for one in remaining[:count] if one is not None)
            remaining = remaining[count:]
        else:
            types[parameter.name] = remaining.pop(0)
    assert bound.function.rule is not None
    dims = {name: _as_dim(bound, name, value) for name, value in statics.items()}
    found = bound.function.rule(RuleCall(types, dims))
    if isinstance(found, Problem):
        entry = bound.values.get(found.parameter or "")
        span = entry[1] if entry is not None else bound.span
        context.error(scope, found.code, found.message, span, help=found.help)
        return None
    return found


def _as_dim(bound: Bound, name: str, value: object) -> object:
    """Static integers are dims in rules, so that symbols pass through."""
    parameter = next(one for one in bound.signature.parameters if one.name == name)
    type = parameter.type.type if isinstance(parameter.type, ast.OptionalTypeExpr) else parameter.type
    is_int = isinstance(type, ast.WordTypeExpr) and type.arguments[:1] == ("int",)
    if is_int and isinstance(value, int) and type is not None and type.word == "static":
        return literal_dim(value)
    return value


__all__ = ["Bindings", "apply_function", "call", "convert", "option_names"]
