"""LD434: targets shifted twice.

A loss of a language model compares each position with the token after it. Where the text has
dropped the first token already, each is compared with the second after it.

Inputs
  z: logits f32[B, T, V]
  tok: labels i32[B, T]

Wrong
  lm_cross_entropy(z[:, :-1], tok[:, 1:])

Right
  lm_cross_entropy(z, tok)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import cast

from lossdsl.analyze.dataflow import Analysis, forward
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, call_of, written
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node
from lossdsl.core.pattern import match, pattern
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin
from lossdsl.library.function import is_operand
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, kind


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the entries of a value lie ahead along an axis: by the text, and by a library.

    Of what lies where it was given there is no axis.
    """

    axis: int | None = None
    text: int = 0
    library: int = 0


# What takes the entries that follow, the last one where there is no other.
_FOLLOWING = "minimum(arange(stop=n) + k, m)"


@dataclass(frozen=True)
class Offsets(Analysis["Offset | None"]):
    """The offsets of the values of a graph; None where not known."""

    graph: Graph

    def given(self, node: Input | Leaves) -> Offset | None:
        """What is passed lies where it was given."""
        return Offset()

    def transfer(self, node: Apply, facts: Sequence[Offset | None]) -> Offset | None:
        """Return the offset of an index or of what is taken; that of an operand that is kept."""
        fact = facts[0] if facts else None
        if fact is None or node.undecided:
            return None
        if node.function.form is Form.INDEX:
            return self._moved(node, fact, *_started(node))
        if len(node.arguments) == 2:
            taken = _following(node)
            if taken is not None:
                return self._moved(node, fact, *taken)
        if node.function.form is Form.KEEP:
            return facts[1]
        labels = _labels(node.function)
        if labels is not None and labels < len(facts):
            return facts[labels]  # what is picked of the scores belongs to the label
        alone = sum(fact is not None for fact in facts) == 1
        same = node.function.elementwise or node.function.form is Form.CAST
        return fact if alone and same else None

    def _moved(
        self, node: Apply, fact: Offset, axis: int | None = None, by: int = 0
    ) -> Offset | None:
        if axis is None:
            return fact if by == 0 else None
        if fact.axis not in (None, axis):
            return None
        place = written(self.graph, node)
        if place is None or place.calls:
            return Offset(axis, fact.text, fact.library + by)
        return Offset(axis, fact.text + by, fact.library)


def _started(node: Apply) -> tuple[int | None, int]:
    """Return the axis along which an index leaves out the first entries, and how many."""
    starts: list[tuple[int, int]] = []
    for axis, item in enumerate(cast("tuple[object, ...]", node.option("items") or ())):
        match item:
            case ("slice", None | 0, _, None | 1):
                pass
            case ("slice", int() as start, _, None | 1) if start > 0:
                starts.append((axis, start))
            case _:
                return None, 1
    if len(starts) > 1:
        return None, 1
    return starts[0] if starts else (None, 0)


def _following(node: Apply) -> tuple[int, int] | None:
    """Return the axis along which following entries are taken, and by how many they follow."""
    positions = node.arguments[1]
    axis = node.option(AXIS)
    names = None if positions is None else match(pattern(_FOLLOWING), positions)
    match names, axis:
        case {"k": Const(int() as by)}, int():
            return axis, by
        case _:
            return None


@lint()
def shifted_apart(subject: Subject) -> Iterator[Diagnostic]:
    """Yield where values meet of which the text, or it and a library, have shifted one too far."""
    graph = subject.core.graph
    applied = [node for node in subject.tape if isinstance(node, Apply)]
    if not any(node.function.form is Form.INDEX for node in applied):
        return
    offsets = forward(subject.roots, Offsets(graph))
    for node in applied:
        known = [None if operand is None else offsets[operand] for operand in node.arguments]
        place, call = written(graph, node), call_of(graph, node)
        span = place.span if place is not None and not place.calls else call and call[1]
        if span is None:
            continue
        loss = "a loss" if call is None else f"`{call[0]}`"
        wrong = _twice(known, loss) or _apart(graph, node, known)
        if wrong is not None:
            message, help = wrong
            yield at("LD434", message, span, help=help)


