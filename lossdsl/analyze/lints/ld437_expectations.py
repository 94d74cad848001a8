"""LD437: expectation divided by the number of classes.

What a distribution weighs is summed over the classes: the weights sum to 1 already. A mean over
them divides by their number, and the term counts that much less.

Inputs
  z: logits f32[B, C]
  t: one_hot f32[B, C]

Wrong
  -mean(t*log_softmax(z, axis=C))

Right
  -mean(sum(t*log_softmax(z, axis=C), axis=C))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, operands, tape
from lossdsl.core.pattern import Patterns, bare, matches
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.roles import SUMMING
from lossdsl.library.syntax_forms import Form
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
_LOGARITHMS = Patterns(("log_softmax(z)", "log(q)"), str)


@lint()
def averaged_expectation(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the means over the classes of a distribution times a logarithm."""
    graph = subject.core.graph
    for node in subject.tape:
        place = (
            written(graph, node) if isinstance(node, Apply) and node.function.reduction else None
        )
        if not isinstance(node, Apply) or place is None or place.calls or node.undecided:
            continue
        classes = _classes(subject, node)
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
                        case Const(Dim() as size) if value is not None:
                            if _counts(size, classes) and mean in tape([value]):
                                return True
                        case _:
                            pass
            case _:
                pass
    return False


def _counts(size: Dim, classes: Dim) -> bool:
    """Say whether a size is that of the classes, or a power of it."""
    return bool(same_dim(size, classes)) or classes.name in size.symbols


def _classes(subject: Subject, node: Apply) -> Dim | None:
    """Return the size of the classes, if a mean divides by it."""
    graph = subject.core.graph
    for _, expr in _EXPECTATIONS.of(node):
        for names in matches(expr, node):
            p, over = names["p"], names["A"]
            if not isinstance(p, Apply | Input | Leaves):
                continue
            axis, dims = _axis(graph, p), graph.dims(p)
            # Of what is passed and stopped, the mean over all may be a constant of a divergence.
            whole = over is None and (p is _made(p) or isinstance(_made(p), Apply))
            if axis is not None and (whole or (isinstance(over, tuple) and axis in over)):
                return dims[axis]
    return _of_product(subject, node)


def _of_product(subject: Subject, mean: Apply) -> Dim | None:
    """Return the size of the classes of a product with a distribution, if a mean divides by it.

    The mean is over the classes alone, or of a one-hot vector times a logarithm of chances over
    more. Chances that are passed may be each of its own, which `1 - p` shows.
    """
    graph, (value, *rest) = subject.core.graph, mean.arguments
    if mean.function.combine != "mean" or value is None or any(rest):
        return None
    if not graph.dims(value):  # of a tree, whose leaves have axes of their own, too
        return None
    factors, rank = list(_factors(value)), len(graph.dims(value))
    axes = mean.option(AXIS)
    over = {at % rank for at in axes} if isinstance(axes, tuple) else set(range(rank))
    logs = any(map(_is_log, factors))
    for p in factors if len(factors) > 1 else ():
        axis, dims = _axis(graph, p), graph.dims(p)
        at = None if axis is None else axis + rank - len(dims)
        if axis is None or at not in over or _is_of_each(subject, p):
            continue
        if over == {at} or (logs and _role(graph, p) == "one_hot"):
            return dims[axis]
    return None


def _is_log(node: Node) -> bool:
    return isinstance(node, Apply) and any(
        True for _, expr in _LOGARITHMS.of(node) for _ in matches(expr, node)
    )


def _factors(root: Node) -> Iterator[Node]:
    """Yield what is multiplied in a value, but numbers."""
    waiting = [root]
    while waiting:
        node = bare(waiting.pop())
        match node:
            case Const():
                pass
            case Apply(Builtin(operator="*"), (a, b)) if a and b:
                waiting += [a, b]
            case Apply(Builtin(operator="neg"), (a,)) if a:
                waiting.append(a)
            case Apply(Builtin(operator="/"), (a, Const())) if a:
                waiting.append(a)
            case _:
                yield node


def _is_of_each(subject: Subject, p: Node) -> bool:
    """Say whether chances that are passed, or labels, are met by their complement."""
    if isinstance(p, Apply):
        return False
    if _role(subject.core.graph, p) == "probs" and len(subject.core.graph.dims(p)) != 2:
        return True
    for node in subject.tape:
        match node:
            case Apply(Builtin(operator="-"), (Const(1 | 1.0), other)) if (
                other and bare(other) is p
            ):
                return True
            case _:
                pass
    return False


def _axis(graph: Graph, p: Node) -> int | None:
    """Return the axis along which the entries of a distribution sum to 1."""
    p = _made(p)
    dims = graph.dims(p)
    if _role(graph, p) not in SUMMING or len(dims) < 2:
        return None
    if not isinstance(p, Apply) or p.function.result_roles == frozenset({"one_hot"}):
        return len(dims) - 1
    made = p.option(AXIS)
    return made[0] if isinstance(made, tuple) and len(made) == 1 else None


def _made(p: Node) -> Node:
    """Return a distribution without what converts or stops it."""
    while isinstance(p, Apply) and p.function.form in (Form.CAST, Form.STOP_GRADIENT):
        (p,) = operands(p)
    return p


def _role(graph: Graph, node: Node) -> str | None:
    type = graph.types[node]
    return type.role if isinstance(type, ArrayType) else None
