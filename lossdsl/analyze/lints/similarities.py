"""LD427: a similarity that training makes small: a minus that is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossdsl.analyze.lints.subject import Subject
from lossdsl.core.graph import Apply, Const, Input, Node, Term
from lossdsl.core.pattern import head, head_of, match, pattern
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form

# What is largest where its two vectors point the same way.
SIMILARITIES = (
    "sum(normalize(x)*normalize(y))",
    "sum(x*y)/(norm(x)*norm(y))",
    "sum(x*y)/norm(x)/norm(y)",
    "sum(x*y)/(norm(x)*norm(y) + e)",
    "sum(x*y)/maximum(norm(x)*norm(y), e)",
)
# What is kept apart on purpose is called by such names: they excuse and never accuse.
_APART = re.compile(
    "neg|divers|ortho|decor|repel|repuls|apart|dissim|separat|unif|push|away|other|wrong|adv",
    re.IGNORECASE,
)


def similarity_falls(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the terms that are a positive multiple of a cosine and of nothing that holds it.

    Where one of its vectors is also drawn to another one, the two are a pair of opposites, as the
    negative of a contrastive loss; so is a result beside another one with the other sign.
    """
    cosines = [
        (term, positive, vectors)
        for outcome in subject.core.results
        for term in outcome.terms
        for positive, vectors in _cosines(subject, term.weighted)
    ]
    drawn = {vector for _, positive, vectors in cosines if not positive for vector in vectors}
    for term, positive, vectors in cosines:
        if positive and drawn.isdisjoint(vectors) and not _is_apart(term, vectors):
            message = "training makes this cosine small, so that its two vectors part"
            help = "a minus draws them together; `square` of it makes them orthogonal"
            yield at("LD427", message, term.span, help=help)


def _cosines(subject: Subject, root: Node) -> Iterator[tuple[bool, tuple[Node, Node]]]:
    """Yield the cosines that a value is a sum of multiples of, and whether by what is above 0."""
    waiting = [(root, True)]
    while waiting:
        node, positive = waiting.pop()
        if not isinstance(node, Apply):
            continue
        vectors = _vectors(node)
        if vectors is not None:
            yield positive, vectors
            continue
        match node:
            case Apply(Builtin(operator="+"), (Apply() as a, b)):
                waiting += [(a, positive)] + ([] if b is None else [(b, positive)])
            case Apply(Builtin(operator="+"), (_, Apply() as b)):
                waiting.append((b, positive))
            case Apply(Builtin(operator="-"), (a, b)) if a is not None and b is not None:
                waiting += [(a, positive), (b, not positive)]
            case Apply(Builtin(operator="neg"), (Apply() as a,)):
                waiting.append((a, not positive))
            case Apply(Builtin(operator="*"), (a, b)):
                for factor, value in ((a, b), (b, a)):
                    sign = _sign(subject, factor)
                    if sign is not None and value is not None:
                        waiting.append((value, positive == sign))
            case Apply(Builtin(operator="/"), (Apply() as a, b)):
                sign = _sign(subject, b)
                if sign is not None:
                    waiting.append((a, positive == sign))
            case Apply(Builtin(form=Form.KEEP), (_, Apply() as kept)):
                waiting.append((kept, positive))
            case Apply(function, (Apply() as value, *rest)) if (
                function.combine is not None and not any(map(_is_weight, rest))
            ) or (len(function.keeps) == 1 and function.form is not Form.STOP_GRADIENT):
                waiting.append((value, positive))
            case _:
                pass


def _is_weight(node: Node | None) -> bool:
    return isinstance(node, Apply) and node.function.operator in ("neg", "-")


def _vectors(node: Apply) -> tuple[Node, Node] | None:
    """Return the two vectors of which a value is the cosine; None where they are one."""
    for text in SIMILARITIES:
        expr = pattern(text)
        names = match(expr, node) if head(expr) == head_of(node) else None
        match names:
            case {"x": Apply() | Input() as x, "y": Apply() | Input() as y} if x is not y:
                return x, y
            case _:
                pass
    return None


def _sign(subject: Subject, node: Node | None) -> bool | None:
    """Say whether a factor is above 0; None if that is not known. Settings are."""
    match node:
        case Const(int() | float() as number):
            return number > 0 or (None if number == 0 else False)
        case Const():
            return True
        case Input(name) if name in subject.settings:
            return True
        case _:
            return None


def _is_apart(term: Term, vectors: tuple[Node, Node]) -> bool:
    names = [vector.name for vector in vectors if isinstance(vector, Input)]
    return any(map(_APART.search, (term.name, term.span.text, *names)))
