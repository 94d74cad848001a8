"""LD427: cosine that training makes small.

A cosine is largest where two vectors point the same way. Added to a loss with a plus it drives them
apart, and nothing else in the numbers says so: the loss goes down.

Inputs
  out: f32[B]
  tgt: f32[B]
  a: f32[B, D]
  b: f32[B, D]

Wrong
  mse(out, tgt) + 0.1*mean(cosine_similarity(a, b))

Right
  mse(out, tgt) - 0.1*mean(cosine_similarity(a, b))
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossdsl.analyze.lints.addends import addends
from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Input, Node, Term
from lossdsl.core.pattern import Match, Patterns, match
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Direction:
    """A form that a loss makes large, or small where it is a `cost`, what it is, and a remedy.

    `x` and `y` are what is alike where it is largest; they may be kept apart on purpose.
    """

    written: str
    name: str
    help: str
    cost: bool = False


_COSINE = ("cosine", "a minus draws its two vectors together; `square` of it makes them orthogonal")
_OVERLAP = (
    "overlap",
    "`1 - …` of it, or `dice` and `tversky` of the library, is small where both agree",
)
_SURROGATE = "clipped surrogate"

_SIMILARITY = ("structural similarity", "`1 - …` of it is small where both agree")

DIRECTIONS = (
    *(
        Direction(
            f"({twice} + c)*({covered} + e)/((square(x) + square(y) + c)*(f + e))", *_SIMILARITY
        )
        for twice in ("2*x*y", "2*(x*y)")
        for covered in ("2*d", "d*2")
    ),
    *(
        Direction(f"({twice} + c)/(square(x) + square(y) + c)*s", *_SIMILARITY)
        for twice in ("2*x*y", "2*(x*y)")
    ),
    Direction("sum(normalize(x)*normalize(y))", *_COSINE),
    Direction("sum(x*y)/(norm(x)*norm(y))", *_COSINE),
    Direction("sum(x*y)/norm(x)/norm(y)", *_COSINE),
    Direction("sum(x*y)/(norm(x)*norm(y) + e)", *_COSINE),
    Direction("sum(x*y)/maximum(norm(x)*norm(y), e)", *_COSINE),
    Direction("sum(x*y)/(sum(x) + sum(y))", *_OVERLAP),
    Direction("2*sum(x*y)/(sum(x) + sum(y))", *_OVERLAP),
    Direction("(2*sum(x*y) + d)/(sum(x) + sum(y) + e)", *_OVERLAP),
    Direction("2*sum(x*y)/(sum(x) + sum(y) + e)", *_OVERLAP),
    Direction("sum(x*y)/(sum(x) + sum(y) - sum(x*y))", *_OVERLAP),
    Direction("sum(x*y)/(sum(x) + sum(y) - sum(x*y) + e)", *_OVERLAP),
    Direction(
        "minimum(r*a, clip(r, l, h)*a)", _SURROGATE, "the loss is minus the smaller of the two"
    ),
    Direction(
        "minimum(clip(r, l, h)*a, r*a)", _SURROGATE, "the loss is minus the smaller of the two"
    ),
    Direction(
        "maximum(r*a, clip(r, l, h)*a)",
        "clipped surrogate",
        "minus the `minimum` of the two is pessimistic; minus the `maximum` takes every step",
        cost=True,
    ),
)
_DIRECTIONS = Patterns(DIRECTIONS, lambda direction: direction.written)
# What is kept apart on purpose is called by such names: they excuse and never accuse.
_APART = re.compile(
    "neg|divers|ortho|decor|repel|repuls|apart|dissim|separat|unif|push|away|other|wrong|adv",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Directed:
    """One such form in a term, and with which sign."""

    term: Term
    positive: bool
    direction: Direction
    alike: frozenset[Node]

    @property
    def is_wrong(self) -> bool:
        """Whether training makes small what is to be large."""
        return self.positive != self.direction.cost


@lint()
def against_direction(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the terms that hold such a form with the wrong sign.

    Where one of its sides is also drawn to another one, the two are a pair of opposites, as the
    negative of a contrastive loss; so is a result beside another one with the other sign.
    """
    directed = [
        each
        for outcome in subject.core.results
        for term in outcome.terms
        for each in _directed(subject, term)
    ]
    drawn = {side for each in directed if not each.is_wrong for side in each.alike}
    for each in directed:
        if each.is_wrong and drawn.isdisjoint(each.alike) and not _is_apart(each):
            what = "large" if each.direction.cost else "small"
            message = f"training makes this {each.direction.name} {what}"
            yield at("LD427", message, each.term.span, help=each.direction.help)


def _directed(subject: Subject, term: Term) -> Iterator[_Directed]:
    matches: dict[Node, tuple[Direction, Match]] = {}

    def is_directed(node: Apply) -> bool:
        for direction, expr in _DIRECTIONS.of(node):
            names = match(expr, node)
            if names is not None and names.get("x", 0) is not names.get("y", 1):
                matches[node] = (direction, names)
                return True
        return False

    for node, positive in addends(subject, term.weighted, is_directed):
        if node in matches:
            direction, names = matches[node]
            sides = (names.get("x"), names.get("y"))
            alike = frozenset(side for side in sides if isinstance(side, Apply | Input))
            yield _Directed(term, positive, direction, alike)


def _is_apart(each: _Directed) -> bool:
    if not each.alike:
        return False
    names = [side.name for side in each.alike if isinstance(side, Input)]
    return any(map(_APART.search, (each.term.name, each.term.span.text, *names)))
