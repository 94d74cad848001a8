"""The formulas of a loss: its results, the terms that they add up, and its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lossdsl.checking import read_program
from lossdsl.core.graph import Core, Node, Term
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.elaborate.context import Reading
from lossdsl.elaborate.program import RESULT, Elaborated, elaborate
from lossdsl.elaborate.stack import with_whole_stack
from lossdsl.formula.abbreviate import Equation, abbreviated, symbol_of
from lossdsl.formula.arithmetic import multiplied, summed
from lossdsl.formula.definition_core import OpenLibrary
from lossdsl.formula.formulas import LARGEST, Formula, called, equations_of, reader_of
from lossdsl.formula.math import Indexed, Math, Phrase, Symbol, below
from lossdsl.formula.shared_parts import shared_equations, sharing
from lossdsl.formula.stated import DEEPEST, reading
from lossdsl.formula.tidy import tidied
from lossdsl.formula.unicode import text
from lossdsl.inputs.given import spec_parts
from lossdsl.library.declare import Library, with_builtins
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.syntax import ast

LOSS = Symbol("ℒ")
WIDEST = 80
"""Characters from which on the terms of a result have names."""


def loss_formulas(
    program: ast.Program,
    library: Library,
    given: Mapping[str, ast.TypeExpr],
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Formula, ...]:
    """Return the formulas of a program: of each result, then of each metric.

    Definitions are what their docs state, and written out as deep as the whole stays of a size
    that one can read; what is called by name instead has an equation of its own. Raises
    `LossError` for a program that is wrong.
    """

    def read(how: Reading | None) -> Elaborated:
        functions = OpenLibrary(library.functions, library.private)
        return elaborate(program, functions, given, limits=limits, reading=how)

    written: tuple[Formula, ...] = ()
    for depth in (DEEPEST, 1, 0):
        # A formula that a user states may be no right definition: then what is computed is shown.
        done = read(reading(depth, public=True))
        done = done if done.core is not None else read(None)
        if done.core is None:
            raise LossError(done.diagnostics)
        written = core_formulas(done.core, library)
        if (
            sum(1 for each in written for _, right in each.equations for _ in below(right))
            <= LARGEST
        ):
            break
    return written


def spec_formulas(
    spec: Any,
    inputs: Mapping[str, Any] | None = None,
    library: Library | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Formula, ...]:
    """Return the formulas of a spec that `check` finds right, which imports no JAX.

    Takes what `check` takes; raises `LossError` for a spec that is wrong.

    >>> types = {"x": "f32[N]", "params": "tree"}
    >>> print(spec_formulas("mean(abs(x)) + 0.1*sum(params**2)", types)[0].unicode())
    ℒ = (1/N) Σₙ |xₙ| + 0.1 Σ params²
    """
    functions = with_builtins(library)
    program, types, diagnostics = read_program(spec_parts(spec, inputs), functions, limits)
    if program is None:
        raise LossError(diagnostics)
    return loss_formulas(program, functions, types, limits)


def core_formulas(core: Core, library: Library) -> tuple[Formula, ...]:
    """Return the formulas of the results and metrics of core, as it computes them.

    >>> from lossdsl import check
    >>> from lossdsl.library.declare import builtins
    >>> core = check("mse(out, tgt)", {"out": "f32[B, K]", "tgt": "f32[B, K]"}).program
    >>> print(core_formulas(core, builtins())[0].unicode())
    ℒ = (1/(B K)) Σ_bk (out_bk − tgt_bk)²
    """
    return with_whole_stack(lambda: tuple(_formulas(core, library)))


def _formulas(core: Core, library: Library) -> Iterator[Formula]:
    for outcome in core.results:
        name = LOSS if outcome.name == RESULT else _subscript(outcome.name)
        yield _formula(core, library, name, outcome.value, outcome.terms)
    for metric, node in core.metrics.items():
        yield _formula(core, library, Symbol(metric), node, ())


def _subscript(name: str) -> Math:
    return Indexed(LOSS, (Phrase(name),))


def _formula(
    core: Core, library: Library, name: Math, value: Node, terms: tuple[Term, ...]
) -> Formula:
    whole, read = list(_equations(core, name, value, ())), [value]
    if len(terms) > 1 and (len(whole) > 1 or len(text(whole[0][1])) > WIDEST):
        whole, read = [(name, _of_terms(core, terms))], [term.raw for term in terms]
        for term in terms:
            whole += _equations(core, _subscript(term.name), term.raw, whole)
    for function in called(read):
        for signature in function.signatures:
            whole += equations_of(function, signature, library, True, whole)
    return Formula(tuple(whole))


def _of_terms(core: Core, terms: tuple[Term, ...]) -> Math:
    """Return a result as the sum of its terms by name, with their weights."""
    reader = reader_of(core.graph, frozenset(core.inputs))
    addends = [multiplied([reader.whole(term.weight), _subscript(term.name)]) for term in terms]
    return tidied(summed([(False, addend) for addend in addends]))


def _equations(
    core: Core, name: Math, node: Node, others: Iterable[Equation]
) -> Iterator[Equation]:
    """Yield the equation of a value, and those of the names that it uses, which no other has."""
    known = {symbol_of(left) for left, _ in others}
    taken = frozenset(known | core.inputs.keys())
    reader = sharing(reader_of(core.graph, taken), node)
    right = tidied(reader.whole(node))
    if reader.shared:
        yield name, right
        yield from shared_equations(reader, node)
    else:
        yield from abbreviated(name, right, taken)
