"""Which flags mark what is given: not padding, not ignored labels, not gaps of the data."""

from __future__ import annotations

import re

from lossdsl.analyze.flags import Flag, is_mask
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, operands, tape
from lossdsl.core.pattern import Patterns, bare, matches, picked_from
from lossdsl.library.declare import Builtin
from lossdsl.types.types import ArrayType

# Functions that give the places along an axis, and those that say where a number is one.
_PLACES = Patterns(("arange()", "positions(x)"), str)
_FINITE = Patterns(("isfinite(x)",), str)
# Names of a label that marks what is left out.
_IGNORED = re.compile("ignore|(^|_)(pad|void)", re.IGNORECASE)
# The label of what is left out where labels are of 8 bits.
_VOID = 255


def marks_given(subject: Subject, flag: Flag | None) -> bool:
    """Say whether a flag is 1 at what is given, and 0 at padding, ignored labels and gaps."""
    if flag is None:
        return False
    node = flag.condition
    if not isinstance(node, Apply):
        return flag.when and is_mask(subject.core.graph, node)
    if node.function.operator == ("and" if flag.when else "or"):
        parts = [_part(subject, operand, flag.when) for operand in operands(node)]
        return all(marks_given(subject, part) for part in parts)
    return (
        _is_within(subject.core.graph, node, flag.when)
        or finite(flag) is not None
        or ignoring(subject.core.graph, flag) is not None
    )


def _part(subject: Subject, node: Node, when: bool) -> Flag | None:
    part = subject.flags[node]
    return part if part is None or when else part.opposite


def _is_within(graph: Graph, node: Apply, when: bool) -> bool:
    """Say whether a comparison is true, or false, at places before a length that is passed."""
    match node:
        case Apply(Builtin(operator="<" | "<=" | ">" | ">=" as symbol), (a, b)) if a and b:
            places, length = (a, b) if (symbol in ("<", "<=")) == when else (b, a)
            return _is_places(places) and _is_length(graph, length)
        case _:
            return False


def _is_places(node: Node) -> bool:
    inner = picked_from(bare(node))
    return isinstance(inner, Apply) and any(
        True for _, expr in _PLACES.of(inner) for _ in matches(expr, inner)
    )


def _is_length(graph: Graph, node: Node) -> bool:
    """Say whether a value is computed of integers that are passed, and of no places."""
    below = tape([node])
    inputs = [inner for inner in below if isinstance(inner, Input)]
    whole = all(graph.kind(input) == "int" for input in inputs)
    return bool(inputs) and whole and not any(map(_is_places, below))


def finite(flag: Flag) -> Node | None:
    """Return the value of which a flag says where it is a number, if it is one of these."""
    match flag.condition:
        case Apply(Builtin(operator="==" | "!=" as symbol), (a, b)) if a is b:
            return a if (symbol == "==") == flag.when else None
        case Apply() as node if flag.when:
            named = (names for _, expr in _FINITE.of(node) for names in matches(expr, node))
            return next((node.arguments[0] for _ in named), None)
        case _:
            return None


def ignoring(graph: Graph, flag: Flag) -> Input | None:
    """Return the labels of which a flag leaves out those that are marked to be ignored."""
    match flag.condition:
        case Apply(Builtin(operator="==" | "!=" as symbol), (a, b)) if a and b:
            for labels, mark in ((a, b), (b, a)):
                source = picked_from(bare(labels))
                if isinstance(source, Input) and _marks(graph, source, mark):
                    return source if (symbol == "!=") == flag.when else None
        case Apply(Builtin(operator=">" | ">=" as symbol), (a, Const(number))) if a and flag.when:
            source = picked_from(bare(a))
            least = 0 if symbol == ">=" else -1
            if number == least and isinstance(source, Input) and _are_labels(graph, source, True):
                return source
        case _:
            pass
    return None


def _are_labels(graph: Graph, node: Input, declared: bool) -> bool:
    """Say whether an input has integers that can be labels, or are as far as it is declared."""
    type = graph.types[node]
    roles = ("labels",) if declared else (None, "labels")
    listed = isinstance(type, ArrayType) and type.rank != 0 and type.role in roles
    return listed and graph.kind(node) == "int"


def _marks(graph: Graph, labels: Input, mark: Node) -> bool:
    """Say whether a number is the label of no class: it is below 0, or is called so.

    Of integers that are not declared to be labels, -1 may be a sign.
    """
    match bare(mark):
        case Const(int() as number) if not isinstance(number, bool):
            marks = number < 0 or number == _VOID
            return marks and _are_labels(graph, labels, number == -1)
        case Input(name):
            return _IGNORED.search(name) is not None and _are_labels(graph, labels, False)
        case _:
            return False
