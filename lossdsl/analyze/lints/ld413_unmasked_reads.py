"""LD413: mask does not reach a reduction.

A mask selects the elements of the value that is reduced. A reduction inside that value couples them
before, so what is masked still counts there.

Inputs
  x: f32[B]
  m: bool[B]

Wrong
  mean(square(x - mean(x)), where=m)

Right
  mean(square(x - mean(x, where=m)), where=m)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeGuard

from lossdsl.analyze.dataflow import backward, every_operand
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Core, Node, operands
from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import Dim, same_dim


@lint()
def mask_stops(subject: Subject) -> Iterator[Diagnostic]:
    """Yield reductions below a mask that read, along its axes, what the mask leaves out.

    `mean(x - mean(x), where=m)` keeps masked elements from the outer mean alone. Axes are compared
    by the names of their dims, so that only what surely meets is reported.
    """
    core, order = subject.core, subject.tape
    selects: dict[Node, _Selects] = {}
    for place, node in enumerate(order):
        match node:
            case Apply(Builtin(form=Form.KEEP), (mask, value)) if mask and value:
                selects[value] = _earliest(selects.get(value, {}), {core.graph.dims(mask): place})
            case _:
                pass
    above = backward(selects, _uncoupled, _earliest)
    reads: list[tuple[int, Apply]] = []
    for node in reversed(order):
        if node in above and _reduces_all(node):
            ended = [place for masked, place in above[node].items() if _ends(core, node, masked)]
            reads += [(min(ended), node)] if ended else []
    for place, node in sorted(reads, key=lambda read: read[0]):
        yield _reads_on(core, order[place], node)


# The selects that a value reaches with nothing between that couples its elements: by the dims of
# a mask the place of the first on the tape.
_Selects = Mapping[tuple[Dim, ...], int]


def _earliest(a: _Selects, b: _Selects) -> _Selects:
    return {**b, **{masked: min(place, b.get(masked, place)) for masked, place in a.items()}}


def _uncoupled(node: Node, selects: _Selects) -> Iterable[tuple[Node, _Selects]]:
    plain = isinstance(node, Apply) and node.function.elementwise
    return every_operand(node, selects) if plain else ()


def _reduces_all(node: Node) -> TypeGuard[Apply]:
    """Say whether a node is a reduction without a mask."""
    if not isinstance(node, Apply) or not node.function.reduction or node.undecided:
        return False
    return node.arguments[1:2] == (None,)


def _ends(core: Core, node: Apply, masked: tuple[Dim, ...]) -> bool:
    dims, axes = core.graph.dims(operands(node)[0]), node.option(AXIS)
    ended = [dim for at, dim in enumerate(dims) if not isinstance(axes, tuple) or at in axes]
    return any(
        ended_dim.name and masked_dim.name and same_dim(ended_dim, masked_dim)
        for ended_dim in ended
        for masked_dim in masked
    )


def _reads_on(core: Core, kept: Node, coupled: Apply) -> Diagnostic:
    place, outer = core.graph.places[coupled][0], core.graph.places[kept][0]
    name = coupled.function.name
    diagnostic = at(
        "LD413",
        f"`{name}` reads the elements that the mask leaves out",
        place.span,
        "no mask here",
        help=f"give it the mask too: `{name}(…, where=…)`",
    )
    return Diagnostic(
        diagnostic.code,
        diagnostic.message,
        (*diagnostic.labels, Label(outer.span, "masked here")),
        help=diagnostic.help,
    )
