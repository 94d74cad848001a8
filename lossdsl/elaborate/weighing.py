"""Terms: the addends of a result as they are written, with the weight in front of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from lossdsl.analyze.combine import Batch, combines
from lossdsl.core.graph import Term
from lossdsl.diagnostics.diagnostic import at
from lossdsl.elaborate import expressions
from lossdsl.elaborate.context import Scope
from lossdsl.frozen import dataclass
from lossdsl.library.declare import of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import CONSTANTS, STEP
from lossdsl.syntax.sums import addends

ONE = 1.0


@dataclass(frozen=True, slots=True)
class Weighing:
    """Where terms are weighed: their scope, the names of bindings, and what holds a batch.

    Weights are built only from literals, defaults, schedules and `step`.
    """

    scope: Scope
    bindings: frozenset[str]
    batch: Batch

    def is_weight(self, expr: ast.Expr) -> bool:
        """Say whether a factor is a weight."""
        for node in ast.walk(expr):
            match node:
                case ast.Name(name):
                    known = name in CONSTANTS and not self._is_value(name)
                    if not known and name != STEP and name not in self.scope.context.defaults:
                        return False
                case ast.Call(function):
                    builtin = self.scope.functions.get(function)
                    if builtin is None or not builtin.is_schedule:
                        return False
                case (
                    ast.Record()
                    | ast.Index()
                    | ast.Attribute()
                    | ast.Comparison()
                    | ast.Conditional()
                ):
                    return False
                case _:
                    pass
        return True

    def is_named(self, name: str) -> bool:
        """Say whether a name is a binding's or an input's, which need not be declared."""
        is_input = self.scope.context.free_names and name not in CONSTANTS
        return name in self.bindings or name in self.scope.values or is_input

    def _is_value(self, name: str) -> bool:
        return name in self.scope.values or name in self.scope.dims

    def split(self, expr: ast.Expr) -> tuple[bool, list[ast.Factor], list[ast.Factor]]:
        """Return whether the sign is negative, the weights and the raw factors of an addend."""
        negative = False
        first, rest = (expr.first, expr.rest) if isinstance(expr, ast.Product) else (expr, ())
        if any(factor.operator not in ("*", "/") for factor in rest):
            return False, [], [ast.Factor("*", expr, expr.span)]
        weights: list[ast.Factor] = []
        raw: list[ast.Factor] = []
        for factor in (ast.Factor("*", first, first.span), *rest):
            value = factor.value
            while isinstance(value, ast.Unary) and value.operator in ("-", "+"):
                negative ^= value.operator == "-"
                value = value.operand
            kept = replace(factor, value=value)
            (weights if self.is_weight(value) else raw).append(kept)
        return negative, weights, raw


def _product(factors: Sequence[ast.Factor], span: Span) -> ast.Expr:
    """Return an expression that multiplies and divides the factors."""
    if not factors:
        return ast.Literal(ONE, span)
    if factors[0].operator == "/":
        return ast.Product(ast.Literal(ONE, span), tuple(factors), span)
    if len(factors) == 1:
        return factors[0].value
    return ast.Product(factors[0].value, tuple(factors[1:]), span)


def term_names(weighing: Weighing, parts: Sequence[ast.Addend]) -> list[str]:
    """Return a name for each term: its label, what it is made of, or `term_k`."""
    taken = {part.label for part in parts if part.label is not None}
    names: list[str] = []
    for number, part in enumerate(parts, start=1):
        if part.label is not None:
            names.append(part.label)
            continue
        _, _, raw = weighing.split(part.value)
        base = _automatic(weighing, raw[0].value) if len(raw) == 1 else None
        base = base or f"term_{number}"
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        names.append(name)
    return names


def _automatic(weighing: Weighing, expr: ast.Expr) -> str | None:
    """Return the binding or function behind a raw factor, reductions looked through."""
    while True:
        match expr:
            case ast.Name(name):
                return name if weighing.is_named(name) else None
            case ast.Call(function, arguments):
                builtin = weighing.scope.functions.get(function)
                if builtin is not None and builtin.reduction and arguments:
                    inner = _automatic(weighing, arguments[0])
                    return inner or function
                return function
            case _:
                return None


def is_zero(weights: Sequence[ast.Factor], raw: Sequence[ast.Factor]) -> bool:
    """Say whether a term is switched off by a literal 0.

    Beside it are finite numbers only: 0 times a weight that may be infinite is no 0.
    """
    return (
        bool(raw)
        and all(_is_finite(factor.value) for factor in weights)
        and any(
            factor.operator == "*"
            and isinstance(factor.value, ast.Literal)
            and factor.value.value == 0
            for factor in weights
        )
    )


def _is_finite(weight: ast.Expr) -> bool:
    """Say whether a weight is built of finite numbers only."""
    for node in ast.walk(weight):
        match node:
            case ast.Literal(bool() | None) | ast.Name() | ast.Call():
                return False
            case ast.Literal(float() as value) if not math.isfinite(value):
                return False
            case _:
                pass
    return True


def objective(weighing: Weighing, value: ast.Expr) -> ast.Expr | None:
    """Return the expression without terms of weight 0; None when nothing is left."""
    parts = addends(value)
    kept = tuple(part for part in parts if not is_zero(*weighing.split(part.value)[1:]))
    for part in parts:
        if part not in kept:
            message = "this term has the weight 0: it is reported and trains nothing"
            help = "leave it out, or make the weight an input: `w: float = 0`"
            weighing.scope.report(at("LD431", message, part.span, help=help))
    if len(kept) == len(parts):
        return value
    if not kept:
        return None
    return ast.Sum(kept, value.span)


def term(weighing: Weighing, part: ast.Addend, name: str) -> Term:
    """Return the nodes of one term: raw, weight and their signed product as written."""
    site = weighing.scope.at(part.span)
    negative, weights, raw = weighing.split(part.value)
    factors = _product(raw, part.span)
    raw_value = expressions.elaborate(site.scope, factors)
    weight = expressions.elaborate(site.scope, _product(weights, part.span))
    sign = negative ^ (part.sign == "-")
    if sign:
        weight = expressions.unary(site, "neg", (weight, part.span))
    if is_zero(weights, raw):
        still = of_form(Form.STOP_GRADIENT)
        raw_value = expressions.apply_elementwise(site, still, [(raw_value, part.span)])
        weighted = expressions.literal(site, 0.0)
    else:
        weighted = expressions.elaborate(site.scope, part.value)
        if part.sign == "-":
            weighted = expressions.unary(site, "neg", (weighted, part.value.span))
    combine = combines(site.graph, raw_value.node, weighing.batch)
    return Term(name, raw_value.node, weight.node, weighted.node, combine, part.span, factors)
