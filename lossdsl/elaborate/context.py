"""What elaboration carries along: the graph under construction, and what names mean where."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from lossdsl.core.graph import Graph, Node, Place
from lossdsl.core.places import in_calls
from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Argument, Value
from lossdsl.library.declare import Library
from lossdsl.library.domains import Interval
from lossdsl.limits import Limits
from lossdsl.source import Span
from lossdsl.types.types import UNKNOWN, Dim, Type


@dataclass(frozen=True, slots=True)
class Limit:
    """One side of a constraint: the subject, how it is compared, and with what."""

    subject: Value
    subject_span: Span
    operator: str
    written: str
    bound: Value
    bound_span: Span


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use, and the calls through which it is expanded.

    `frame` numbers the expansion, 0 being the text itself: a call in it has one value.
    `undetermined` are the dims whose sizes nothing that is passed shows.
    """

    values: Mapping[str, Argument]
    functions: Library
    dims: Mapping[str, Dim] = field(default_factory=dict[str, Dim])
    runs: Mapping[str, tuple[Dim, ...] | None] = field(
        default_factory=dict[str, "tuple[Dim, ...] | None"]
    )
    calls: tuple[tuple[str, Span], ...] = ()
    depth: int = 0
    frame: int = 0
    undetermined: frozenset[str] = frozenset()

    def deeper(self) -> Scope:
        """Return the scope one level of nesting further down."""
        # As `replace` does, which every level of every expression would wait for.
        return Scope(
            self.values,
            self.functions,
            self.dims,
            self.runs,
            self.calls,
            self.depth + 1,
            self.frame,
            self.undetermined,
        )


@dataclasses.dataclass
class Context:
    """The state of one elaboration; `default_float` is a class until sizes are concrete.

    `closed` says that it is of a definition by itself, which reads its parameters only. `defaults`
    are the numbers that inputs have where a call leaves them out, `ranges` where they lie.
    """

    graph: Graph
    limits: Limits
    default_float: str = "float"
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    inferred: dict[str, str] = field(default_factory=dict[str, str])
    calls: dict[tuple[int, int], Value] = field(default_factory=dict[tuple[int, int], Value])
    expanded: dict[object, tuple[Scope, Value, Any]] = field(
        default_factory=dict["object", "tuple[Scope, Value, Any]"]
    )
    defaults: Mapping[str, float] = field(default_factory=dict[str, float])
    ranges: Mapping[str, Interval] = field(default_factory=dict[str, Interval])
    constraints: dict[Node, list[Limit]] = field(default_factory=dict["Node", "list[Limit]"])
    free_names: bool = False
    closed: bool = False
    partial: bool = False
    debug: bool = False
    expansions: int = 0

    @property
    def concrete(self) -> bool:
        """Whether types are concrete, as they are at trace time."""
        return self.default_float != "float"

    def report(self, diagnostic: Diagnostic, scope: Scope) -> Value:
        """Keep a diagnostic, with the calls that led to it, and return a value of no type."""
        diagnostic = in_calls(diagnostic, scope.calls)
        if not any(_repeats(diagnostic, earlier) for earlier in self.diagnostics):
            self.diagnostics.append(diagnostic)
        return self.unknown()

    def error(
        self,
        scope: Scope,
        code: str,
        message: str,
        span: Span,
        text: str = "",
        help: str | None = None,
        notes: tuple[str, ...] = (),
        labels: tuple[Label, ...] = (),
    ) -> Value:
        """Report a diagnostic with one primary label and perhaps more labels."""
        diagnostic = at(code, message, span, text, help=help, notes=notes)
        return self.report(replace(diagnostic, labels=(*diagnostic.labels, *labels)), scope)

    def exhausted(self, scope: Scope, span: Span) -> bool:
        """Say whether more definitions are expanded than a program has operations; report it once.

        Types are concrete only after a static check, and then trees are mapped leaf by leaf.
        """
        most = self.limits.nodes
        if self.concrete or self.expansions <= most:
            return False
        if self.expansions == most + 1:
            message = f"more than {most} calls after expanding definitions"
            self.error(scope, "LD603", message, span, help="bind what is shared to names")
        return True

    def unknown(self) -> Value:
        """Return a value of which nothing is known."""
        return Value(self.graph.const(True, UNKNOWN), UNKNOWN)

    def value(self, node: Node, type: Type, span: Span, scope: Scope) -> Value:
        """Return a value, remembering where it was written."""
        places = self.graph.places.setdefault(node, [])
        place = Place(span, scope.calls)
        if len(places) < 4 and place not in places:
            places.append(place)
        return Value(node, type)


def _repeats(diagnostic: Diagnostic, earlier: Diagnostic) -> bool:
    """Say whether a finding was made before: in a definition, each call finds it again."""
    if (diagnostic.code, diagnostic.message) != (earlier.code, earlier.message):
        return False
    primary, before = (
        [label for label in f.labels if label.primary] for f in (diagnostic, earlier)
    )
    return primary == before
