"""LD435: advantage that the policy trains.

A policy gradient weighs log likelihoods by a number: how much better an action was than its
estimate. Without `stop_gradient` the estimate follows the policy as well.

Inputs
  ret: f32[B]
  v: f32[B]
  logp: f32[B]

Wrong
  -mean((ret - v)*logp) + mse(v, ret)

Right
  -mean(sg(ret - v)*logp) + mse(v, ret)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Input, Node, Term, tape
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin

# What multiplies a residual on purpose is called by such names: they excuse and never accuse.
_MULTIPLIER = re.compile("lam|mult|dual|price|eta|nu$|mu$", re.IGNORECASE)


@lint()
def advantage_trained(subject: Subject) -> Iterator[Diagnostic]:
    """Yield products of a residual, through which a gradient goes, beside a distance of its sides.

    A policy gradient weighs log likelihoods by an advantage that is a number to it: where it is
    not stopped, the critic follows the policy. The multiplier of a constraint is another matter:
    its term is added, or it is called one.
    """
    graph = subject.core.graph
    for outcome in subject.core.results:
        weighed = [
            (product, residual)
            for term in outcome.terms
            for product in _taken_away(term.weighted)
            if (residual := _weighing(product)) is not None
        ]
        sides = [set(pair) for term in outcome.terms if weighed for pair in _sides(subject, term)]
        for product, residual in weighed:
            place, inner = written(graph, product), written(graph, residual)
            if place is None or place.calls or set(residual.arguments) not in sides:
                continue
            text = "the residual" if inner is None else f"`{inner.span.text}`"
            message = f"{text} weighs this product, and is trained by another term"
            help = f"`stop_gradient` of {text} leaves it to that term"
            yield at("LD435", message, place.span, help=help)


def _taken_away(root: Node) -> Iterator[Apply]:
    """Yield what a value is the mean, the sum or a multiple of, where that has a minus in front."""
    node, negative = root, False
    while isinstance(node, Apply):
        negative ^= node.function.operator == "neg"
        if negative:
            yield node
        below = [operand for operand in node.arguments if isinstance(operand, Apply)]
        if len(below) != 1 or not (node.function.reduction or node.function.operator in _LINEAR):
            return
        (node,) = below


_LINEAR = ("neg", "*", "/")


def _sides(subject: Subject, term: Term) -> Iterator[tuple[Node, Node]]:
    """Yield the two sides of the residuals that a term makes small: it is 0 where they agree."""
    known = subject.intervals[term.weighted]
    for node in tape([term.weighted]) if known is not None and known.low >= 0 else ():
        match node:
            case Apply(function, (Apply(Builtin(operator="-"), (a, b)), *_)) if a and b:
                if "even" in function.laws or function.operator == "**":
                    yield a, b
            case _:
                pass


def _weighing(node: Apply) -> Apply | None:
    """Return the residual that is a factor of a product of arrays."""
    match node:
        case Apply(Builtin(operator="*"), (a, b)):
            for factor, other in ((a, b), (b, a)):
                match factor, other:
                    case Apply(Builtin(operator="-")) as residual, Input(name):
                        return None if _MULTIPLIER.search(name) else residual
                    case Apply(Builtin(operator="-")) as residual, Apply() if other is not factor:
                        return residual
                    case _:
                        pass
        case _:
            pass
    return None
