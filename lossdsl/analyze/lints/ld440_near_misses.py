"""LD440: formula with one part exchanged.

A formula of the field that is written by hand, but for a sign, a factor or parentheses. It has a
minimum as well, and not where it is meant to be.

Inputs
  y: f32[B]
  p: f32[B]

Wrong
  -mean(y*log(1 - p) + (1 - y)*log(p))

Right
  -mean(y*log(p) + (1 - y)*log(1 - p))
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.near_miss import NearMiss
from lossdsl.analyze.lints.near_miss_rows import NEAR_MISSES
from lossdsl.analyze.lints.subject import Subject, meeting, written
from lossdsl.core.graph import Apply, Graph, Node, operands
from lossdsl.core.linear import head
from lossdsl.core.loose import Apart, Sought, loose_matches, sought, taken_apart
from lossdsl.core.pattern import bare
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.source import Span
from lossdsl.types.types import ArrayType

_Row = tuple[NearMiss, Sought]


def _grouped() -> dict[frozenset[frozenset[str]], list[_Row]]:
    """Return the rows by the functions that they are written with."""
    groups: dict[frozenset[frozenset[str]], list[_Row]] = {}
    for row in NEAR_MISSES:
        each = sought(row.written)
        groups.setdefault(each.anywhere, []).append((row, each))
    return groups


_GROUPS = _grouped()
_ADDS = ("+", "-")
_MULTIPLIES = ("*", "/")


@lint(within=("LD410",))
def near_miss(subject: Subject) -> Iterator[Diagnostic]:
    """Yield such formulas of the text, of which one letter stands for one value throughout."""
    graph = subject.core.graph
    told: set[Span] = set()
    # Most rows have a function that a program has not.
    heads = set(map(head, subject.tape))
    by_head: dict[str, list[_Row]] = {}
    for anywhere, group in _GROUPS.items():
        if not any(map(heads.isdisjoint, anywhere)):
            for row in group:
                for begun in row[1].begun & heads:
                    by_head.setdefault(begun, []).append(row)
    inner = _inner(subject)
    for node in subject.tape:
        rows = by_head.get(head(node)) if isinstance(node, Apply) else None
        if rows is None or not isinstance(node, Apply) or node.undecided or node in inner:
            continue
        apart = taken_apart(node, graph.bodies)
        for row, each in rows:
            if not each.may_be(apart) or not _is(subject, row, apart):
                continue
            span = _place(graph, _least(subject, row, node))
            if span is not None and span not in told:
                told.add(span)
                message = f"`{row.shown}` is `{row.meant}` but for a part: {row.wrong}"
                yield at("LD440", message, span, help=f"`{row.meant}`")


def _inner(subject: Subject) -> set[Node]:
    """Return the sums that another sum adds, and the products that another one multiplies."""
    bodies = subject.core.graph.bodies
    made: set[Node] = set()
    for node in subject.tape:
        if not isinstance(node, Apply) or node.function.operator not in (*_ADDS, *_MULTIPLIES):
            continue
        group = _ADDS if node.function.operator in _ADDS else _MULTIPLIES
        for operand in operands(node):
            value = _unsigned(operand)
            if head(value) in group and value not in bodies:
                made.add(value)
    return made


def _unsigned(node: Node) -> Node:
    node = bare(node)
    while isinstance(node, Apply) and node.function.operator == "neg":
        node = bare(operands(node)[0])
    return node


def _is(subject: Subject, row: NearMiss, apart: Apart) -> bool:
    """Say whether a value is what a row has; of sums, one of elements and not of terms."""
    if apart.parts and not row.total:
        type = subject.core.graph.types[apart.node]
        if isinstance(type, ArrayType) and type.rank == 0:
            return False
    each = loose_matches(row.written, apart)
    return any(row.where is None or row.where(subject, apart.node, names) for names in each)


def _least(subject: Subject, row: NearMiss, node: Apply) -> Apply:
    """Return the smallest part of a sum or a product that is what a row has."""
    group = next((group for group in (_ADDS, _MULTIPLIES) if node.function.operator in group), ())
    for operand in operands(node):
        value = _unsigned(operand)
        if not isinstance(value, Apply) or head(value) not in group:
            continue
        if _is(subject, row, taken_apart(value, subject.core.graph.bodies)):
            return _least(subject, row, value)
    return node


def _place(graph: Graph, node: Apply) -> Span | None:
    place = written(graph, node)
    return place.span if place is not None else meeting(graph, node, operands(node))
