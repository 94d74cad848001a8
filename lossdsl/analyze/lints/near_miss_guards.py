"""Where a formula that is nearly one of the field is surely none: guards of the rows of LD440."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf

from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Const, Input, Node, operands, tape
from lossdsl.core.loose import BESIDE
from lossdsl.core.pattern import Match, bare, picks
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType

# Whether the names of a match, in a program, are what makes it wrong.
Guard = Callable[[Subject, Apply, Match], bool]


def both(*guards: Guard) -> Guard:
    return lambda subject, node, names: all(guard(subject, node, names) for guard in guards)


def _node(names: Match, letter: str) -> Node:
    value = names[letter]
    return value  # type: ignore[return-value]


def of_role(letter: str, *roles: str) -> Guard:
    def is_of(subject: Subject, node: Apply, names: Match) -> bool:
        type = subject.core.graph.types[_node(names, letter)]
        return isinstance(type, ArrayType) and type.role in roles

    return is_of


def signed(letter: str) -> Guard:
    """Say whether a value may be below 0: nothing says otherwise, and it is no number."""

    def is_signed(subject: Subject, node: Apply, names: Match) -> bool:
        value = _node(names, letter)
        known = subject.intervals.get(value)
        setting = isinstance(value, Input) and value.name in subject.settings
        named = isinstance(value, Input) and is_amount(value.name)
        plain = not (isinstance(value, Const) or setting or named)
        return plain and (known is None or known.low < 0)

    return is_signed


def is_amount(name: str) -> bool:
    """Say whether what has a name is above 0 by its nature."""
    return _POSITIVE.fullmatch(name) is not None


# Names of what is above 0 by its nature: they excuse and never accuse.
_POSITIVE = re.compile(
    r"(^|.*_)(w|is|iw|age|weights?|masks?|probs?|depths?|dist(ances?)?|disp(arity)?|prices?|scales?|"
    r"std|sigma|var(iance)?|freq|counts?|energy|volume|area|length|size|mag(nitude)?|power|speed|"
    r"dur(ation)?|mass|norm|valid|keep|load|demand|sales|spec|mel|flux|rate|income)(_.*|\d*)",
    re.IGNORECASE,
)


def averaged(letter: str) -> Guard:
    """Say whether a value is the mean of all elements of an array, or its negative."""

    def is_averaged(subject: Subject, node: Apply, names: Match) -> bool:
        graph, value = subject.core.graph, bare(_node(names, letter))
        if not isinstance(value, Apply) or value.function.combine != "mean":
            return False
        type = graph.types[value]
        several = bool(graph.dims(operands(value)[0]))
        return isinstance(type, ArrayType) and type.rank == 0 and several

    return is_averaged


def grows(letter: str) -> Guard:
    """Say whether a value is never below 0 and has no upper bound, as a loss."""

    def is_loss(subject: Subject, node: Apply, names: Match) -> bool:
        known = subject.intervals.get(_node(names, letter))
        return known is not None and known.low >= 0 and known.high == inf

    return is_loss


def falls(letter: str) -> Guard:
    """Say whether a value is never above 0 and has no lower bound, as a logarithm of a share."""

    def is_log(subject: Subject, node: Apply, names: Match) -> bool:
        known = subject.intervals.get(_node(names, letter))
        return known is not None and known.high <= 0 and known.low == -inf

    return is_log


def weighs(letter: str) -> Guard:
    """Say whether a value is neither a number nor a mask of 0 and 1."""

    def is_weight(subject: Subject, node: Apply, names: Match) -> bool:
        value = _node(names, letter)
        known = subject.intervals.get(value)
        return isinstance(value, Apply | Input) and (known is None or known.high > 1)

    return is_weight


def given(letter: str) -> Guard:
    """Say whether a value is an array of its own: an input, or made, and no number or setting."""

    def is_given(subject: Subject, node: Apply, names: Match) -> bool:
        value = names[letter]
        setting = isinstance(value, Input) and value.name in subject.settings
        return isinstance(value, Apply | Input) and not setting

    return is_given


def number_in(letter: str, low: float, high: float) -> Guard:
    """Say whether a letter is a number between two others."""

    def is_number(subject: Subject, node: Apply, names: Match) -> bool:
        match names[letter]:
            case Const(int() | float() as number):
                return low <= number <= high
            case Input(name) if name in subject.settings:
                return low <= subject.settings[name] <= high
            case _:
                return False

    return is_number


def around_0(letter: str) -> Guard:
    """Say whether a lower bound is a number below 0, or the negative of a setting."""

    def is_below(subject: Subject, node: Apply, names: Match) -> bool:
        match names[letter]:
            case Const(int() | float() as number):
                return number < 0
            case Apply(function, (Input(name),)):
                return function.operator == "neg" and name in subject.settings
            case _:
                return False

    return is_below


def around_1(letter: str) -> Guard:
    """Say whether a lower bound is a number from 0 to 1, or 1 without something."""

    def is_near(subject: Subject, node: Apply, names: Match) -> bool:
        match names[letter]:
            case Const(int() | float() as number):
                return 0 < number <= 1
            case Apply(function, (Const(value), _)):
                return function.operator == "-" and value == 1
            case _:
                return False

    return is_near


_COMPARES = ("<", "<=", ">", ">=")


def by_sign(letter: str, condition: str = "c") -> Guard:
    """Say whether a condition is of the sign of a difference: of it, or of its sides."""

    def is_by_sign(subject: Subject, node: Apply, names: Match) -> bool:
        test, value = _node(names, condition), bare(_node(names, letter))
        if not isinstance(test, Apply) or test.function.operator not in _COMPARES:
            return False
        if not isinstance(value, Apply) or value.function.operator != "-":
            known = subject.intervals.get(value)
            return value in operands(test) and (known is None or known.low < 0)
        a, b = test.arguments
        of_sides = {a, b} == set(value.arguments)
        return of_sides or (a is value and isinstance(b, Const)) or (b is value)

    return is_by_sign


def by_distance(letter: str, beyond_1: bool = False) -> Guard:
    """Say whether a condition compares a difference, or how large it is, with a number.

    If `beyond_1`, that is another number than 1.
    """

    def is_by_distance(subject: Subject, node: Apply, names: Match) -> bool:
        test, value = names["c"], _node(names, letter)
        if not isinstance(test, Apply) or test.function.operator not in _COMPARES:
            return False
        sides = operands(test)
        edges = [side for side in sides if isinstance(side, Const | Input) and side is not value]
        if len(edges) != 1 or not any(_is_size_of(side, value) for side in sides):
            return False
        match edges[0]:
            case Const(int() | float() as number):
                return number != 1 or not beyond_1
            case Input(name):
                return name in subject.settings
            case _:
                return False

    return is_by_distance


def _is_size_of(node: Node, value: Node) -> bool:
    even = isinstance(node, Apply) and "even" in node.function.laws
    sizes = [node, operands(node)[0]] if even else [node]
    return any(bare(size) is bare(value) for size in sizes)


def alone(letter: str) -> Guard:
    """Say whether no other factor of a product reads a value, such as one that has its sign."""

    def is_alone(subject: Subject, node: Apply, names: Match) -> bool:
        beside = names.get(BESIDE, ())
        assert isinstance(beside, tuple)
        return _node(names, letter) not in tape(beside)

    return is_alone


def kept_apart(subject: Subject, node: Apply, names: Match) -> bool:
    """Say whether nothing chooses where a value is read, which a condition may guard."""
    readers = subject.readers.get(node, ())
    return not any(reader.function.form in (Form.CHOOSE, Form.KEEP) for reader in readers)


def elementwise(letter: str) -> Guard:
    """Say whether a value is a difference of elements, and no length of several."""

    def is_elementwise(subject: Subject, node: Apply, names: Match) -> bool:
        value = bare(_node(names, letter))
        return isinstance(value, Input) or (
            isinstance(value, Apply) and value.function.operator == "-"
        )

    return is_elementwise


def holds(outer: str, inner: str) -> Guard:
    """Say whether a value is another one, or that guarded by a number."""

    def is_held(subject: Subject, node: Apply, names: Match) -> bool:
        value, part = _node(names, outer), _node(names, inner)
        return value is part or part in operands(value)

    return is_held


def is_picked(subject: Subject, node: Apply, names: Match) -> bool:
    """Say whether a value is the entries of a distribution that labels pick."""
    graph, value, by_labels = subject.core.graph, _node(names, "p"), False
    while isinstance(value, Apply) and picks(value):
        types = [graph.types[operand] for operand in operands(value)]
        by_labels |= any(isinstance(type, ArrayType) and type.role == "labels" for type in types)
        value = operands(value)[0]
    type = graph.types[value]
    return by_labels and isinstance(type, ArrayType) and type.role == "probs"


def from_1(subject: Subject, node: Apply, names: Match) -> bool:
    """Say whether a value is taken away from 1."""
    return any(
        isinstance(reader, Apply)
        and reader.function.operator == "-"
        and isinstance(reader.arguments[0], Const)
        and reader.arguments[0].value == 1
        and reader.arguments[1] is node
        for reader in subject.tape
    )
