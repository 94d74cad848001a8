"""Mutants of right specs, each with what `check` says of it that it does not say of the spec."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import lossdsl
from lossdsl.checking import CheckResult
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError
from lossdsl.inputs.given import parse_inputs
from lossdsl.syntax import ast
from mutants.operators import OPERATORS, Operator
from mutants.rewrites import Site
from mutants.specs import Right, rights, signatures
from mutants.values import Inputs, Worth, inputs_of, worth

SEED = 0
MOST = 40  # mutants of an operator
MOST_OF_ONE = 2  # of them, those of one right spec
# Of names and arguments: what a rewrite made that nobody would write.
FORM = {f"LD10{digit}" for digit in range(1, 9)}


@dataclass(frozen=True)
class Mutant:
    """A right spec with one mistake, and the codes that `check` tells of it alone."""

    operator: str
    right: Right
    text: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Original:
    """A right spec with what is known of it."""

    right: Right
    program: ast.Program
    site: Site
    codes: Counter[str]
    inputs: list[Inputs]
    worth: Worth


@cache
def original(right: Right) -> Original | None:
    """Return what is known of a right spec; None where it cannot be evaluated."""
    checked = right.check()
    program = lossdsl.parse(right.text)
    try:
        inputs = inputs_of(right)
        value = worth(right.declared(right.text), inputs)
    except Exception:  # what a draw does not fit is no spec of this benchmark
        return None
    types, _ = parse_inputs(dict(checked.signature))
    parents = {id(child): node for node in ast.walk(program) for child in ast.children(node)}
    return Original(right, program, Site(types, parents), _codes(checked), inputs, value)


def _codes(checked: CheckResult) -> Counter[str]:
    return Counter(one.code for one in checked.diagnostics)


def texts(operator: Operator, of: Original) -> Iterator[str]:
    """Yield the texts with one mistake, as they are printed, those that can be parsed."""
    text = of.right.text
    for statement in of.program.statements:
        if isinstance(statement, ast.Metric):
            continue
        for node in ast.walk(statement):
            for changed in operator.texts(node, of.site):
                span: Any = node.span
                parent = of.site.parent(node)
                bare = isinstance(parent, ast.Statement) or not isinstance(node, ast.Expr)
                part = changed if bare or isinstance(parent, ast.Declaration) else f"({changed})"
                try:
                    mutant = lossdsl.format(text[: span.start] + part + text[span.end :])
                except LossError:
                    continue
                if mutant != text:
                    yield mutant


def mutants(
    operator: Operator,
    among: Sequence[Right],
    seen: set[tuple[str, object]],
    most: int = MOST,
    most_of_one: int = MOST_OF_ONE,
) -> list[Mutant]:
    """Return mutants that are worth something else than their spec, and than those in `seen`."""
    chooser = random.Random(f"{SEED} {operator.name}")
    made: list[Mutant] = []
    for right in chooser.sample(among, len(among)):
        of = original(right) if len(made) < most else None
        if of is None:
            continue
        several = [*dict.fromkeys(texts(operator, of))]
        chooser.shuffle(several)
        kept = 0
        for text in several:
            codes, key = _told(of, text)
            if key is None or (right.text, key) in seen:
                continue
            seen.add((right.text, key))
            made.append(Mutant(operator.name, right, text, codes))
            kept += 1
            if kept == most_of_one or len(made) == most:
                break
    return made


def _told(of: Original, text: str) -> tuple[tuple[str, ...], object]:
    """Return the codes that `check` tells of a text, and what tells mutants apart.

    That is None of what is no mutant: a text that nobody would write, or of the same worth.
    """
    checked = of.right.check(text)
    codes = tuple(sorted(_codes(checked) - of.codes))
    if codes and FORM.issuperset(codes):
        return codes, None
    if not checked.ok:
        return codes, text
    try:
        value = worth(of.right.declared(text), of.inputs)
    except Exception:  # sizes that do not fit: a call refuses them
        return codes, None
    return codes, value.key if value.differs(of.worth) else None


def measured(
    among: Sequence[Right], operators: Sequence[Operator] = OPERATORS, most: int = MOST
) -> Iterator[tuple[Operator, list[Mutant]]]:
    """Yield the mutants of each of the operators."""
    seen: set[tuple[str, object]] = set()
    for operator in operators:
        yield operator, mutants(operator, among, seen, most)


def alarms(kind: str) -> tuple[int, list[tuple[Right, tuple[Diagnostic, ...]]]]:
    """Return how many right specs of a kind there are, and those that `check` warns of."""
    of_kind = [right for right in (*rights(), *signatures()) if right.kind == kind]
    told = [(right, right.check().diagnostics) for right in of_kind]
    return len(of_kind), [(right, found) for right, found in told if found]
