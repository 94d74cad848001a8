"""LD455: trained scale that may fall below 0.

Nothing holds a trained number above 0. An error over its square is finite on both sides of 0, and
its logarithm is NaN on one.

Inputs
  a: f32[B]
  b: f32[B]
  w: f32[]
  s: f32[]

Wrong
  mse(a, b)/square(w) + 2*log(w)

Right
  mse(a, b)*exp(-2*s) + 2*s
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Input, Node
from lossdsl.core.pattern import Patterns, bare, matches, picked_from
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.types.types import ArrayType, Type

# What weighs an error by a scale `w`, and what keeps that scale from growing.
WEIGHED = ("x/square(w)", "x/(c*square(w))", "x/w")
KEPT = ("log(w)", "log(square(w))")
_WEIGHED, _KEPT = Patterns(WEIGHED, str), Patterns(KEPT, str)


@lint()
def scale_falls(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the logarithms of an input without a range that an error is divided by as well."""
    graph = subject.core.graph
    kept: dict[Node, Apply] = {}
    weighed: set[Node] = set()
    for node in subject.tape:
        if not isinstance(node, Apply) or node.undecided:
            continue
        for table, each in ((_KEPT, kept), (_WEIGHED, weighed)):
            for text, expr in table.of(node):
                for names in matches(expr, node):
                    scale = _input(subject, names["w"])
                    if scale is None or (table is _KEPT and text != KEPT[0]):
                        continue
                    if isinstance(each, dict):
                        each.setdefault(scale, node)
                    else:
                        each.add(scale)
    for scale, node in kept.items():
        place = written(graph, node)
        if scale in weighed and place is not None and not place.calls:
            name = scale.name if isinstance(scale, Input) else ""
            message = f"`{name}` may be trained below 0, where its logarithm is NaN"
            help = f"train the logarithm: `exp(-2*s)*error + s`, or declare `{name}: … in (0, inf)`"
            yield at("LD455", message, place.span, help=help)


def _input(subject: Subject, value: object) -> Node | None:
    """Return the input whose elements a value holds, if nothing says where they lie."""
    if not isinstance(value, Apply | Input):
        return None
    node = bare(picked_from(bare(value)) or value)
    type = subject.core.graph.types[node]
    others = [each for name, each in subject.core.inputs.items() if name != _name(node)]
    free = isinstance(type, ArrayType) and type.role is None and not _is_shared(type, others)
    known = isinstance(node, Input) and (
        node.name in subject.core.ranges or node.name in subject.settings
    )
    return node if isinstance(node, Input) and free and not known else None


def _name(node: Node) -> str | None:
    return node.name if isinstance(node, Input) else None


def _is_shared(type: ArrayType, others: Iterable[Type]) -> bool:
    """Say whether another input has an axis of this one, as where each example has a scale.

    What a model gives for each example was made to be above 0 in it; a weight of its own was not.
    """
    names = {dim.name for dim in type.dims or () if dim.name}
    return any(
        dim.name in names
        for other in others
        if isinstance(other, ArrayType)
        for dim in other.dims or ()
    )
