"""The invariants of flat core, held: what every pass returns, and every kernel may rely on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, tape
from lossdsl.diagnostics.defect import defect
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.library.syntax_forms import Form
from lossdsl.specialize.casts import met
from lossdsl.types.dtypes import LONG_NAMES
from lossdsl.types.types import LITERAL, ArrayType, TreeType, Type, UnknownType

# What core says while types are open, or of a tree that has not been taken apart.
_NOT_FLAT = (Form.USABLE, Form.MAP)


def verify_flat(graph: Graph, roots: Sequence[Node], default_float: str) -> None:
    """Raise `LossError` (LD999) unless the roots are flat core.

    Every type is concrete, every operation one of arrays but for those that read a tree whole,
    and the operands of an elementwise function have the dtype in which it computes.
    """
    for node in tape(roots):
        wrong = next(_violations(graph, node, default_float), None)
        if wrong is not None:
            places = graph.places.get(node)
            raise LossError([defect(f"flat core {wrong}", places[0].span if places else None)])


def _violations(graph: Graph, node: Node, default_float: str) -> Iterator[str]:
    """Yield what is wrong with one node."""
    match node:
        case Leaves():
            yield "selects leaves of a tree"
        case Apply(function, arguments, options):
            if node.undecided or function.form in _NOT_FLAT:
                yield f"holds `{function.name}`"
            if function.elementwise:
                types = [
                    None if argument is None else graph.types[argument] for argument in arguments
                ]
                if not all(isinstance(type, ArrayType) for type in types):
                    yield f"maps `{function.name}` over a tree"
                elif met(graph, function, arguments, graph.types[node], default_float) != list(
                    arguments
                ):
                    yield f"leaves the operands of `{function.name}` in dtypes that differ"
            if function.form is Form.CAST and dict(options)["dtype"] != _dtype(graph.types[node]):
                yield "has a cast to another dtype than that of its result"
        case Const() | Input():
            pass
    if (open := _open(graph.types[node], bool(graph.sizes))) is not None:
        yield f"has the type {open}"


def _dtype(type: Type) -> str | None:
    return type.dtype if isinstance(type, ArrayType) else None


def _open(type: Type, sizes: bool) -> Type | None:
    """Return a type that is not concrete; numbers have the dtype of what they meet.

    Where a call leaves `sizes` open, a dim that is no polynomial of them is not known.
    """
    match type:
        case ArrayType(dtype=dtype, strength=strength):
            known = dtype in LONG_NAMES or strength == LITERAL
            sized = type.dims is not None if sizes else type.is_sized
            return None if known and sized else type
        case TreeType(leaves=None) | UnknownType():
            return type
        case _:
            return None
