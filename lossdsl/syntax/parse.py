"""Text to syntax tree: `parse_program`, `parse_signature`, `parse_type`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.source import Source
from lossdsl.syntax.ast import Definition, Program, Signature, TypeExpr, walk
from lossdsl.syntax.building import BUILDING, Building
from lossdsl.syntax.lalr import Stopped, parse
from lossdsl.syntax.program_rules import violations
from lossdsl.syntax.repeats import repeats
from lossdsl.syntax.text import comments, scan
from lossdsl.syntax.transform import ToAst

_TO_AST = ToAst()


def parse_program(
    source: Source,
    limits: Limits = DEFAULT_LIMITS,
    *,
    library: bool = False,
    part: bool = False,
) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """Return the program that a text holds, and what is wrong with it.

    A spec has at least one result, if it is no part of one; a library holds definitions only.
    """
    program, diagnostics, building = _parse(source, "program", limits)
    if program is None:
        return None, diagnostics
    program = replace(program, comments=building.comments)
    diagnostics = (*diagnostics, *violations(program, limits, library=library, part=part))[
        : limits.diagnostics
    ]
    return (None if diagnostics else program), diagnostics


def parse_signature(source: Source) -> tuple[Signature | None, tuple[Diagnostic, ...]]:
    """Return the signature that a text such as `abs(x: num[*S]) -> num[*S]` holds."""
    signature, diagnostics, _ = _parse(source, "signature", DEFAULT_LIMITS)
    return _once(signature, diagnostics)


def parse_type(source: Source) -> tuple[TypeExpr | None, tuple[Diagnostic, ...]]:
    """Return the type of an input that a text such as `f32[B] in [0, 1]` holds."""
    kind, diagnostics, _ = _parse(source, "given_type", DEFAULT_LIMITS)
    return _once(kind, diagnostics)


def _once(tree: Any, diagnostics: tuple[Diagnostic, ...]) -> tuple[Any, tuple[Diagnostic, ...]]:
    """Return a signature or type in which nothing is given twice, and what is wrong with it."""
    if tree is not None:
        diagnostics = (*diagnostics, *(repeat for node in walk(tree) for repeat in repeats(node)))
    return (None if diagnostics else tree), diagnostics


def parse_definitions(source: Source, begin: int, end: int) -> tuple[Definition, ...]:
    """Return the definitions in a part of a text that is right, such as lossdsl's own."""
    building = Building(source, DEFAULT_LIMITS, comments(source, begin, end))
    return _tree(building, "program", begin, end).statements


def _parse(
    source: Source, start: str, limits: Limits
) -> tuple[Any | None, tuple[Diagnostic, ...], Building]:
    looked = scan(source, limits)
    building = Building(source, limits, looked.comments)
    if looked.diagnostics:
        return None, looked.diagnostics, building
    try:
        tree = _tree(building, start)
    except Stopped as stopped:
        # What was found before the parser stopped may be why it did.
        diagnostics = tuple(building.diagnostics) or (_explained(stopped, source, start),)
        return None, diagnostics, building
    return tree, tuple(building.diagnostics), building


def _tree(building: Building, start: str, begin: int = 0, end: int | None = None) -> Any:
    token = BUILDING.set(building)
    try:
        return parse(building.source.text, start, build, begin, end)
    finally:
        BUILDING.reset(token)


def build(rule: str, children: list[Any]) -> Any:
    """Return the node that a rule of the grammar makes of its children."""
    return getattr(_TO_AST, rule)(children)


def _explained(stopped: Stopped, source: Source, start: str) -> Diagnostic:
    # Of no text that is right anything is explained.
    from lossdsl.syntax.errors import explain

    return explain(source, start, stopped.position)
