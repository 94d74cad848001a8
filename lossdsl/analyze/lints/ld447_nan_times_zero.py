"""LD447: a NaN that is multiplied by 0.

A factor of 0 leaves elements out that are numbers. What is NaN or infinite stays so under any
factor, and one such element makes the loss NaN.

Inputs
  x: f32[B]
  t: f32[B]

Wrong
  m = where(isfinite(t), 1.0, 0.0)
  loss = sum(square(x - t)*m)/maximum(sum(m), 1)

Right
  mse(x, t, where=isfinite(t))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.padding import finite
from lossdsl.analyze.lints.subject import Subject, call_of, written
from lossdsl.core.graph import Apply, Node, operands
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form


@lint()
def nan_times_zero(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the products of a value and a flag of where what it reads is a number.

    A value that is chosen is none: by a condition, or under a mask.
    """
    graph = subject.core.graph
    for node in subject.tape if subject.has_flags else ():
        for flag, value in _weighed(node):
            tested = _tested(subject, flag)
            if tested is None or not _reads(value, tested):
                continue
            place, call = written(graph, node), call_of(graph, node)
            span = place.span if place is not None and not place.calls else call and call[1]
            if span is not None:
                message = "a factor of 0 leaves NaN what is NaN"
                help = "`where=` of the reduction leaves such elements out"
                yield at("LD447", message, span, help=help)
                break


def _weighed(node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield the factors of a product and what they multiply.

    What has a weight of 0 by `weight=` is left out.
    """
    match node:
        case Apply(Builtin(operator="*"), (a, b)) if a is not None and b is not None:
            yield a, b
            yield b, a
        case _:
            pass


def _tested(subject: Subject, node: Node) -> Node | None:
    """Return the value of which a flag, or a part of one, says where it is a number."""
    waiting = [subject.flags[node]]
    while waiting:
        flag = waiting.pop()
        if flag is None:
            continue
        tested = finite(flag)
        if tested is not None:
            return tested
        match flag.condition:
            case Apply(Builtin(operator="and"), sides) if flag.when:
                waiting += [subject.flags[side] for side in sides if side is not None]
            case _:
                pass
    return None


def _reads(root: Node, tested: Node) -> bool:
    waiting, seen = [root], set[Node]()
    while waiting:
        node = waiting.pop()
        if node is tested:
            return True
        chosen = isinstance(node, Apply) and node.function.form in (Form.CHOOSE, Form.KEEP)
        if not chosen and node not in seen:
            seen.add(node)
            waiting += operands(node)
    return False
