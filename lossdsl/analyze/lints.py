"""What is legal and most likely wrong, seen in checked core."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.whole_numbers import unbounded
from lossdsl.core.graph import Apply, Core, Graph, Node, operands, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.library.declare import Builtin
from lossdsl.library.forms import Form
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim, kind, same_dim


def lints(core: Core) -> Iterator[Diagnostic]:
    """Yield every lint of a program."""
    yield from mask_lints(core)
    yield from integer_lints(core)


def mask_lints(core: Core) -> Iterator[Diagnostic]:
    """Yield reductions below a mask that read, along its axes, what the mask leaves out.

    `mean(x - mean(x), where=m)` keeps masked elements from the outer mean alone. Axes are compared
    by the names of their dims, so that only what surely meets is reported.
    """
    roots = [*(one.value for one in core.results), *core.metrics.values()]
    reported: set[Node] = set()
    for node in tape(roots):
        match node:
            case Apply(Builtin(form=Form.KEEP), (mask, value)):
                assert mask is not None and value is not None
                for coupled in _coupled(core, value, _dims(core, mask)):
                    if coupled not in reported:
                        reported.add(coupled)
                        yield _reads_on(core, node, coupled)
            case _:
                pass


def integer_lints(core: Core) -> Iterator[Diagnostic]:
    """Yield sums and products of integers that stay integers where a wrong one is not seen.

    They are a metric, or compared, divided or a remainder; an index is as large as its array.
    """
    graph = core.graph
    read: dict[Apply, str] = {}
    for name, node in core.metrics.items():
        large = unbounded(graph, node) if _kind(graph, node) == "int" else None
        if large is not None:
            read.setdefault(large, f"the metric `{name}` reads")
    for node in tape([*(one.value for one in core.results), *core.metrics.values()]):
        if not isinstance(node, Apply) or _kind(graph, node) not in ("int", "bool"):
            continue
        if node.function.operator and not node.function.grows and not node.function.keeps:
            for one in operands(node):
                large = unbounded(graph, one, sums=False)
                if large is not None:
                    read.setdefault(large, f"`{node.function.operator}` reads")
    for large, reader in read.items():
        for place in graph.places.get(large, ())[:1]:
            text = place.span.text
            yield at(
                "LD432",
                f"{reader} an integer that 32 bits may not hold",
                place.span,
                str(graph.types[large]),
                help=f"compute it in floats: `1.0*{text}`"
                if large.function.operator
                else "compute it in floats, such as `sum(1.0*n)` for `sum(n)`",
            )


def _kind(graph: Graph, node: Node) -> str | None:
    type = graph.types[node]
    return kind(type.dtype) if isinstance(type, ArrayType) else None


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
            below = [one for one in operands(node) if one not in seen]
            seen.update(below)
            waiting += below


def _ends(core: Core, node: Apply, masked: tuple[Dim, ...]) -> bool:
    dims, axes = _dims(core, operands(node)[0]), node.option(AXIS)
    ended = [dim for at, dim in enumerate(dims) if not isinstance(axes, tuple) or at in axes]
    return any(
        one.name and other.name and same_dim(one, other) for one in ended for other in masked
    )


def _reads_on(core: Core, kept: Node, coupled: Apply) -> Diagnostic:
    place, outer = core.graph.places[coupled][0], core.graph.places[kept][0]
    name = coupled.function.name
    found = at(
        "LD413",
        f"`{name}` reads the elements that the mask leaves out",
        place.span,
        "no mask here",
        help=f"give it the mask too: `{name}(…, where=…)`",
    )
    return Diagnostic(
        found.code,
        found.message,
        (*found.labels, Label(outer.span, "masked here")),
        help=found.help,
    )
