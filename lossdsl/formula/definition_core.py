"""Core of a definition by itself: its parameters are inputs of the types that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from lossdsl.core.graph import Apply, Const, Graph, Node, tape
from lossdsl.diagnostics.diagnostic import has_errors
from lossdsl.elaborate import expressions
from lossdsl.elaborate.context import Context, Reading, Scope
from lossdsl.formula.extents import RUN
from lossdsl.formula.math import Math, Phrase, Relation, Symbol
from lossdsl.infer.arguments import Argument, FunctionValue, Static, Value
from lossdsl.inputs.declarations import static_type
from lossdsl.library.declare import Builtin, Library
from lossdsl.library.syntax_forms import Form
from lossdsl.limits import DEFAULT_LIMITS
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.options import IGNORE_INDEX, LOSS_OPTIONS
from lossdsl.types.types import UNKNOWN, ArrayType, Dim, Type, array, scalar, symbol_dim
from lossdsl.types.unify import Bindings, instantiate

LEFT_OUT = (*LOSS_OPTIONS, IGNORE_INDEX)
"""Options that say which values count, and not what these are."""
Choice = tuple[object, Math]
"""What an option may be, and how that is said."""


@dataclass(frozen=True)
class Template:
    """A graph, and the node and type of a definition's body in it."""

    graph: Graph
    node: Node
    type: Type


def choices(parameter: ast.Parameter) -> tuple[Choice, ...]:
    """Return what a parameter may be that decides what a body is; nothing of another."""
    name = parameter.name
    match parameter.type:
        case ast.OptionalTypeExpr(ast.ArrayTypeExpr("bool")):
            return ()
        case ast.OptionalTypeExpr() if name not in LEFT_OUT:
            return (None, Phrase(f"without {name}")), (..., Phrase(f"with {name}"))
        case ast.ChoiceTypeExpr(options) if name not in LEFT_OUT:
            return tuple(
                (option, Relation(Symbol(name), (("==", Phrase(f"“{option}”")),)))
                for option in options
            )
        case ast.WordTypeExpr("static", ("bool", *_)):
            return (True, Symbol(name)), (False, Phrase(f"not {name}"))
        case _:
            return ()


def template(
    signature: ast.Signature,
    value: ast.Expr,
    library: Library,
    chosen: Mapping[str, object],
    reading: Reading,
    shape: str = "",
) -> Template | None:
    """Return what a body is for options that are chosen; None where it is not right for them.

    A run of axes is one axis here, and a tree is one leaf. With the `shape` "matrix" that leaf is a
    matrix, with "tree" a tree is one; with "reduces" a function given by name takes an axis away.
    """
    context = Context(Graph(), DEFAULT_LIMITS, closed=True, reading=reading)
    symbols = {
        symbol
        for node in ast.walk(signature)
        if isinstance(node, ast.DimExpr)
        for symbol in node.symbols
    }
    dims = {symbol: symbol_dim(symbol) for symbol in symbols}
    runs: dict[str, tuple[Dim, ...] | None] = {
        node.name: (symbol_dim(RUN + node.name),)
        for node in ast.walk(signature)
        if isinstance(node, ast.Run) and node.name
    }
    dims |= {
        parameter.name: symbol_dim(parameter.name)
        for parameter in signature.parameters
        if _is_count(parameter)
    }
    library = OpenLibrary(library.functions, library.private)
    scope = Scope(context, {}, library, dims, runs)
    for parameter in signature.parameters:
        argument = _argument(scope, parameter, chosen.get(parameter.name, _NOT_CHOSEN), shape)
        scope = replace(scope, values={**scope.values, parameter.name: argument})
    result = expressions.elaborate(scope, value)
    if has_errors(context.diagnostics) or isinstance(result.node, Const):
        return None
    if shape != "tree" and any(_is_empty(node) for node in tape((result.node,))):
        return None
    return Template(context.graph, result.node, result.type)


_NOT_CHOSEN = object()
_NAMELESS = symbol_dim(RUN)


