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

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.gradient_paths import Gradients
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.padding import marks_given
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, inputs_of, operands
from lossdsl.core.pattern import bare, picked_from
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
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
            if _is_summed(subject, node, dims):
                name = next((f"over `{dim}`" for dim in dims if dim.name), "over all elements")
                message = f"every element is weighed by the same number, reduced {name} before"
                help = 'multiply element by element, `reduce="none"` of a loss, and reduce that'
                yield at("LD444", message, place.span, help=help)
                break


def _reduced_over(graph: Graph, array: Node, number: Node) -> list[Dim]:
    """Return the sizes of an array over which a number was summed or averaged before."""
    inner = picked_from(bare(number))
    dims = graph.outer_dims(array)
    while isinstance(inner, Apply) and inner.function.operator == "neg":
        inner = picked_from(bare(operands(inner)[0]))
    if not isinstance(inner, Apply) or inner.function.combine not in ("sum", "mean"):
        return []
    if inner.undecided or inner.function.form is Form.STOP_GRADIENT:
        return []
    if not _is_real(graph, operands(inner)[0]):
        return []
    axes = inner.option(AXIS)
    every = enumerate(graph.outer_dims(operands(inner)[0]))
    over = [dim for at, dim in every if not isinstance(axes, tuple) or at in axes]
    kept = graph.outer_dims(number)
    return [
        dim
        for dim in dims
        if any(same_dim(dim, other) for other in over)
        and dim.known is None
        and not any(same_dim(dim, other) for other in kept)
    ]


def _are_apart(graph: Graph, array: Node, number: Node) -> bool:
    """Say whether two values are trained or given, and read no input both."""
    sides = [inputs_of(array), inputs_of(number)]
    apart = all(sides) and sides[0].isdisjoint(sides[1])
    return apart and forward([number], _Trained(graph))[number]


@dataclass(frozen=True)
class _Trained(Gradients):
    """Whether a gradient leaves a value for an input of numbers."""

    def given(self, node: Input | Leaves) -> bool:
        return _is_real(self.graph, node)

    def selected(self, node: Leaves, tree: bool) -> bool:
        return False

    def ends(self, node: Apply) -> bool:
        return node.function.form is Form.STOP_GRADIENT or "flat" in node.function.laws


def _is_real(graph: Graph, node: Node) -> bool:
    """Say whether a value is of real numbers, and none that says which elements count."""
    type = graph.types[node]
    if not isinstance(type, ArrayType) or kind(type.dtype) != "float":
        return False
    return type.role not in _COUNTING


def _is_summed(subject: Subject, root: Apply, dims: list[Dim]) -> bool:
    """Say whether a product is summed over sizes, by itself or the smaller of it and another."""
    graph, waiting, seen = subject.core.graph, [root], {root}
    while waiting:
        node = waiting.pop()
        for reader in subject.readers.get(node, ()):
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
                isinstance(other, Const) or not graph.outer_dims(other)
            )
        case _:
            return False


def _ends(graph: Graph, reduction: Apply, dims: list[Dim]) -> bool:
    axes, known = reduction.option(AXIS), enumerate(graph.outer_dims(operands(reduction)[0]))
    over = [dim for at, dim in known if not isinstance(axes, tuple) or at in axes]
    return any(same_dim(dim, other) for dim in dims for other in over)
