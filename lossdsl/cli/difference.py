"""What differs between two specs: terms and their weights, inputs, results and metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lossdsl.checking import CheckResult
from lossdsl.core.graph import Apply, Const, Core, Node, Outcome, Term
from lossdsl.core.same import fingerprints
from lossdsl.core.show import show_node
from lossdsl.frozen import dataclass
from lossdsl.source import Source
from lossdsl.syntax.format import format_program
from lossdsl.syntax.parse import parse_program

LONGEST = 60
_SUBJECTS = {"weight": "weight of", "name": "name of"}


@dataclass(frozen=True)
class Change:
    """One part of a spec, and what it is before and after; None where it is not there."""

    part: str
    name: str
    before: str | None
    after: str | None

    @property
    def same(self) -> bool:
        """Whether the part is what it was."""
        return self.before == self.after

    def __str__(self) -> str:
        subject = f"{_SUBJECTS.get(self.part, self.part)} `{self.name}`"
        match self.before, self.after:
            case None, after:
                return f"{subject} added: {after}"
            case before, None:
                return f"{subject} removed: {before}"
            case before, after if before == after:
                return f"`{self.name}` unchanged"
            case before, after:
                return f"{subject}: {before} → {after}"

    def as_object(self) -> dict[str, Any]:
        """Return the change as what JSON can hold."""
        return {"part": self.part, "name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class _Side:
    """A checked spec, whose nodes are compared by what they compute."""

    signature: Mapping[str, str]
    core: Core
    keys: Mapping[Node, str]

    def shown(self, node: Node) -> str:
        return _cut(show_node(node, longest=1_000))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"


def changes(before: CheckResult, after: CheckResult) -> list[Change]:
    """Return the inputs, terms, weights and metrics of two right specs, in order, side by side."""
    return list(_changes(_side(before), _side(after)))


def _side(result: CheckResult) -> _Side:
    assert result.program is not None
    types = {name: _canonical(type) for name, type in result.signature.items()}
    return _Side(types, result.program, fingerprints(result.program.roots))


def _canonical(type: str) -> str:
    """Return the type of an input, with its default, as the language writes it."""
    program, _ = parse_program(Source(f"x: {type}\nloss = 0.0"))
    return (
        type if program is None else format_program(program).partition("\n")[0].removeprefix("x: ")
    )


def _changes(before: _Side, after: _Side) -> Iterator[Change]:
    for name in _names(before.signature, after.signature):
        yield Change("input", name, before.signature.get(name), after.signature.get(name))
    old = {outcome.name: outcome for outcome in before.core.results}
    new = {outcome.name: outcome for outcome in after.core.results}
    for name in _names(old, new):
        if name in old and name in new:
            prefix = "" if len(old) == len(new) == 1 else f"{name}/"
            yield from _terms(before, old[name], after, new[name], prefix)
        else:
            shown = [
                None if outcome is None else side.shown(outcome.value)
                for side, outcome in ((before, old.get(name)), (after, new.get(name)))
            ]
            yield Change("result", name, *shown)
    for name in _names(before.core.metrics, after.core.metrics):
        nodes = before.core.metrics.get(name), after.core.metrics.get(name)
        yield Change("metric", name, *_both(before, after, nodes))


def _terms(
    before: _Side, old: Outcome, after: _Side, new: Outcome, prefix: str
) -> Iterator[Change]:
    olds, news = ({term.name: term for term in each.terms} for each in (old, new))
    for name, now in _paired(before, olds, after, news):
        term, other = olds.get(name or ""), news.get(now or "")
        if term is None or other is None:
            shown = [each and _written(each) for each in (term, other)]
            yield Change("term", f"{prefix}{name or now}", *shown)
            continue
        parts = (
            Change("name", f"{prefix}{name}", name, now),
            Change("weight", f"{prefix}{name}", *_weights(before, term, after, other)),
            Change("term", f"{prefix}{name}", *_raws(before, term, after, other)),
        )
        yield from [change for change in parts if not change.same] or parts[2:]


def _paired(
    before: _Side, olds: Mapping[str, Term], after: _Side, news: Mapping[str, Term]
) -> Iterator[tuple[str | None, str | None]]:
    """Yield the names of each term in both results; one of another name computes the same."""
    added = [name for name in news if name not in olds]
    for name, term in olds.items():
        if name in news:
            yield name, name
            continue
        own = _key(before, term)
        now = next((other for other in added if _key(after, news[other]) == own), None)
        if now is not None:
            added.remove(now)
        yield name, now
    yield from ((None, name) for name in added)


def _key(side: _Side, term: Term) -> str | None:
    raw = _raw(term)
    return None if raw is None else side.keys[raw]


def _raw(term: Term) -> Node | None:
    """Return what a term is before its weight; one of weight 0 stands behind a stop there."""
    stopped = isinstance(term.weighted, Const) and isinstance(term.raw, Apply)
    return term.raw.arguments[0] if stopped and isinstance(term.raw, Apply) else term.raw


def _written(term: Term) -> str:
    """Return a term as it is written, in one line and without its label."""
    lines = (line.partition("#")[0] for line in term.span.text.splitlines())
    text = " ".join(" ".join(lines).split())
    return _cut(text.removeprefix("+ ").removesuffix(f" as {term.name}"))


def _raws(before: _Side, old: Term, after: _Side, new: Term) -> tuple[str | None, str | None]:
    """Return two terms without their weights: as they are written if that tells them apart."""
    texts = _both(before, after, (_raw(old), _raw(new)))
    written = _written(old), _written(new)
    return texts if texts[0] == texts[1] or written[0] == written[1] else written


def _weights(before: _Side, old: Term, after: _Side, new: Term) -> tuple[str | None, str | None]:
    """Return two weights as texts; numbers are compared as such, whatever their kinds."""
    match old.weight, new.weight:
        case Const(int() | float() as was), Const(int() | float() as now):
            return _number(was), _number(now)
        case _:
            return _both(before, after, (old.weight, new.weight))


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _both(
    before: _Side, after: _Side, nodes: tuple[Node | None, Node | None]
) -> tuple[str | None, str | None]:
    """Return two nodes as texts, which are the same for what computes the same."""
    old, new = nodes
    texts = old and before.shown(old), new and after.shown(new)
    if old is None or new is None:
        return texts
    if before.keys[old] == after.keys[new]:
        return texts[0], texts[0]
    # What reads alike when it is cut, or names what differs, is not the same.
    return (f"{texts[0]} (before)", f"{texts[1]} (after)") if texts[0] == texts[1] else texts


def _names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys((*old, *new)))