def _is_empty(node: Node) -> bool:
    """Whether a node is a tree without leaves, as the matrices are of a tree of one vector."""
    return isinstance(node, Apply) and node.function.form is Form.BRANCHES and not node.arguments


def _is_count(parameter: ast.Parameter) -> bool:
    match parameter.type:
        case ast.WordTypeExpr("static", ("int", *_)):
            return True
        case _:
            return False


def _argument(scope: Scope, parameter: ast.Parameter, chosen: object, shape: str) -> Argument:
    name, graph = parameter.name, scope.graph
    declared = parameter.type
    if chosen is None or (name in LEFT_OUT and not parameter.required):
        return Static(None)
    if isinstance(chosen, bool):
        type = scalar("bool")
        return Value(graph.const(chosen, type), type)
    match declared:
        case ast.OptionalTypeExpr(ast.ArrayTypeExpr("bool")):
            return Static(None)
        case ast.ChoiceTypeExpr(options):
            return Static(str(chosen), options)
        case ast.WordTypeExpr("static", ("int", *_)):
            dim = symbol_dim(name)
            return Value(graph.const(dim, scalar("int"), frozenset({dim})), scalar("int"))
        case ast.WordTypeExpr("function", arguments):
            return FunctionValue(
                _function(name, shape == "reduces"), int(arguments[0]) if arguments else 1
            )
        case ast.WordTypeExpr("axis" | "axes") | ast.WordTypeExpr("text"):
            if isinstance(parameter.default, ast.Name | None):
                return Static(None)
            return expressions.argument(scope, parameter.default)
        case None if parameter.default is not None:
            return expressions.argument(scope, parameter.default)
        case _:
            type = _type(scope, declared, shape)
            return Value(graph.input(name, type), type)


def _type(scope: Scope, declared: ast.TypeExpr | None, shape: str, leaf: bool = False) -> Type:
    match declared:
        case ast.OptionalTypeExpr(inner):
            return _type(scope, inner, shape)
        case ast.UnionTypeExpr(options):
            return _type(scope, options[0], shape)
        case ast.ArrayTypeExpr(dims=dims):
            type = static_type(declared)
            assert isinstance(type, ArrayType)
            runs = {name: run for name, run in scope.runs.items() if run is not None}
            if leaf:
                dims = tuple(dim for dim in dims if dim != ast.Run(None, dim.span))
            known = instantiate(dims, Bindings(dict(scope.dims), runs))
            if known is not None:
                known = tuple(_NAMELESS if dim.constant is None else dim for dim in known)
            return replace(type, dims=(*known, _NAMELESS) if leaf and known is not None else known)
        case ast.TreeTypeExpr(None) if shape == "matrix":
            return array("float", (symbol_dim("N"), symbol_dim("M")))
        case ast.TreeTypeExpr(None) if shape != "tree":
            return array("float", (symbol_dim(RUN + "leaf"),))
        case ast.TreeTypeExpr(ast.ArrayTypeExpr() as inner) if shape != "tree":
            return _type(scope, inner, shape, leaf=True)
        case ast.TreeTypeExpr() | ast.RecordTypeExpr():
            return static_type(declared)
        case _:
            return UNKNOWN


class OpenLibrary(Library):
    """A library in which a name that nothing has is a function of one number.

    What a formula states may be named in mathematics, and not in the language.
    """

    def visible(self, name: str, file: Source) -> Builtin | None:
        """Return the function that a name means where a file says it."""
        known = super().visible(name, file)
        return known if known is not None or name.startswith("_") else _of_one_number(name)


@lru_cache(maxsize=256)
def _of_one_number(name: str) -> Builtin:
    return Builtin(name, "formula", texts=(f"{name}(x: float) -> float",), elementwise=True)


# What a function may make of an array that is given by name: an array like it, or one of rows.
_SHAPES = ("def {}(x) = x", "def {}(x: num[*S, K]) -> num[*S] = sum(x, axis=-1)")


def _function(name: str, reduces: bool) -> Builtin:
    """Return a function of which nothing is known but its name."""
    return Library.loads(_SHAPES[reduces].format(name))[name]
