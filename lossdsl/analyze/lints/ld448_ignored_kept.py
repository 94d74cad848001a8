"""LD448: mask that keeps what is ignored.

A label below 0, or one that is called ignored or padding, marks what has no class. A mask that is
true there leaves out all examples that have one.

Wrong
  z: logits f32[B, C]
  y: labels i32[B]
  loss = cross_entropy(z, maximum(y, 0), where=y == -100)

Right
  z: logits f32[B, C]
  y: labels i32[B]
  loss = cross_entropy(z, maximum(y, 0), where=y != -100)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.flags import Flag
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.padding import ignoring
from lossdsl.analyze.lints.subject import Subject, call_of, written
from lossdsl.core.graph import Apply, Const, Input, Node, tape
from lossdsl.core.pattern import picked_from
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form


@lint()
def ignored_kept(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what is kept where labels are the one that is ignored, and 0 elsewhere.

    Where labels count elsewhere too, by an opposite mask or another loss, the examples without one
    have a loss of their own, unless it reads the labels.
    """
    graph = subject.core.graph
    if not subject.has_flags:
        return
    kept = [(node, *pair) for node in subject.tape for pair in _kept(subject, node)]
    flags = {flag for _, flag, _ in kept}
    told: set[Flag] = set()
    for node, flag, value in kept:
        labels = ignoring(graph, flag.opposite)
        if labels is None or flag in told:
            continue
        alone = flag.opposite not in flags and _is_alone(subject, labels, flag)
        if not alone and labels not in tape([value]):
            continue
        place, call = written(graph, node), call_of(graph, node)
        span = place.span if place is not None and not place.calls else call and call[1]
        if span is not None:
            told.add(flag)
            message = f"this keeps where `{labels.name}` is marked to be ignored, and nothing else"
            help = "`!=` in place of `==` keeps the others"
            yield at("LD448", message, span, help=help)


def _kept(subject: Subject, node: Node) -> Iterator[tuple[Flag, Node]]:
    """Yield the flag where a value is kept, and the value, which is 0 elsewhere or left out."""
    match node:
        case Apply(Builtin(form=Form.KEEP), (mask, value)) if mask and value:
            pairs = [(subject.flags[mask], value)]
        case Apply(Builtin(form=Form.CHOOSE), (condition, value, other)) if condition:
            flag = subject.flags[condition]
            pairs = [(flag, value)] if _is_zero(other) else []
            pairs += [(flag and flag.opposite, other)] if _is_zero(value) else []
        case Apply(Builtin(operator="*"), (a, b)) if a and b:
            pairs = [(subject.flags[a], b), (subject.flags[b], a)]
        case _:
            return
    for flag, value in pairs:
        if flag is not None and isinstance(value, Apply | Input):
            yield flag, value


def _is_zero(node: Node | None) -> bool:
    return isinstance(node, Const) and node.value == 0


def _is_alone(subject: Subject, labels: Input, flag: Flag) -> bool:
    """Say whether labels are read by the condition of a flag and nothing else."""
    readers = subject.readers.get(labels, ())
    return all(node is flag.condition or picked_from(node) is labels for node in readers)
