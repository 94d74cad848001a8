"""LD416: term trains nothing.

No gradient leaves a comparison, a position, a rounded number or `stop_gradient`, and a setting that
is added shifts the value alone. The term looks trained and is not.

Inputs
  out: f32[B]
  tgt: f32[B]

Wrong
  mse(out, tgt) + 0.1*mean(where(out > tgt, 1.0, 0.0))

Right
  mse(out, tgt) + 0.1*mean(relu(out - tgt))
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.gradient_paths import DISCRETE, Gradients
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, multiple_of
from lossdsl.core.graph import (
    Apply,
    Const,
    Input,
    Node,
    Term,
    inputs_of,
    operands,
)
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form


@lint()
def trains_nothing(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the terms whose every path from an input ends in what has no gradient.

    A result of which no term trains anything is an evaluation, but for what is stopped alone. What
    is stopped inside of a term is stopped on purpose, such as a teacher; what is stopped as a whole
    is reported, and a loss of the library of which nothing is trained.
    """
    graph = subject.core.graph
    for outcome in subject.core.results:
        outer = {node for term in outcome.terms for node in _outermost(term.raw)}
        weighted = [term.weighted for term in outcome.terms]
        passes = forward(weighted, _Passes(graph, outer))
        if not any(passes[node] for node in weighted):
            continue
        stopped = forward(weighted, _Passes(graph, passes))
        if len(subject.core.results) == 1 and not any(stopped[node] for node in weighted):
            yield _stopped(outcome.terms[0])
            continue
        for term in outcome.terms:
            if _is_setting(subject, term):
                yield _added_setting(term)
                continue
            compares = _compares(subject, term) or _is_by_hand(term.raw)
            nothing = not stopped[term.weighted] and compares
            if passes[term.weighted] and not nothing:
                continue
            if not all(graph.kind(node) in DISCRETE for node in inputs_of(term.weighted)):
                yield _stopped(term)


def _outermost(node: Node) -> Iterator[Node]:
    """Yield a term's value and what is below its reductions."""
    yield node
    while isinstance(node, Apply) and (node.function.reduction or node.function.operator == "neg"):
        (node, *_) = operands(node)
        yield node


def _compares(subject: Subject, term: Term) -> bool:
    """Say whether a term is a loss of two values; that of one may be an entropy of a teacher."""
    loss, _ = multiple_of(subject, term.weighted)
    required = (
        []
        if loss is None
        else [parameter for parameter in loss.signatures[0].parameters if parameter.required]
    )
    return len(required) > 1


def _is_by_hand(root: Node) -> bool:
    """Say whether a term is a distance of two sides, or a function that only rises or falls.

    What is left is such as the entropy of a teacher, or a norm that belongs to a product.
    """
    node = root
    while isinstance(node, Apply) and (node.function.reduction or node.function.operator == "neg"):
        (node, *_) = operands(node)
    match node:
        case Apply(Builtin(operator="**"), (Apply(Builtin(operator="-")), Const())):
            return True
        case Apply(function, (Apply(Builtin(operator="-")),)) if "even" in function.laws:
            return True
        case Apply(Builtin(elementwise=True, operator=None, finite=None) as function, (_,)):
            bent = not {"convex", "concave"}.isdisjoint(function.laws)
            return bent and "monotone" in function.laws
        case _:
            return False


@dataclass(frozen=True)
class _Passes(Gradients):
    """Gradients where only those of `outer` are stopped that stop one."""

    outer: Container[Node]

    def ends(self, node: Apply) -> bool:
        passes = node.function.form is Form.STOP_GRADIENT and node not in self.outer
        return not passes and Gradients.ends(self, node)


def _is_setting(subject: Subject, term: Term) -> bool:
    """Say whether a term is one setting, an input with a default, that nothing else reads.

    A constant that is called one, such as a margin, is left alone.
    """
    match term.weighted:
        case Input(name) if name in subject.settings and not _CONSTANT.search(name):
            return len(subject.readers.get(term.weighted, ())) == 1
        case _:
            return False


# Names of settings that are added on purpose: they excuse and never accuse.
_CONSTANT = re.compile("margin|offset|const|shift|bias|baseline|best|bound", re.IGNORECASE)


def _added_setting(term: Term) -> Diagnostic:
    message = "a setting is added: it changes the value and no gradient"
    help = "multiply a term by it to weigh one; an input without a default is trained"
    return at("LD416", message, term.span, help=help)


def _stopped(term: Term) -> Diagnostic:
    message = "this term has no gradient: it trains nothing"
    help = "comparisons, positions, rounding and `stop_gradient` pass none; report it as a `metric`"
    return at("LD416", message, term.span, help=help)
