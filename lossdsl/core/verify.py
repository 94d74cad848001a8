"""The invariants of core, held: what the elaborator returns, and every analysis may rely on."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.core.graph import Apply, Const, Core, Graph, Input, Leaves, Node, operands, tape
from lossdsl.diagnostics.defect import defect
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError
from lossdsl.library.function import is_operand
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, KEEPDIMS, NORMALIZE
from lossdsl.types.types import ArrayType, Dim, RecordType, TreeType, Type, UnknownType


def verify_core(core: Core) -> None:
    """Raise `LossError` (LD999) unless every node of a program is what core may hold.

    Every node has a type and every operation the operands and options of its signature; a call is
    undecided only while something that it reads is not known.
    """
    graph = core.graph
    for node in tape(core.roots):
        wrong = next(_violations(core, node), None)
        if wrong is not None:
            places = graph.places.get(node)
            raise LossError([defect(f"core {wrong}", places[0].span if places else None)])


def untyped(core: Core) -> list[Diagnostic]:
    """Return a defect if a value has no type, of core in which those of all inputs are known.

    What has no type has no value either: a constant stands in its place.
    """
    graph = core.graph
    for node in tape(core.roots):
        undecided = isinstance(node, Apply) and node.undecided
        if undecided or isinstance(graph.types[node], UnknownType):
            places = graph.places.get(node)
            span = places[0].span if places else None
            return [defect("a value without a type", span)]
    return []


def _violations(core: Core, node: Node) -> Iterator[str]:
    """Yield what is wrong with one node."""
    graph = core.graph
    type = graph.types.get(node)
    if type is None:
        yield "holds a node without a type"
        return
    match node:
        case Const(value):
            dims = type.dims if isinstance(type, ArrayType) else None
            shape = (len(value),) if isinstance(value, tuple) else ()
            if not isinstance(type, UnknownType) and [dim.carried for dim in dims or ()] != [
                *shape
            ]:
                yield f"has a constant of the type {type}"
        case Input():
            pass
        case Leaves(tree):
            if isinstance(graph.types[tree], ArrayType):
                yield "selects leaves of an array"
        case Apply(undecided=True):
            sizes = any(_is_open_size(value) for _, value in node.options)
            if not sizes and not any(_is_open(graph, operand) for operand in operands(node)):
                yield f"leaves `{node.function.name}` undecided, of operands that are known"
        case Apply(function, arguments):
            if not _takes(node, len(arguments)):
                yield f"applies `{function.name}` to {len(arguments)} operands"
            if (strange := _strange_option(node)) is not None:
                yield f"gives `{function.name}` the option `{strange}`"
            if function.form is Form.CAST and node.option("dtype") != _dtypes(type):
                yield "has a cast to another dtype than that of its result"


def _takes(node: Apply, count: int) -> bool:
    """Say whether a function takes so many operands; a reduction has its mask and weight too."""
    function = node.function
    if function.reduction:
        return count == (3 if function.weighted else 2)
    for signature in function.signatures:
        words = [parameter.plain_type for parameter in signature.parameters]
        constraints = any(
            isinstance(word, ast.WordTypeExpr) and word.word == "constraint" for word in words
        )
        parameters = [parameter for parameter in signature.parameters if is_operand(parameter)]
        several = (
            any(parameter.variadic for parameter in parameters) and count >= len(parameters) - 1
        )
        if constraints or several or count == len(parameters):
            return True
    return False


def _strange_option(node: Apply) -> str | None:
    known = {
        parameter.name
        for signature in node.function.signatures
        for parameter in signature.parameters
    }
    if node.function.reduction:
        known |= {AXIS, KEEPDIMS, NORMALIZE}
    return next((name for name, _ in node.options if name not in known), None)


def _is_open(graph: Graph, node: Node) -> bool:
    """Say whether what a node is worth is not known in type, rank, leaves or size."""
    return (isinstance(node, Const) and _is_open_size(node.value)) or _is_open_type(
        graph.types[node]
    )


def _is_open_size(value: object) -> bool:
    match value:
        case Dim() as dim:
            return dim.carried is None
        case tuple():
            return any(map(_is_open_size, value))
        case _:
            return False


def _is_open_type(type: Type) -> bool:
    match type:
        case ArrayType(dims=dims):
            return dims is None or any(dim.carried is None for dim in dims)
        case TreeType(leaves=leaves):
            return leaves is None or any(_is_open_type(leaf) for _, leaf in leaves)
        case RecordType(fields):
            return any(_is_open_type(field) for _, field in fields)
        case UnknownType():
            return True


def _dtypes(type: Type) -> object:
    match type:
        case ArrayType(dtype=dtype):
            return dtype
        case TreeType(leaves=leaves):
            return tuple(leaf.dtype for _, leaf in leaves or ())
        case _:
            return None
