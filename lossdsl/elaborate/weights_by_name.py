"""Weights that a spec gives its terms by their names, wherever the terms are written."""

from __future__ import annotations

from collections.abc import Mapping

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.elaborate.other_terms import named_terms, reweighted
from lossdsl.elaborate.program import elaborate
from lossdsl.inputs.composed import parse_expression
from lossdsl.inputs.mapping_form import Parts
from lossdsl.library.declare import Library
from lossdsl.library.suggest import did_you_mean
from lossdsl.limits import Limits
from lossdsl.source import Source, Span
from lossdsl.syntax import ast


def with_weights(
    program: ast.Program,
    parts: Parts,
    types: Mapping[str, ast.TypeExpr],
    library: Library,
    limits: Limits,
) -> tuple[ast.Program | None, tuple[Diagnostic, ...]]:
    """Return the program in which terms have the weights of its parts, or what is wrong.

    What a term without a label is called follows from functions and inputs, so that the program is
    elaborated first. A term that is off may have a weight, which then counts for nothing.
    """
    parsed: dict[str, ast.Expr] = {}
    problems: list[Diagnostic] = []
    for name, source in parts.weights:
        weight, wrong = parse_expression(source, limits, f"the weight of `{name.text}`")
        problems += wrong
        if weight is not None:
            parsed[name.text] = weight
    done = elaborate(program, library, types, limits=limits)
    if done.core is None or problems:
        return None, (*problems, *(done.diagnostics if done.core is None else ()))
    terms = named_terms(done.core.results)
    known = {*terms, *(term.name.text for term in parts.terms if not term.on)}
    unknown = [name for name, _ in parts.weights if name.text not in known]
    if unknown:
        return None, tuple(_unknown(name, tuple(terms)) for name in unknown)
    return reweighted(program, done.core.results, parsed), ()


def _unknown(name: Source, known: tuple[str, ...]) -> Diagnostic:
    listed = ", ".join(f"`{each}`" for each in known)
    meant = did_you_mean(name.text, known) or f"its terms: {listed}"
    place = Span(name, 0, len(name.text))
    return at("LD103", f"the loss has no term `{name.text}`", place, help=meant)
