"""What elaboration carries along: the graph under construction, and what names mean where."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from lossdsl.core.graph import Graph, Node, Place
from lossdsl.core.places import in_calls
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.elaborate.local import Local
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Argument, Value
from lossdsl.infer.bound import Bound
from lossdsl.infer.fit import Fit
from lossdsl.library.declare import Builtin, Library
from lossdsl.library.domains import Interval
from lossdsl.limits import Limits
from lossdsl.source import Span
from lossdsl.syntax import ast
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

    context: Context
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

    @property
    def graph(self) -> Graph:
        """The graph under construction."""
        return self.context.graph

    def at(self, span: Span) -> Site:
        """Return a place in this scope."""
        return Site(self, span)

    def deeper(self) -> Scope:
        """Return the scope one level of nesting further down."""
        # As `replace` does, which every level of every expression would wait for.
        return Scope(
            self.context,
            self.values,
            self.functions,
            self.dims,
            self.runs,
            self.calls,
            self.depth + 1,
            self.frame,
            self.undetermined,
        )

    def report(self, diagnostic: Diagnostic) -> Value:
        """Keep a diagnostic, with the calls that led to it, and return a value of no type."""
        diagnostic = in_calls(diagnostic, self.calls)
        if not any(_repeats(diagnostic, earlier) for earlier in self.context.diagnostics):
            self.context.diagnostics.append(diagnostic)
        return self.unknown()

    def unknown(self) -> Value:
        """Return a value of which nothing is known."""
        return Value(self.graph.const(True, UNKNOWN), UNKNOWN)


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the text and the scope there: where values are made, and diagnostics point."""

    scope: Scope
    span: Span

    @property
    def context(self) -> Context:
        """The state of the elaboration."""
        return self.scope.context

    @property
    def graph(self) -> Graph:
        """The graph under construction."""
        return self.scope.context.graph

    def at(self, span: Span) -> Site:
        """Return another place in the same scope."""
        return Site(self.scope, span)

    def error(
        self,
        code: str,
        message: str,
        text: str = "",
        help: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> Value:
        """Report a diagnostic at this place, and return a value of no type."""
        return self.scope.report(at(code, message, self.span, text, help=help, notes=notes))

    def value(self, node: Node, type: Type) -> Value:
        """Return a value, remembering where it was written."""
        places = self.graph.places.setdefault(node, [])
        place = Place(self.span, self.scope.calls)
        if len(places) < 4 and place not in places:
            places.append(place)
        return Value(node, type)

    def apply(
        self,
        function: Builtin,
        operands: Iterable[Node | None],
        type: Type,
        options: Mapping[str, object] | None = None,
    ) -> Value:
        """Return the value of an operation that stands here."""
        return self.value(self.graph.apply(function, operands, type, options), type)

    def undecided(
        self,
        function: Builtin,
        operands: Iterable[Node | None],
        type: Type,
        options: Mapping[str, object],
    ) -> Value:
        """Return the value of an operation of which it is not known yet what it becomes."""
        return self.value(self.graph.apply(function, operands, type, options, True), type)


@dataclass(frozen=True, slots=True)
class Reading:
    """How calls of definitions are read where core is made for a reader.

    `keeps` says by the function and the number of calls around it whether a call stays a call,
    `body` what a definition is, such as the formula that its doc states.
    """

    keeps: Callable[[Builtin, int], bool]
    body: Callable[[Builtin, ast.Signature, ast.Expr], ast.Expr]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A definition in place of a call: the scope of its body, the value there, its symbols."""

    scope: Scope
    body: Value
    local: Local

    def outward(self, value: Value) -> Value:
        """Return a value of the body as the caller sees it: with the caller's dims."""
        return Value(value.node, self.local.outward(value.type))


@dataclass(frozen=True, slots=True)
class Call(Site):
    """A call whose arguments fit the signature that is meant."""

    fitted: Fit

    @property
    def bound(self) -> Bound:
        """The arguments by parameter."""
        return self.fitted.bound

    @property
    def function(self) -> Builtin:
        """The function that is called."""
        return self.fitted.bound.function

    @property
    def signature(self) -> ast.Signature:
        """The signature that is meant."""
        return self.fitted.bound.signature

    @property
    def definition(self) -> ast.Definition:
        """The definition that has the signature, of a function that is written in the language."""
        definitions = self.function.definitions
        return next(meant for meant in definitions if meant.signature is self.signature)


@dataclasses.dataclass
class Context:
    """The state of one elaboration; `default_float` is a class until sizes are concrete.

    `closed` says that it is of a definition by itself, which reads its parameters only. `defaults`
    are the numbers that inputs have where a call leaves them out, `ranges` where they lie. `taken`
    has the role for which a call takes a value that has none, and the name of the function.
    `reading` is there where a reader is to see calls, which are all expanded otherwise.
    """

    graph: Graph
    limits: Limits
    default_float: str = "float"
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    inferred: dict[str, str] = field(default_factory=dict[str, str])
    calls: dict[tuple[int, int], Value] = field(default_factory=dict[tuple[int, int], Value])
    expanded: dict[object, Expansion] = field(default_factory=dict["object", "Expansion"])
    defaults: Mapping[str, float] = field(default_factory=dict[str, float])
    ranges: Mapping[str, Interval] = field(default_factory=dict[str, Interval])
    constraints: dict[Node, list[Limit]] = field(default_factory=dict["Node", "list[Limit]"])
    taken: dict[Node, tuple[str, str]] = field(default_factory=dict["Node", "tuple[str, str]"])
    free_names: bool = False
    closed: bool = False
    partial: bool = False
    debug: bool = False
    reading: Reading | None = None
    expansions: int = 0

    @property
    def concrete(self) -> bool:
        """Whether types are concrete, as they are at trace time."""
        return self.default_float != "float"

    def exhausted(self, site: Site) -> bool:
        """Say whether more definitions are expanded than a program has operations; report it once.

        Types are concrete only after a static check, and then trees are mapped leaf by leaf.
        """
        most = self.limits.nodes
        if self.concrete or self.expansions <= most:
            return False
        if self.expansions == most + 1:
            message = f"more than {most} calls after expanding definitions"
            site.error("LD603", message, help="bind what is shared to names")
        return True


def _repeats(diagnostic: Diagnostic, earlier: Diagnostic) -> bool:
    """Say whether a finding was made before: in a definition, each call finds it again."""
    if (diagnostic.code, diagnostic.message) != (earlier.code, earlier.message):
        return False
    primary, before = (
        [label for label in f.labels if label.primary] for f in (diagnostic, earlier)
    )
    return primary == before
