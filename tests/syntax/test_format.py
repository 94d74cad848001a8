"""One canonical text: it says what was written, it is its own canonical text, it keeps comments."""

from __future__ import annotations

from pathlib import Path

import generate
import pytest
from hypothesis import given

from lossdsl.source import Source
from lossdsl.syntax.ast import Program
from lossdsl.syntax.format import format_program
from lossdsl.syntax.format_nodes import format_signature, format_type
from lossdsl.syntax.parse import parse_program, parse_signature, parse_type

PAIRS = Path(__file__).with_name("format.txt").read_text(encoding="utf-8")


def parsed(text: str, *, library: bool = False) -> Program:
    program, found = parse_program(Source(text), library=library)
    assert program is not None, (text, [(x.code, x.message) for x in found])
    return program


def pairs() -> list[tuple[str, str]]:
    """Read the fixture: texts and their canonical forms, parted by lines of dashes."""
    cases = PAIRS.split("\n========\n")
    return [tuple(case.strip("\n").split("\n--------\n")) for case in cases]  # type: ignore[misc]


@pytest.mark.parametrize(("written", "canonical"), pairs())
def test_canonical_text(written: str, canonical: str) -> None:
    assert format_program(parsed(written)).rstrip("\n") == canonical
    assert format_program(parsed(canonical)).rstrip("\n") == canonical


@given(generate.programs)
def test_a_program_is_what_its_text_says(program: Program) -> None:
    text = format_program(program)
    assert parsed(text) == program
    assert format_program(parsed(text)) == text


@given(generate.libraries)
def test_a_library_is_what_its_text_says(program: Program) -> None:
    assert parsed(format_program(program), library=True) == program


@given(generate.commented())
def test_comments_survive(text: str) -> None:
    before = parsed(text)
    canonical = format_program(before)
    after = parsed(canonical)
    assert after == before
    assert format_program(after) == canonical
    assert sorted(x.text for x in after.comments) == sorted(x.text for x in before.comments)


@given(generate.signatures)
def test_a_signature_is_what_its_text_says(signature) -> None:
    assert parse_signature(Source(format_signature(signature))) == (signature, ())


@given(generate.input_types)
def test_a_type_is_what_its_text_says(kind) -> None:
    assert parse_type(Source(format_type(kind))) == (kind, ())