@lint()
def unshifted(subject: Subject) -> Iterator[Diagnostic]:
    """Yield losses of next tokens whose labels are called what the model reads, as they are."""
    graph = subject.core.graph
    for node in subject.tape:
        if not isinstance(node, Apply) or _labels(node.function) != 1:
            continue
        scores, labels = node.arguments[:2]
        if "log_probs" not in node.function.result_roles or scores is None or labels is None:
            continue
        read = _unsliced(labels)
        if read is None or _unsliced(scores) is None or not _INPUTS.fullmatch(read.name):
            continue
        place, call = written(graph, node), call_of(graph, node)
        span = place.span if place is not None and not place.calls else call and call[1]
        type = graph.types[read]
        if span is not None and isinstance(type, ArrayType) and len(type.dims or ()) > 1:
            message = f"the labels are `{read.name}`, the tokens that the model reads, not the next"
            help = f"`lm_cross_entropy`, or scores `[:, :-1]` with `{read.name}[:, 1:]`"
            yield at("LD434", message, span, help=help)


# Names of what a model reads.
_INPUTS = re.compile("(input|prompt|context)_?(ids|tokens|token_ids)", re.IGNORECASE)


def _unsliced(node: Node) -> Input | None:
    """Return the only input whose entries a value has, each at its place."""
    waiting, inputs = [node], dict[Node, Input]()
    while waiting:
        match waiting.pop():
            case Input() as read:
                inputs[read] = read
            case Apply(function, arguments) if function.elementwise or function.form in (
                Form.CAST,
                Form.KEEP,
                Form.CHOOSE,
            ):
                waiting += [each for each in arguments if each is not None]
            case Const():
                pass
            case _:
                return None
    return next(iter(inputs.values())) if len(inputs) == 1 else None


def _twice(known: Sequence[Offset | None], loss: str) -> tuple[str, str] | None:
    """Return what is wrong where a library shifts two values as far apart as the text did."""
    for a, b in combinations([fact for fact in known if fact is not None], 2):
        if b.text - a.text == b.library - a.library != 0:
            help = "pass both as they are, or use the loss without a shift, `cross_entropy`"
            return f"{loss} shifts its targets, and they are shifted here too", help
    return None


def _apart(graph: Graph, node: Apply, known: Sequence[Offset | None]) -> tuple[str, str] | None:
    """Return what is wrong where labels come before their scores, or a mask is not with labels."""
    match node, known:
        case Apply(Builtin(form=Form.KEEP)), (Offset() as mask, Offset(int()) as value):
            apart = mask.text != value.text and value.text > 0
            if apart and mask.library == value.library == 0:
                return _MASK_APART.format(value.text, mask.text), _MASK_HELP
        case Apply(Builtin(operator="*"), (a, b)), (Offset() as first, Offset() as second):
            for side, mask, value in ((a, first, second), (b, second, first)):
                by_text = value.axis is not None and mask.library == value.library == 0
                is_mask = side is not None and _is_mask(graph, side)
                if is_mask and by_text and mask.text < value.text:
                    return _MASK_APART.format(value.text, mask.text), _MASK_HELP
        case _:
            pass
    likelihood = "log_probs" in node.function.result_roles and _labels(node.function) == 1
    match known:
        case [Offset() as scores, Offset() as target, *_] if likelihood:
            if scores.text > target.text and scores.library == target.library:
                message = "scores are compared with labels that come before them"
                help = "scores `[:, :-1]` belong to labels `[:, 1:]`, but of a backward model"
                return message, help
        case _:
            pass
    return None


_MASK_APART = "labels are shifted by {}, and their mask by {}"
_MASK_HELP = "slice the mask as the labels: an element belongs to its label"


def _is_mask(graph: Graph, node: Node) -> bool:
    type = graph.types[node]
    return isinstance(type, ArrayType) and type.role == "mask"


def _labels(function: Builtin) -> int | None:
    """Return which operand of a function picks from the rows of the first: one of whole numbers."""
    operands = filter(is_operand, function.signatures[0].parameters)
    types = [parameter.plain_type for parameter in operands]
    return next((place for place, type in enumerate(types) if place and _is_index(type)), None)


def _is_index(type: ast.TypeExpr | None) -> bool:
    return isinstance(type, ast.ArrayTypeExpr) and kind(type.dtype) == "int"
