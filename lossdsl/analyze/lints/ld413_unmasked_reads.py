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

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Core, Node, operands
from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim, same_dim


@lint()
def mask_stops(subject: Subject) -> Iterator[Diagnostic]:
    """Yield reductions below a mask that read, along its axes, what the mask leaves out.

    `mean(x - mean(x), where=m)` keeps masked elements from the outer mean alone. Axes are compared
    by the names of their dims, so that only what surely meets is reported.
    """
    core = subject.core
    reported: set[Node] = set()
    for node in subject.tape:
        match node:
            case Apply(Builtin(form=Form.KEEP), (mask, value)):
                assert mask is not None and value is not None
                for coupled in _coupled(core, value, _dims(core, mask)):
                    if coupled not in reported:
                        reported.add(coupled)
                        yield _reads_on(core, node, coupled)
            case _:
                pass


def _dims(core: Core, node: Node) -> tuple[Dim, ...]:
    type = core.graph.types[node]
    return (type.dims or ()) if isinstance(type, ArrayType) else ()


def _coupled(core: Core, value: Node, masked: tuple[Dim, ...]) -> Iterator[Apply]:
    """Yield the first reductions on the way down that end an axis of the mask."""
    waiting, seen = [value], {value}
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Apply):
            continue
        if node.function.reduction and not node.undecided:
            if node.arguments[1:2] == (None,) and _ends(core, node, masked):
                yield node
        elif node.function.elementwise:
            below = [operand for operand in operands(node) if operand not in seen]
            seen.update(below)
            waiting += below


def _ends(core: Core, node: Apply, masked: tuple[Dim, ...]) -> bool:
    dims, axes = _dims(core, operands(node)[0]), node.option(AXIS)
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
