"""Text to syntax tree: `parse_program`, `parse_signature`, `parse_type`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lark.exceptions import UnexpectedInput

from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.source import Source
from lossdsl.syntax.ast import Program, Signature, TypeExpr, walk
from lossdsl.syntax.building import BUILDING, Building
from lossdsl.syntax.errors import explain
from lossdsl.syntax.grammar import parser
from lossdsl.syntax.program_rules import violations
from lossdsl.syntax.repeats import repeats
from lossdsl.syntax.text import scan


def parse_program(
    source: Source, limits: Limits = DEFAULT_LIMITS, *, library: bool = False
) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """Return the program that a text holds, and what is wrong with it.

    A spec has at least one result; a library holds definitions only.
    """
    program, diagnostics, building = _parse(source, "program", limits)
    if program is None:
        return None, diagnostics
    program = replace(program, comments=building.comments)
    diagnostics = (*diagnostics, *violations(program, limits, library=library))[
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


def _parse(
    source: Source, start: str, limits: Limits
) -> tuple[Any | None, tuple[Diagnostic, ...], Building]:
    looked = scan(source, limits)
    building = Building(source, limits, looked.comments)
    if looked.diagnostics:
        return None, looked.diagnostics, building
    reader: Any = parser()
    token = BUILDING.set(building)
    try:
        tree = reader.parse(source.text, start=start)
    except UnexpectedInput as problem:
        # What was found before the parser stopped may be why it did.
        diagnostics = tuple(building.diagnostics) or (explain(problem, source, start),)
        return None, diagnostics, building
    finally:
        BUILDING.reset(token)
    return tree, tuple(building.diagnostics), building
