"""What rules do to a checked spec, told in the words of its text: without JAX, before any call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from lossdsl.core.graph import Const, Core, Graph, Input, Node, Place, tape
from lossdsl.core.pattern import CARRIED, Rest, pattern
from lossdsl.core.show import option_text, show_node
from lossdsl.frozen import dataclass
from lossdsl.library.declare import Builtin, primitives
from lossdsl.library.function import is_operand, is_own
from lossdsl.optimize.rewrite import Fired, Rewriter
from lossdsl.optimize.stability_rules import RULES, Rule
from lossdsl.source import Source, Span
from lossdsl.syntax import ast
from lossdsl.syntax.format_nodes import format_expr
from lossdsl.syntax.options import WHERE
from lossdsl.syntax.parse import parse_program


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rule that fires in a spec: where, what is written there, and what is computed.

    `at` is where f32 loses what is written, and `why`.
    """

    span: Span
    before: str
    after: str
    at: str
    why: str


def rewrites(core: Core, rules: Sequence[Rule] = RULES) -> tuple[Rewrite, ...]:
    """Return what rules do to a checked spec, in the order in which they fire.

    Of what is not declared it is told that it may be an array: a reduction of a tree stays as it
    is written.

    >>> from lossdsl import check
    >>> (rewrite,) = rewrites(check("-mean(log(softmax(out)))").program)
    >>> rewrite.before, rewrite.after, rewrite.at
    ('log(softmax(out))', 'log_softmax(out)', 'an entry 104 below the largest')
    """
    graph = core.graph
    graph.ranges = core.ranges
    teller = _Teller(graph, frozenset(graph.types), {})
    rewriter = Rewriter(graph, rules, flat=False)
    rewriter([outcome.value for outcome in core.results] + list(core.metrics.values()))
    return tuple(dict.fromkeys(map(teller.told, rewriter.fired)))


@dataclass(frozen=True, slots=True)
class _Teller:
    """Core as it was written, and the expressions of what rules have put in its place."""

    graph: Graph
    written: frozenset[Node]
    made: dict[Node, ast.Expr | None]

    def told(self, fired: Fired) -> Rewrite:
        """Return what is said of a rule that fired."""
        own = not fired.picked and fired.before not in self.made
        before = self._slice(fired.before, fired.place) if own else None
        if before is None:
            before = self._filled(pattern(fired.rule.written), fired)
        after = self._filled(pattern(fired.rule.becomes), fired)
        known = {*self.written, *tape([fired.before])}
        self.made.update({node: None for node in tape([fired.after]) if node not in known})
        if not fired.picked:
            self.made[fired.after] = after
        texts = (format_expr(before), format_expr(after))
        return Rewrite(_outside(self.graph, fired), *texts, fired.rule.at, fired.rule.why)

    def _slice(self, node: Node, place: Place) -> ast.Expr | None:
        """Return what stands at a place in the text itself."""
        if place.calls or place not in self.graph.places.get(node, ()):
            return None
        program, _ = parse_program(Source(place.span.text))
        match None if program is None else program.statements:
            case (ast.Result(value=value),):
                return value
            case _:
                return None

    def _expr(self, node: Node) -> ast.Expr:
        """Return what a letter stands for: as it was written, else as core says it."""
        if (made := self.made.get(node)) is not None:
            return made
        if node in self.written and not isinstance(node, Input | Const):
            for place in self.graph.places.get(node, ()):
                if (expr := self._slice(node, place)) is not None:
                    return expr
        return _word(show_node(node))

    def _filled(self, expr: ast.Expr, fired: Fired) -> ast.Expr:
        """Return an expression of a rule with what its letters stand for, and options."""
        match expr:
            case ast.Name(name):
                return self._expr(cast("Node", fired.names[name]))
            case ast.Call(function, arguments):
                filled = tuple(self._filled(each, fired) for each in arguments)
                keywords = tuple(_options(primitives()[function], fired))
                return replace(expr, arguments=filled, keywords=keywords)
            case ast.Sum(addends):
                each = (replace(x, value=self._filled(x.value, fired)) for x in addends)
                return replace(expr, addends=tuple(each))
            case ast.Product(first, rest) | ast.Comparison(first, rest):
                each = (replace(x, value=self._filled(x.value, fired)) for x in rest)
                return replace(expr, first=self._filled(first, fired), rest=tuple(each))
            case ast.Power(base, exponent):
                base, exponent = self._filled(base, fired), self._filled(exponent, fired)
                return replace(expr, base=base, exponent=exponent)
            case ast.Unary(_, operand):
                return replace(expr, operand=self._filled(operand, fired))
            case _:
                return expr


def _options(function: Builtin, fired: Fired) -> Iterator[ast.Keyword]:
    """Yield the options and masks that the calls of a rule have, as a function takes them."""
    if function.elementwise or CARRIED not in fired.names:
        return
    operands, options = cast("Rest", fired.names[CARRIED])
    given = dict(options)
    parameters = [p for p in function.signatures[0].parameters if is_operand(p)][1:]
    names = [WHERE] if function.reduction else [parameter.name for parameter in parameters]
    reads = given.pop("reads", ())
    names = list(reads) if isinstance(reads, tuple) and reads else names
    defaults = {parameter.name: parameter.default for parameter in parameters}
    for name, operand in zip(names, operands, strict=False):
        match operand, defaults.get(name):
            case (None, _):
                pass
            case Const(value), ast.Literal(default) if value == default:
                pass
            case _:
                yield _keyword(name, show_node(operand))
    known = {parameter.name for parameter in function.signatures[0].parameters}
    for name, value in given.items():
        takes = function.reduction or name in known
        if value not in (None, False, ()) and takes:
            yield _keyword(name, option_text(value, quoted=False))


_NOWHERE = Span(Source(""), 0, 0)


def _word(text: str) -> ast.Expr:
    return ast.Name(text, span=_NOWHERE)


def _keyword(name: str, text: str) -> ast.Keyword:
    return ast.Keyword(name, _word(text), span=_NOWHERE, name_span=_NOWHERE)


def _outside(graph: Graph, fired: Fired) -> Span:
    """Return where a reader sees it: of what a definition of lossdsl does, the call."""
    for place in graph.places.get(fired.before, ()):
        spans = [span for _, span in reversed(place.calls) if not is_own(span.source)]
        if not is_own(place.span.source):
            return place.span
        if spans:
            return spans[0]
    return fired.place.span
