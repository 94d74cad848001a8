"""`check`: everything that can be said about a spec without JAX."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any

from lossdsl.analyze.strict import strictly
from lossdsl.core.graph import Core
from lossdsl.core.selected_leaves import Selection, selections
from lossdsl.diagnostics.defect import defects_reported
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, has_errors
from lossdsl.diagnostics.settings import hold_flag, hold_limits
from lossdsl.elaborate.definitions import check_definitions
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import Elaborated, elaborate
from lossdsl.elaborate.weights_by_name import with_weights
from lossdsl.frozen import dataclass
from lossdsl.inputs.declarations import symbols_of
from lossdsl.inputs.given import Given, parse_given, spec_parts, with_trees
from lossdsl.library.declare import Library, with_builtins
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.types.types import UNKNOWN, UNKNOWN_DIM, TreeType

UNTYPED = str(UNKNOWN)  # of an input in a signature


@dataclass(frozen=True)
class CheckResult:
    """What `check` found: `.ok`, `.diagnostics`, the inferred `.signature` and core `.program`.

    `.selections` has the leaves that are read of each tree that was given.
    """

    diagnostics: tuple[Diagnostic, ...]
    signature: Mapping[str, str]
    program: Core | None
    _question: tuple[Given, Library | None, Limits, bool] | None = field(
        default=None, repr=False, compare=False
    )
    selections: tuple[Selection, ...] = ()

    def __reduce__(self) -> tuple[Callable[..., CheckResult], tuple[Any, ...]]:
        # A program refers to kernels, which cross by name: the spec is checked again.
        if self.program is None or self._question is None:
            return CheckResult, (self.diagnostics, self.signature, None)
        return _check, self._question

    @property
    def ok(self) -> bool:
        """Whether nothing found is an error."""
        return not has_errors(self.diagnostics)


def check(
    spec: Any,
    inputs: Mapping[str, Any] | None = None,
    library: Library | None = None,
    limits: Limits = DEFAULT_LIMITS,
    strict: bool = False,
    trees: Mapping[str, Any] | None = None,
) -> CheckResult:
    """Check a spec without running it; never raises for a bad one.

    `spec` is text, a `Source`, a mapping or a `LossSpec`; `inputs` gives types by name, such as
    `{"out": "f32[B, 10]"}`, or arrays to take them from; `library` has functions of your own,
    beside those of the language. A `strict` check asks that every input is declared and every axis
    named, and makes errors of warnings. `trees` has pytrees of arrays or of their shapes by the
    names of inputs, which need not be declared for it: selectors are held against them. Without any
    JAX stays unimported.

    >>> check("mse(out, tgt)").signature
    {'out': 'float[*S]', 'tgt': 'float[*S]'}
    >>> check("l2sqrt(params)").diagnostics[0].help
    'did you mean `l2sqr`?'
    """
    try:
        with defects_reported():
            strict = hold_flag("strict", strict)
            given = with_trees(spec_parts(spec, inputs), trees)
            return _check(given, library, hold_limits(limits), strict)
    except LossError as problem:
        return CheckResult(problem.diagnostics, {}, None)


def _check(given: Given, mine: Library | None, limits: Limits, strict: bool) -> CheckResult:
    library = with_builtins(mine)
    program, types, diagnostics = read_program(given, library, limits)
    if program is None:
        return CheckResult(diagnostics, {}, None)
    done = check_program(program, library, types, given.trees, limits, strict)
    question = (given, mine, limits, strict)
    diagnostics = (*diagnostics, *done.diagnostics)
    return CheckResult(diagnostics, done.signature, done.core, question, done.selections)


def read_program(
    given: Given, library: Library, limits: Limits
) -> tuple[ast.Program | None, dict[str, ast.TypeExpr], tuple[Diagnostic, ...]]:
    """Return the program that a spec stands for, and the types of its inputs."""
    program, types, diagnostics = parse_given(given, limits)
    if program is None or not given.parts.weights:
        return program, types, diagnostics
    program, problems = with_weights(program, given.parts, types, library, limits)
    return program, types, (*diagnostics, *problems)


def check_program(
    program: ast.Program,
    library: Library,
    types: Mapping[str, ast.TypeExpr],
    trees: Mapping[str, TreeType],
    limits: Limits,
    strict: bool = False,
) -> Elaborated:
    """Check a program for any sizes, then hold its selectors against the trees that are given."""
    done = _searched(program, library, types, trees, limits)
    if not strict:
        return done
    undeclared = done.signature.keys() - done.declared.keys()
    told = strictly(program, done.diagnostics, undeclared)
    return replace(done, core=None if told else done.core, diagnostics=told)


def _searched(
    program: ast.Program,
    library: Library,
    types: Mapping[str, ast.TypeExpr],
    trees: Mapping[str, TreeType],
    limits: Limits,
) -> Elaborated:
    done = elaborate(program, library, types, limits=limits)
    if done.core is None or not trees:
        return done
    sized = trees
    if symbols_of(done.declared.values()):
        trees = {name: _unsized(tree) for name, tree in trees.items()}
    # What is mapped over leaves counts once a leaf here, and the program is no larger for it.
    unbounded = replace(limits, nodes=sys.maxsize)
    searched = elaborate(program, library, types, Passed(trees, partial=True), unbounded)
    if searched.core is None:
        return searched
    known = {name: str(tree) for name, tree in sized.items() if done.signature.get(name) == UNTYPED}
    signature = {**done.signature, **known}
    return replace(done, signature=signature, selections=selections(searched.core, sized))


def _unsized(tree: TreeType) -> TreeType:
    """Return a tree without its sizes: the dims of the text have none yet, and would differ."""
    leaves = tuple(
        (path, leaf.with_dims(leaf.dims and (UNKNOWN_DIM,) * len(leaf.dims)))
        for path, leaf in tree.leaves or ()
    )
    return replace(tree, leaves=leaves)


def check_library(
    source: Source, others: Library | None = None, limits: Limits = DEFAULT_LIMITS
) -> tuple[Library | None, tuple[Diagnostic, ...]]:
    """Check the definitions of a `.loss` file beside those of lossdsl and of other libraries."""
    try:
        library = Library.loads(source.text, source.name, limits=limits)
        together = with_builtins(others) | library
    except LossError as error:
        return None, error.diagnostics
    definitions = [definition for name in library for definition in library[name].definitions]
    return library, check_definitions(definitions, together, limits)
