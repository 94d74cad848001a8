"""LD443: two parts of a binary loss are weighed alike.

What weighs `log(p)` and what weighs `log(1 - p)` are opposites: a label and 1 minus it, `1 - p` and
`p`, a balance and 1 minus it. Where one was copied and not turned, the part of the negatives is
small where it is to be large.

Inputs
  y: f32[B]
  p: f32[B]

Wrong
  -mean(y*(1 - p)**2*log(p) + (1 - y)*(1 - p)**2*log(1 - p))

Right
  -mean(y*(1 - p)**2*log(p) + (1 - y)*p**2*log(1 - p))
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject, written
from lossdsl.core.graph import Apply, Const, Input, Node, operands, tape
from lossdsl.core.linear import Factor, factors_of, parts
from lossdsl.core.pattern import Patterns, bare, match
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType


@dataclass(frozen=True, slots=True)
class View:
    """A form of `p`, or of the share whose logit is `z`; it may be what is left to 1."""

    written: str
    left: bool = False


# What is a share all the same: bounds and small numbers only keep it from 0 and 1.
SHARES = (
    View("1 - p", left=True),
    View("p + e"),
    View("p - e"),
    View("clip(p, e, h)"),
    View("maximum(p, e)"),
    View("maximum(e, p)"),
    View("minimum(p, e)"),
    View("minimum(e, p)"),
    View("stop_gradient(p)"),
    View("sg(p)"),
    View("sigmoid(-z)", left=True),
    View("sigmoid(z)"),
    View("exp(log_sigmoid(-z))", left=True),
    View("exp(log_sigmoid(z))"),
)
LOGARITHMS = (
    View("log(p)"),
    View("log1p(-p)", left=True),
    View("xlogy(y, p)"),
    View("log_sigmoid(-z)", left=True),
    View("log_sigmoid(z)"),
    View("softplus(-z)"),
    View("softplus(z)", left=True),
)
POWERS = ("b**g", "square(b)")
_SHARES = Patterns(SHARES, lambda view: view.written)
_LOGARITHMS = Patterns(LOGARITHMS, lambda view: view.written)
_POWERS = Patterns(POWERS, str)
# What multiplies the whole is called by such names: they excuse and never accuse.
_WHOLE = re.compile("scale|weight|coef|lambda|lam$|loss|beta|factor|temp", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Share:
    """A value, or what is left of it to 1; of a `logit` it is the sigmoid."""

    node: Node
    logit: bool
    left: bool


@dataclass(frozen=True, slots=True)
class Weight:
    """A factor that is a power of the share whose logarithm it weighs."""

    share: Share
    exponent: Node | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A product with the logarithm of a share: what else it multiplies, and where it stands."""

    node: Node
    share: Share
    weights: tuple[Weight, ...]
    others: tuple[Share, ...]


