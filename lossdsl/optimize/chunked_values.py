"""What is computed in chunks, as a step beside the nodes of flat core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lossdsl.core.graph import Apply, Graph, Node, operands
from lossdsl.frozen import dataclass
from lossdsl.library.function import is_own
from lossdsl.source import Span


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """What is computed of some rows at a time, `each` of all `rows`, along one axis.

    The `body` are operations, operands first, on `sliced` values, cut along the axis of the rows,
    and on `whole` ones; `outputs` are what is read of it, each with that axis.
    """

    rows: int
    each: int
    body: tuple[Node, ...]
    sliced: Mapping[Node, int]
    whole: tuple[Node, ...]
    outputs: Mapping[Node, int]


@dataclass(frozen=True, slots=True, eq=False)
class Chunked:
    """A large value of which rows are computed a chunk at a time, by one loop or two.

    Where nothing but one number is made of the outputs, of which it is a linear function, `tail`
    are the operations between, and `beside` is what else they read.
    """

    large: Apply
    size: int
    loops: tuple[Loop, ...]
    tail: tuple[Node, ...] = ()
    beside: tuple[Node, ...] = ()

    @property
    def made(self) -> tuple[Node, ...]:
        """What the rest of a program reads of it."""
        return self.tail[-1:] or tuple(node for loop in self.loops for node in loop.outputs)

    @property
    def read(self) -> tuple[Node, ...]:
        """What it reads of the rest of a program."""
        reads = (node for loop in self.loops for node in (*loop.sliced, *loop.whole))
        return tuple(dict.fromkeys((*reads, *self.beside)))

    @property
    def within(self) -> tuple[Node, ...]:
        """What is computed in it."""
        return (*(node for loop in self.loops for node in loop.body), *self.tail)


Step = Node | Chunked


@dataclass(frozen=True, slots=True)
class LargeValue:
    """What is computed in chunks: its text, its bytes if it were whole, and how many chunks.

    What is read both by row and by column is computed in chunks of each.
    """

    text: str
    bytes: int
    chunks: int


def large_value(graph: Graph, chunked: Chunked) -> LargeValue:
    """Return what a user is told of what is computed in chunks, in the words of the text."""
    span = span_of(graph, chunked.large)
    text = chunked.large.function.name if span is None else span.text
    count = sum(-(-loop.rows // loop.each) for loop in chunked.loops)
    return LargeValue(text, chunked.size, count)


def span_of(graph: Graph, node: Node) -> Span | None:
    """Return where a value is written, or the call of lossdsl's own function that makes it."""
    for place in graph.places.get(node, ()):
        spans = [place.span, *(span for _, span in reversed(place.calls))]
        return next((span for span in spans if not is_own(span.source)), None)
    return None


def steps(roots: Iterable[Node], chunked: Sequence[Chunked]) -> list[Step]:
    """Return what is computed for roots, operands first: nodes, and values that come in chunks."""
    whole: dict[Node, Step] = {node: each for each in chunked for node in each.made}
    order: list[Step] = []
    seen: set[Step] = set()
    stack: list[Step | tuple[Step]] = [whole.get(root, root) for root in reversed(list(roots))]
    while stack:
        step = stack.pop()
        if isinstance(step, tuple):
            order.append(step[0])
        elif step not in seen:
            seen.add(step)
            stack.append((step,))
            reads = step.read if isinstance(step, Chunked) else operands(step)
            stack += [whole.get(node, node) for node in reversed(reads)]
    return order
