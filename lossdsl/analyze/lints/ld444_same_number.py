"""LD444: elements weighed by one number.

What was reduced over the examples is one number for all of them. The sum of its product with a
weight of each example is the product of two sums, in which no example has its own weight.

Inputs
  out: f32[B]
  tgt: f32[B]
  w: f32[B]

Wrong
  mean(w*mse(out, tgt))

Right
  mean(w*mse(out, tgt, reduce="none"))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.padding import marks_given
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, operands, tape
from lossdsl.core.pattern import bare, picked_from
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim, kind, same_dim

# The roles of what says which elements count, and as how much.
_COUNTING = ("mask", "labels", "one_hot", "signs", "spikes")


@lint()
def same_number(subject: Subject) -> Iterator[Diagnostic]:
    """Yield products of an array with a sum or mean over the same axis, which are summed again.

    The two read other inputs: what is scaled by a number of its own is normalized. The sum is that
    of the one times the sum of the other.
    """
    graph = subject.core.graph
    read: dict[Node, list[Apply]] | None = None
    for node in subject.tape:
        match node:
            case Apply(Builtin(operator="*"), (a, b)) if a and b and not node.undecided:
                pairs = [(a, b), (b, a)]
            case _:
                continue
        for array, number in pairs:
            dims = _reduced_over(graph, array, number)
            if not dims or marks_given(subject, subject.flags[array]):
                continue
            place = written(graph, node)
            if place is None or place.calls or not _are_apart(graph, array, number):
                continue
            read = _readers(subject) if read is None else read
            if _is_summed(graph, read, node, dims):
                name = next((f"over `{dim}`" for dim in dims if dim.name), "over all elements")
                message = f"every element is weighed by the same number, reduced {name} before"
                help = 'multiply element by element, `reduce="none"` of a loss, and reduce that'
                yield at("LD444", message, place.span, help=help)
                break


def _readers(subject: Subject) -> dict[Node, list[Apply]]:
    read: dict[Node, list[Apply]] = {}
    for node in subject.tape:
        for operand in operands(node) if isinstance(node, Apply) else ():
            read.setdefault(operand, []).append(node)  # type: ignore[arg-type]
    return read


def _reduced_over(graph: Graph, array: Node, number: Node) -> list[Dim]:
    """Return the sizes of an array over which a number was summed or averaged before."""
    inner = picked_from(bare(number))
    dims = _dims(graph, array)
    while isinstance(inner, Apply) and inner.function.operator == "neg":
        inner = picked_from(bare(operands(inner)[0]))
    if not isinstance(inner, Apply) or inner.function.combine not in ("sum", "mean"):
        return []
    if inner.undecided or inner.function.form is Form.STOP_GRADIENT:
        return []
    if not _is_real(graph, operands(inner)[0]):
        return []
    axes = inner.option(AXIS)
    every = enumerate(_dims(graph, operands(inner)[0]))
    over = [dim for at, dim in every if not isinstance(axes, tuple) or at in axes]
    kept = _dims(graph, number)
    return [
        dim
        for dim in dims
        if any(same_dim(dim, other) for other in over)
        and dim.known is None
        and not any(same_dim(dim, other) for other in kept)
    ]


def _are_apart(graph: Graph, array: Node, number: Node) -> bool:
    """Say whether two values are trained or given, and read no input both."""
    sides = [_inputs(array), _inputs(number)]
    return all(sides) and sides[0].isdisjoint(sides[1]) and _is_trained(graph, number)


def _inputs(node: Node) -> set[Input]:
    return {inner for inner in tape([node]) if isinstance(inner, Input)}


def _is_trained(graph: Graph, root: Node) -> bool:
    """Say whether a gradient leaves a value for an input."""
    passes: dict[Node, bool] = {}
    for node in tape([root]):
        match node:
            case Input():
                passes[node] = _is_real(graph, node)
            case Apply(function):
                flat = "flat" in function.laws or function.form is Form.STOP_GRADIENT
                passes[node] = not flat and any(passes[operand] for operand in operands(node))
            case _:
                passes[node] = False
    return passes[root]


def _is_real(graph: Graph, node: Node) -> bool:
    """Say whether a value is of real numbers, and none that says which elements count."""
    type = graph.types[node]
    if not isinstance(type, ArrayType) or kind(type.dtype) != "float":
        return False
    return type.role not in _COUNTING


def _is_summed(graph: Graph, read: dict[Node, list[Apply]], root: Apply, dims: list[Dim]) -> bool:
    """Say whether a product is summed over sizes, by itself or the smaller of it and another."""
    waiting, seen = [root], {root}
    while waiting:
        node = waiting.pop()
        for reader in read.get(node, ()):
            if reader in seen or reader.undecided:
                continue
            seen.add(reader)
            function = reader.function
            if function.combine in ("sum", "mean") and reader.arguments[0] is node:
                if _ends(graph, reader, dims):
                    return True
            elif _is_linear(graph, reader, node) or _is_one_of(reader):
                waiting.append(reader)
    return False


def _is_one_of(node: Apply) -> bool:
    """Say whether a value is one of several, such as the smaller or the one that is chosen."""
    function = node.function
    scaled = "scale 1" in function.laws and len(operands(node)) > 1
    return function.elementwise and (scaled or bool(function.keeps))


def _is_linear(graph: Graph, reader: Apply, node: Node) -> bool:
    """Say whether a value is added, or multiplied by a number."""
    match reader:
        case Apply(Builtin(operator="+" | "-" | "neg")):
            return True
        case Apply(Builtin(operator="*" | "/"), (a, b)) if a and b:
            other = b if a is node else a
            return (a is node or reader.function.operator == "*") and (
                isinstance(other, Const) or not _dims(graph, other)
            )
        case _:
            return False


def _ends(graph: Graph, reduction: Apply, dims: list[Dim]) -> bool:
    axes, known = reduction.option(AXIS), enumerate(_dims(graph, operands(reduction)[0]))
    over = [dim for at, dim in known if not isinstance(axes, tuple) or at in axes]
    return any(same_dim(dim, other) for dim in dims for other in over)


def _dims(graph: Graph, node: Node) -> list[Dim]:
    """Return the sizes of an array as the text calls them."""
    type = graph.types[node]
    dims = (type.dims or ()) if isinstance(type, ArrayType) else ()
    return [graph.outward(dim) for dim in dims]