@lint()
def unlike_branches(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the sums of `log(p)` and `log(1 - p)`, weighed, of which the weights do not agree.

    One of the two may have another exponent, another number or none: those are losses that are
    asymmetric on purpose.
    """
    graph = subject.core.graph
    if not any(isinstance(node, Apply) and any(_LOGARITHMS.of(node)) for node in subject.tape):
        return
    told: set[Node] = set()
    for node in reversed(subject.tape):
        for first, second in _pairs(subject, node):
            place = written(graph, second.node)
            chosen = isinstance(node, Apply) and node.function.form is Form.CHOOSE
            message = _unlike(subject, first, second, chosen)
            if message is not None and place is not None and second.node not in told:
                told.add(second.node)
                text, help = message
                yield at("LD443", text, place.span, help=help)


def _pairs(subject: Subject, node: Node) -> Iterator[tuple[Branch, Branch]]:
    """Yield the parts of a sum, or of a choice, with `log(p)` and with `log(1 - p)`."""
    if not isinstance(node, Apply) or node.undecided:
        return
    if node.function.operator in ("+", "-"):
        added = [part.node for part in parts(node, subject.core.graph.bodies)]
    elif node.function.form is Form.CHOOSE:
        _, *chosen = operands(node)
        added = [part.node for each in chosen for part in parts(each)]
        added = added if len(added) == 2 else []
    else:
        return
    branches = [branch for value in added if (branch := _branch(value)) is not None]
    for first in branches:
        same = [each for each in branches if _same(each.share, first.share)]
        opposite = [each for each in same if each.share.left]
        if not first.share.left and len(same) == 2 and len(opposite) == 1:
            yield first, opposite[0]


def _same(one: Share, other: Share) -> bool:
    return one.node is other.node and one.logit == other.logit


def _branch(node: Node) -> Branch | None:
    """Return a product with one logarithm of a share, if a value is one or a mean of one."""
    factors: list[Factor] = []
    waiting = list(factors_of(node)[1])
    while waiting:
        symbol, value = waiting.pop()
        if symbol == "*" and isinstance(value, Apply) and _is_plain_total(value):
            waiting += factors_of(operands(value)[0])[1]
        else:
            factors.append((symbol, value))
    logarithms = [(value, seen) for _, value in factors if (seen := _logarithm(value))]
    if len(logarithms) != 1:
        return None
    ((logarithm, (share, beside)),) = logarithms
    rest = [value for symbol, value in factors if symbol == "*" and value is not logarithm]
    rest += [factor for value in beside for _, factor in factors_of(value)[1]]
    weights = [(value, _weight(value)) for value in rest]
    of_share = [weight for _, weight in weights if _same(weight.share, share)]
    others = [_share(value) for value, weight in weights if not _same(weight.share, share)]
    return Branch(node, share, tuple(of_share), tuple(others))


def _is_plain_total(node: Apply) -> bool:
    rest = node.arguments[1:]
    return node.function.combine is not None and all(operand is None for operand in rest)


def _logarithm(node: Node) -> tuple[Share, list[Node]] | None:
    """Return of which share a value is the logarithm, and what multiplies it in one function."""
    if not isinstance(node, Apply):
        return None
    for view, expr in _LOGARITHMS.of(node):
        names = match(expr, node)
        if names is None:
            continue
        beside = [names["y"]] if "y" in names else []
        inner = names.get("z", names.get("p"))
        assert isinstance(inner, Apply | Input | Const) or inner is not None
        if "z" in names:
            share = Share(inner, logit=True, left=view.left)  # type: ignore[arg-type]
        else:
            share = _share(inner, view.left)  # type: ignore[arg-type]
        return share, beside  # type: ignore[return-value]
    return None


def _share(node: Node, left: bool = False) -> Share:
    """Return what a value is a share of, below bounds and what is left to 1."""
    node = bare(node)
    for view, expr in _SHARES.of(node) if isinstance(node, Apply) else ():
        names = match(expr, node)
        if names is None or not all(
            isinstance(names.get(k, Const(0)), Const | Input) for k in "eh"
        ):
            continue
        inner = names.get("z", names.get("p"))
        if isinstance(inner, Const):
            continue
        if "z" in names:
            return Share(inner, logit=True, left=left ^ view.left)  # type: ignore[arg-type]
        return _share(inner, left ^ view.left)  # type: ignore[arg-type]
    return Share(node, logit=False, left=left)


def _weight(node: Node) -> Weight:
    """Return a factor as a power of a share."""
    stopped = any(
        isinstance(below, Apply) and below.function.form is Form.STOP_GRADIENT
        for below in tape([node])
    )
    for _, expr in _POWERS.of(node) if isinstance(node, Apply) else ():
        names = match(expr, node)
        if names is not None:
            base: Node = names["b"]  # type: ignore[assignment]
            exponent: Node = names.get("g", Const(2))  # type: ignore[assignment]
            return Weight(_share(base), exponent, stopped)
    return Weight(_share(node), None, stopped)


def _unlike(
    subject: Subject, first: Branch, second: Branch, chosen: bool
) -> tuple[str, str] | None:
    """Return what is wrong with how `log(p)` and `log(1 - p)` are weighed, and a remedy."""
    opposed = {(each.node, not each.left) for each in first.others}
    labelled = chosen or any((each.node, each.left) in opposed for each in second.others)
    focal = "`(1 - p)**g*log(p)` goes with `p**g*log(1 - p)`"
    if labelled and len(first.weights) == len(second.weights) == 1:
        (one,), (other,) = first.weights, second.weights
        if one.share.left == other.share.left:
            what = "`1 - p`" if one.share.left else "`p`"
            return f"{what} weighs `log(p)`, and `log(1 - p)` as well", focal
        powers = one.exponent is not None and other.exponent is not None
        if other.share.left and powers and not (one.stopped or other.stopped):
            return "the weights of `log(p)` and `log(1 - p)` are exchanged", focal
        for here, there in ((one, second), (other, first)):
            beside = [each.node for each in there.others if not each.left]
            if here.exponent in beside and there.weights[0].exponent is None:
                return "what is an exponent of one part is a factor of the other", focal
    for branch in (first, second):
        for each in branch.others:
            default = _default(subject, each.node)
            if each.left and default is not None and default > 1:
                message = "`1 -` a setting of which the default is above 1 turns the sign"
                return message, "is it in the place of another one?"
    return _alike(subject, first, second)


def _alike(subject: Subject, first: Branch, second: Branch) -> tuple[str, str] | None:
    """Return what is wrong with labels and balances, which are opposites in the two parts."""
    types = subject.core.graph.types
    for one in first.others:
        for other in second.others:
            if one.node is not other.node:
                continue
            default, type = _default(subject, one.node), types[one.node]
            whole = isinstance(one.node, Input) and _WHOLE.search(one.node.name)
            balances = default is not None and 0 < default < 1 and default != 0.5 and not whole
            if balances and one.left == other.left and first.weights and second.weights:
                message = "both parts have the same balance, which balances nothing"
                return message, "`a` in one goes with `1 - a` in the other"
            role = type.role if isinstance(type, ArrayType) else None
            labels = role in ("labels", "one_hot") and default is None
            if labels and one.left == other.left:
                return (
                    "both parts are of the same labels",
                    "`y*log(p)` goes with `(1 - y)*log(1 - p)`",
                )
            if labels and one.left and first.share.logit:
                message = "the labels of the two parts are exchanged"
                return message, "`y*log(p)` goes with `(1 - y)*log(1 - p)`"
    return None


def _default(subject: Subject, node: Node) -> float | None:
    match node:
        case Input(name) if name in subject.settings:
            return subject.settings[name]
        case _:
            return None
