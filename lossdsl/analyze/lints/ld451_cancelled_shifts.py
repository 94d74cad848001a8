"""LD451: shift that a softmax takes off again.

A softmax does not change when every class has the same added. A margin or a bias that is no vector
over the classes has no effect at all, and no gradient.

Inputs
  z: f32[B, C]
  y: labels i32[B]
  margin: float

Wrong
  cross_entropy(z - margin, y)

Right
  cross_entropy(z - margin*one_hot(y, C), y)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Node, tape
from lossdsl.core.pattern import bare
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.roles import DISTRIBUTIONS
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType

# What is added so that no argument is 0, out of habit.
_TINY = 1e-3


@lint()
def shift_cancels(subject: Subject) -> Iterator[Diagnostic]:
    """Yield sums of scores and a value that is the same along the axis of a softmax.

    The largest score is taken off on purpose, as whatever is computed of the scores themselves.
    """
    graph, known = subject.core.graph, set[Node]()
    for node in subject.tape:
        match node:
            case Apply(Builtin(laws=laws, result_roles=roles), (scores, *_)) if (
                "shift" in laws and roles & set(DISTRIBUTIONS) and scores and not node.undecided
            ):
                axes = node.option(AXIS)
                axes = (axes,) if isinstance(axes, int) else axes
                if not isinstance(axes, tuple) or len(axes) != 1:
                    continue
                shifted = _shifted(graph, bare(scores), _back(graph, scores, axes[0]))
                if shifted is not None and shifted not in known:
                    known.add(shifted)
                    yield from _told(graph, shifted)
            case _:
                pass


def _told(graph: Graph, shifted: Apply) -> Iterator[Diagnostic]:
    place = written(graph, shifted)
    if place is not None and not place.calls:
        message = "every class has the same added, which the softmax takes off again"
        help = "a margin belongs to one class: `z - margin*one_hot(y, C)`"
        yield at("LD451", message, place.span, help=help)


def _shifted(graph: Graph, node: Node, back: int) -> Apply | None:
    """Return the sum of scores and what is the same along an axis, counted from the last."""
    while isinstance(node, Apply):
        symbol, given = node.function.operator, [bare(each) for each in node.arguments if each]
        if symbol not in ("+", "-", "*", "/") or len(given) != 2:
            return None
        even = [_is_even(graph, operand, back) for operand in given]
        if even.count(True) != 1 or (symbol == "/" and even[0]):
            return None
        constant, varying = given[even.index(True)], given[even.index(False)]
        if symbol in ("+", "-"):
            habit = isinstance(constant, Const) and (
                abs(_value(constant)) < _TINY or _is_rescaled(varying)
            )
            return None if habit or varying in tape([constant]) else node
        node = varying
    return None


def _is_rescaled(node: Node) -> bool:
    """Say whether a value is a number times another, as `2*p` is of `2*p - 1`."""
    match node:
        case Apply(Builtin(operator="*"), (Const(), _) | (_, Const())):
            return True
        case _:
            return False


def _value(node: Const) -> float:
    match node.value:
        case int() | float() as number:
            return number
        case _:
            return 1.0


def _back(graph: Graph, node: Node, axis: int) -> int:
    type = graph.types[node]
    rank = len(type.dims) if isinstance(type, ArrayType) and type.dims is not None else 0
    return rank - axis


def _is_even(graph: Graph, node: Node, back: int) -> bool:
    """Say whether a value is the same all along an axis, which it may not have."""
    type = graph.types[node]
    if not isinstance(type, ArrayType) or type.dims is None:
        return False
    return len(type.dims) < back or type.dims[-back].is_one
