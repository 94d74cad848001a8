"""LD401: function of the library written by hand.

Between the parts of a formula numbers are rounded, overflow or cancel, and the gradient of what is
infinite is NaN. A function of the library computes the whole without them, and says in its page how
exact it is. `compile` computes much of it so as well; the text says it in more words, and loses it
wherever it is computed as it is written.

Inputs
  a: f32[B]
  b: f32[B]

Wrong
  -mean(log(sigmoid(a - b)))

Right
  -mean(log_sigmoid(a - b))
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossdsl.analyze.lints.idioms import IDIOMS, Idiom
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.near_miss_guards import is_amount
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Input, Leaves, Node, operands, tape
from lossdsl.core.pattern import Match, Patterns, match
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.images import interval
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Span
from lossdsl.syntax.options import AXIS

_IDIOMS = Patterns(IDIOMS, lambda idiom: idiom.written)


@lint()
def by_hand(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what the text writes by hand; the bodies of lossdsl's own definitions are not its.

    Only what surely goes so far is told: what is given, or made of it by arithmetic. A metric is
    read by a person, who sees it.
    """
    graph = subject.core.graph
    diagnostics: list[Diagnostic] = []
    # What stands in an idiom that was told is no second one: the readers come first.
    told: set[Node] = set()
    for node in reversed(tape(outcome.value for outcome in subject.core.results)):
        if not isinstance(node, Apply) or node in told:
            continue
        place, idiom = written(graph, node), _idiom(subject, node)
        if idiom is not None and place is not None and not place.calls:
            told.update(operands(node))
            diagnostics.append(_told(idiom, place.span))
    yield from reversed(diagnostics)


_MENDED = (
    "of an array, `compile` computes it without that, unless `stabilize=False`; "
    "`lossdsl explain --rewrites` says how"
)


def _told(idiom: Idiom, span: Span) -> Diagnostic:
    shown, notes = f"`{_shown(idiom.written)}`", ()
    if idiom.mended:
        shown += ", as it is written,"
        notes = (_MENDED,)
    return at("LD401", f"{shown} {idiom.loses}", span, help=idiom.better, notes=notes)


def _idiom(subject: Subject, node: Apply) -> Idiom | None:
    for idiom, expr in _IDIOMS.of(node):
        names = match(expr, node)
        if names is not None and _reaches(subject, idiom, names):
            if idiom.ratio and (_is_left_out(subject, node) or _is_above(subject, names["y"])):
                continue
            return idiom
    return None


def _shown(text: str) -> str:
    """Return a pattern without the options that it compares."""
    return text.replace(", axis=A", "").replace(", keepdims=true", "")


def _reaches(subject: Subject, idiom: Idiom, names: Match) -> bool:
    """Say whether what an idiom is written of can go where it loses."""
    if idiom.reaches is None:
        return True
    node = names[idiom.reaches]
    if idiom.safe is not None and isinstance(node, Input):
        declared = subject.core.ranges.get(node.name)
        if declared is not None and interval(idiom.safe).holds(declared):
            return False
    if idiom.entries and (_is_share(subject, node, names) or _is_rate(node)):
        return False
    if idiom.exponent and _is_shifted_elsewhere(node, names):
        return True
    return is_free(subject, node, arithmetic=not idiom.entries)


def _is_above(subject: Subject, divisor: object) -> bool:
    """Say whether a divisor is surely above 0, or an amount by its name."""
    match divisor:
        case Input(name):
            known = subject.intervals.get(divisor)
            return is_amount(name) or (known is not None and 0 not in known)
        case _:
            return True


def _is_left_out(subject: Subject, ratio: Apply) -> bool:
    """Say whether a mask or a condition chooses among what is made of a ratio."""
    return any(
        isinstance(node, Apply)
        and node.function.form in (Form.KEEP, Form.CHOOSE)
        and ratio in tape([node])
        for node in subject.tape
    )


def _is_share(subject: Subject, node: object, names: Match) -> bool:
    """Say whether a value of no role or range is divided by a sum with itself, as a count is."""
    match node, names.get("q"):
        case Input(name), Apply(Builtin(operator="+"), sides) if node in sides:
            return name not in subject.core.ranges and not getattr(
                subject.core.graph.types[node], "role", None
            )
        case _:
            return False


def _is_rate(node: object) -> bool:
    return isinstance(node, Input) and _RATE.fullmatch(node.name) is not None


# Names of one number that is no entry of a distribution: they excuse and never accuse.
_RATE = re.compile("rho|.*(rate|sparsity|prior)", re.IGNORECASE)


def is_free(subject: Subject, value: object, arithmetic: bool) -> bool:
    """Say whether a value is given, a softmax, or made of such as it is or by `arithmetic`.

    A number beside it is a guard, and what any other function makes may be bounded. A setting, an
    input with a default, is as good as a number.
    """
    match value:
        case Input(name):
            return name not in subject.settings
        case Leaves():
            return True
        case Apply(function, arguments) if function.keeps or function.form is Form.INDEX:
            plain = function.form not in (Form.KEEP, Form.CHOOSE) and not _clips(function)
            return plain and is_free(subject, arguments[0], arithmetic)
        case Apply(function, arguments) if "unit" in function.laws and not arithmetic:
            return is_free(subject, arguments[0], arithmetic=True)
        case Apply(Builtin(operator="+" | "-" | "neg" | "@"), arguments) if arithmetic:
            return all(is_free(subject, argument, arithmetic) for argument in arguments)
        case Apply(Builtin(operator="*" | "/"), (a, b)) if arithmetic:
            sides = [side for side in (a, b) if not isinstance(side, Const)]
            return bool(sides) and all(is_free(subject, side, arithmetic) for side in sides)
        case _:
            return False


def _clips(function: Builtin) -> bool:
    """Say whether a function keeps elements of several operands, such as the larger of two."""
    return len(function.keeps) > 1


def _is_shifted_elsewhere(node: object, names: Match) -> bool:
    """Say whether the largest exponent is taken away along other axes than are summed."""
    match node:
        case Apply(Builtin(operator="-"), (_, largest)) if largest is not None:
            return any(
                isinstance(below, Apply)
                and _is_largest(below)
                and _axes(below.option(AXIS)) != _axes(names.get("A"))
                and not below.undecided
                for below in (largest, *operands(largest))
            )
        case _:
            return False


def _axes(option: object) -> object:
    return frozenset(option) if isinstance(option, tuple) else option


def _is_largest(node: Node) -> bool:
    return isinstance(node, Apply) and node.function.reduction and "convex" in node.function.laws
