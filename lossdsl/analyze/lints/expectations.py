"""LD437: an expectation over the classes that is divided by how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, tape
from lossdsl.core.pattern import Patterns, matches
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.roles import SUMMING
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim, same_dim

# Means of `p`, a distribution, times a logarithm, over axes `A`.
EXPECTATIONS = (
    "mean(p*log_softmax(z), axis=A)",
    "mean(p*log(q), axis=A)",
    "mean(p*(log(q) - r), axis=A)",
    "mean(p*(r - log_softmax(z)), axis=A)",
    "mean(p*(log_softmax(z) - r), axis=A)",
    "mean(xlogy(p, q), axis=A)",
    "mean(entr(p), axis=A)",
)
_EXPECTATIONS = Patterns(EXPECTATIONS, str)


def averaged_expectation(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the means over the classes of a distribution times a logarithm."""
    graph = subject.core.graph
    for node in subject.tape:
        place = (
            written(graph, node) if isinstance(node, Apply) and node.function.reduction else None
        )
        if not isinstance(node, Apply) or place is None or place.calls or node.undecided:
            continue
        classes = _classes(graph, node)
        if classes is not None and not _is_multiplied(subject, node, classes):
            named = f"`{classes}`" if classes.name else "the classes"
            message = f"an expectation over {named} is divided by how many there are"
            help = "`sum` along the classes, and `mean` over the rest"
            yield at("LD437", message, place.span, help=help)


def _is_multiplied(subject: Subject, mean: Apply, classes: Dim) -> bool:
    """Say whether the number of classes is a factor that makes up for it."""
    for node in subject.tape:
        match node:
            case Apply(Builtin(operator="*"), (a, b)):
                for factor, value in ((a, b), (b, a)):
                    match factor:
                        case Const(Dim() as size) if same_dim(size, classes) and value is not None:
                            if mean in tape([value]):
                                return True
                        case _:
                            pass
            case _:
                pass
    return False


def _classes(graph: Graph, node: Apply) -> Dim | None:
    """Return the size of the classes, if a mean divides by it."""
    for _, expr in _EXPECTATIONS.of(node):
        for names in matches(expr, node):
            p, over = names["p"], names["A"]
            type = graph.types[p] if isinstance(p, Apply | Input | Leaves) else None
            if not isinstance(type, ArrayType) or type.role not in SUMMING or type.dims is None:
                continue
            made = p.option(AXIS) if isinstance(p, Apply) else None
            if isinstance(p, Apply) and not isinstance(made, tuple):
                continue
            axis = made[0] if isinstance(made, tuple) and len(made) == 1 else len(type.dims) - 1
            if len(type.dims) > 1 and (over is None or (isinstance(over, tuple) and axis in over)):
                return type.dims[axis]
    return None
