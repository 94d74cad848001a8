"""LD419: distribution along another axis than is summed.

A softmax over the batch is no distribution over the classes. The loss is a number, goes down, and
compares each example with the others of its batch.

Inputs
  z: logits f32[B, C]
  t: one_hot f32[B, C]

Wrong
  -mean(sum(t*log_softmax(z, axis=B), axis=C))

Right
  -mean(sum(t*log_softmax(z, axis=C), axis=C))
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Graph, Input, Leaves, Node, operands
from lossdsl.core.pattern import match, pattern
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.roles import DISTRIBUTIONS, SUMMING
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, Dim, Type

CONTRACTIONS = (
    "sum(t*log_softmax(z, axis=N), axis=A)",
    "sum(t*log(softmax(z, axis=N)), axis=A)",
)


@lint(around=("LD419", "LD428"))
def other_axis(subject: Subject) -> Iterator[Diagnostic]:
    """Yield sums of a target times a distribution along another axis than it is one.

    The two have the same dims. A matrix of all pairs, of one dim twice, is right both ways.
    """
    graph = subject.core.graph
    for node in subject.tape:
        place = (
            written(graph, node) if isinstance(node, Apply) and node.function.reduction else None
        )
        if place is None:
            continue
        for text in CONTRACTIONS:
            names = match(pattern(text), node)
            if names is None:
                continue
            target, scores = _type(graph, names["t"]), _type(graph, names["z"])
            made, summed = names["N"], names["A"]
            if target is None or scores is None or target.role not in SUMMING:
                continue
            dims = target.dims or ()
            # One of size 1 along the softmax picks one of several distributions.
            if dims != scores.dims or len(set(map(str, dims))) < len(dims):
                continue
            if not isinstance(made, tuple) or not isinstance(summed, tuple) or made == summed:
                continue
            over = ", ".join(_named(dims, axis) for axis in made)
            classes = ", ".join(_named(dims, axis) for axis in summed)
            message = f"the softmax runs along `{over}`, and its sum along `{classes}`"
            yield at("LD419", message, place.span, help=f"`axis={classes}` in both")


@lint(around=("LD419", "LD428"))
def picked_along_other(subject: Subject) -> Iterator[Diagnostic]:
    """Yield classes that labels pick along another axis than the one that was normalized."""
    graph = subject.core.graph
    for node in subject.tape:
        match node:
            case Apply(function, (Apply() as scores, index, *_)) if (
                index is not None and not function.elementwise and not function.reduction
            ):
                place, picked = written(graph, node), node.option(AXIS)
                made = scores.option(AXIS)
                labels = graph.types[_bare(index)]
                axes = (picked,) if isinstance(picked, int) else picked
                if place is None or place.calls or not _makes_distribution(scores):
                    continue
                if not isinstance(labels, ArrayType) or labels.role != "labels":
                    continue
                if isinstance(axes, tuple) and isinstance(made, tuple) and axes != made:
                    dims = graph.dims(scores)
                    along, over = _named(dims, made[0]), _named(dims, cast("int", axes[0]))
                    message = f"labels pick along `{over}` what was normalized along `{along}`"
                    yield at("LD419", message, place.span, help=f"`axis={over}` in both")
            case _:
                pass


def _bare(node: Node) -> Node:
    """Return what an index is of that only has more axes."""
    while isinstance(node, Apply) and len(node.function.keeps) == 1 and node.arguments[0]:
        node = node.arguments[0]
    return node


@lint(around=("LD419", "LD428"))
def over_the_batch(subject: Subject) -> Iterator[Diagnostic]:
    """Yield distributions over the examples of scores that have an axis of classes.

    A matrix of all pairs is right both ways, and so is what is summed along that axis afterwards,
    such as a pooling; one axis of scores, or one that leads an input, may be of examples.
    """
    graph = subject.core.graph
    leading = [dims[0] for dims in map(_dims, subject.core.inputs.values()) if dims]
    for node in subject.tape:
        if not isinstance(node, Apply) or node.undecided or not _makes_distribution(node):
            continue
        (scores, *_), place = operands(node), written(graph, node)
        type = graph.types[scores]
        dims = _dims(type)
        if place is None or place.calls or len(dims) < 2 or not _is_logits(type):
            continue
        first = dims[0]
        square = sum(str(dim) == str(first) for dim in dims) > 1
        alone = dims[-1] in leading or dims[-1].is_one or _CLASSES.fullmatch(first.name or "")
        if node.option(AXIS) != (0,) or not first.name or leading.count(first) < 2:
            continue
        both = any(_is_along_other(node, other) for other in subject.tape)
        if not square and not alone and not both and not _is_summed(subject, node, 0):
            message = f"`{node.function.name}` runs along `{first}`, over the examples"
            classes = _named(dims, len(dims) - 1)
            help = f"the classes of an example lie along another axis: `axis={classes}`"
            yield at("LD419", message, place.span, help=help)


@lint(around=("LD419", "LD428"))
def over_examples(subject: Subject) -> Iterator[Diagnostic]:
    """Yield distributions along an axis of every input, of scores that have one which some lack.

    What is summed along that axis afterwards is a pooling, and a matrix of all pairs has it twice.
    """
    graph = subject.core.graph
    inputs = [set(map(str, dims)) for dims in map(_dims, subject.core.inputs.values()) if dims]
    shared = set.intersection(*inputs) if len(inputs) > 1 else set[str]()
    for node in subject.tape if shared else ():
        if not isinstance(node, Apply) or node.undecided or not _makes_distribution(node):
            continue
        (scores, *_), place, axes = operands(node), written(graph, node), node.option(AXIS)
        dims = [str(dim) for dim in graph.dims(scores)]
        if place is None or place.calls or not isinstance(axes, tuple) or len(axes) != 1:
            continue
        along = dims[axes[0]]
        some = [
            dim for dim in dims if dim.isidentifier() and any(dim not in names for names in inputs)
        ]
        both = any(_is_along_other(node, other) for other in subject.tape)
        if along not in shared or not along.isidentifier() or dims.count(along) > 1 or not some:
            continue
        if axes[0] and not both and not _is_summed(subject, node, axes[0]):
            message = f"`{node.function.name}` runs along `{along}`, which every input has"
            help = f"the classes of an example lie along another axis: `axis={some[-1]}`"
            yield at("LD419", message, place.span, help=help)


def _is_along_other(node: Apply, other: Node) -> bool:
    """Say whether another value is the distribution of the same scores along another axis."""
    return (
        isinstance(other, Apply)
        and other.function is node.function
        and other.arguments[0] is node.arguments[0]
        and other.option(AXIS) != node.option(AXIS)
    )


# What an axis of classes is called: names excuse and never accuse.
_CLASSES = re.compile("K|C|V|E|A|.*(class|vocab|label|expert|action|slot).*", re.IGNORECASE)


def _named(dims: tuple[Dim, ...], axis: int) -> str:
    """Return how a text names an axis: by its dim, or by its number."""
    named = dims[axis].name
    return str(axis) if named is None else str(dims[axis])


def _is_summed(subject: Subject, root: Node, axis: int) -> bool:
    """Say whether what is made of a value is summed along an axis, or by a product."""
    waiting, seen = [root], {root}
    while waiting:
        for reader in subject.readers.get(waiting.pop(), ()):
            if reader in seen:
                continue
            seen.add(reader)
            function = reader.function
            is_sum = function.across == "add" and reader.option(AXIS) == (axis,)
            if is_sum or function.operator == "@":
                return True
            if function.elementwise or function.keeps:
                waiting.append(reader)
    return False


def _makes_distribution(node: Apply) -> bool:
    results = [signature.result for signature in node.function.signatures]
    roles = {result.role if isinstance(result, ast.ArrayTypeExpr) else None for result in results}
    return roles <= set(DISTRIBUTIONS) and node.option(AXIS) is not None


def _dims(type: Type) -> tuple[Dim, ...]:
    return (type.dims or ()) if isinstance(type, ArrayType) else ()


def _is_logits(type: Type) -> bool:
    return isinstance(type, ArrayType) and type.role == "logits"


def _type(graph: Graph, value: object) -> ArrayType | None:
    type = graph.types[value] if isinstance(value, Apply | Input | Leaves) else None
    return type if isinstance(type, ArrayType) else None
