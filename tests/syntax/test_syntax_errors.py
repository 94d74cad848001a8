"""Every text ends in a tree or in named findings with a place; no text ends in an exception."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import generate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossdsl.diagnostics.codes_syntax import ROWS
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.limits import DEFAULT_LIMITS, Limits
from lossdsl.source import Source
from lossdsl.syntax.parse import parse_program, parse_signature, parse_type
from lossdsl.syntax.tables import TERMINALS

FIXTURE = Path(__file__).with_name("syntax_errors.txt").read_text(encoding="utf-8")


def refused(text: str, *, library: bool = False) -> tuple[Diagnostic, ...]:
    program, found = parse_program(Source(text), library=library)
    assert (program is None) == bool(found)
    return found


def cases() -> list[tuple[str, str]]:
    """Read the fixture: what is found, then the text, with lines of dashes between."""
    return [
        (found, text)
        for found, _, text in (case.partition("\n") for case in FIXTURE[:-1].split("\n--------\n"))
    ]


@pytest.mark.parametrize(("wanted", "text"), cases())
def test_named_error(wanted: str, text: str) -> None:
    found = refused(text)
    assert len(found) == 1
    place = found[0].span
    assert place is not None
    assert f"{found[0].code} {place.start}:{place.end} {found[0].message}" == wanted


KINDS = {
    "an unclosed bracket": "mse(out, tgt",
    "a missing operator": "2 mse(out, tgt)",
    "`=` for `==`": "loss = a if b = c else d",
    "an operator of another language": "a && b",
    "a comparison in an odd place": "a == == b",
    "a stray comma": "mse(out,, tgt)",
    "an unterminated string": 'params["kernel]',
    "an unknown dtype": "out: float23[B]\nmean(out)",
    "a declaration after a statement": "p = a\nout: f32[B]\nloss = p",
    "two results": "loss = a\nloss = b",
    "no result": "p = a",
}


def test_kinds_have_codes_of_their_own() -> None:
    codes = {kind: refused(text)[0].code for kind, text in KINDS.items()}
    assert len(set(codes.values())) == len(KINDS), codes


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_examples_of_codes(row) -> None:
    library = row.form == "library"
    assert [found.code for found in refused(row.bad, library=library)] == [row.code]
    assert refused(row.good, library=library) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\0b", "LD003"),
        ("a # \u202e comment", "LD003"),
        ('params["\ud800"]', "LD003"),
        ("\ufeffa + b", "LD003"),
        ("a\u00a0+ b", "LD002"),
        ("x\u00b2", "LD002"),
        ("p\u0430rams + 1", "LD020"),
        ("\uff4c\uff4f\uff53\uff53 + 1", "LD018"),
    ],
)
def test_characters(text: str, code: str) -> None:
    assert refused(text)[0].code == code


@pytest.mark.parametrize("text", ["a\r\n+ b\r\n", "a # one\r+ b", "\ta\n+ b", "\uff41 + b"])
def test_line_ends_and_widths_do_not_matter(text: str) -> None:
    assert parse_program(Source(text))[0] == parse_program(Source("a + b".replace("\r", "")))[0]


# Each limit: its name, its code, a limit to test at, and a text of the size n.
BOUNDS = [
    ("text_length", "LD601", 50, lambda n: "a" * n),
    ("nesting", "LD602", 20, lambda n: "(" * n + "a" + ")" * n),
    ("nesting", "LD602", 20, lambda n: "f(" * n + "a" + ")" * n),
    ("nesting", "LD602", 20, lambda n: "-" * n + "a"),
    ("nesting", "LD602", 20, lambda n: "not " * n + "a"),
    ("nesting", "LD602", 20, lambda n: "2**" * n + "a"),
    ("nesting", "LD602", 20, lambda n: "a if b else " * n + "c"),
    ("nesting", "LD602", 20, lambda n: "x" + ".y" * n),
    ("nodes", "LD603", 50, lambda n: "f(" + ", ".join(["a"] * (n - 2)) + ")"),
    ("number_length", "LD604", 20, lambda n: "1" * n),
    ("exponent", "LD605", 20, lambda n: f"x**-{n}"),
    ("selector_length", "LD606", 50, lambda n: f'f("{"a" * n}")'),
    ("selector_runs", "LD607", 3, lambda n: f'f("{"**/" * n}")'),
]


@pytest.mark.parametrize(("name", "code", "limit", "text"), BOUNDS)
def test_limits(name: str, code: str, limit: int, text) -> None:
    limits = Limits(**{name: limit})
    for size in (limit - 1, limit):
        assert parse_program(Source(text(size)), limits)[1] == (), size
    assert [found.code for found in parse_program(Source(text(limit + 1)), limits)[1]] == [code]
    assert parse_program(Source(text(100 * limit)), limits)[0] is None


def test_deep_texts_from_a_deep_stack() -> None:
    texts = ["-" * 16_000 + "x", "x**" * 5_000 + "x", "(" * 10_000, "f(" * 64 + "x" + ")" * 64]

    def below(depth: int) -> list[str]:
        if depth:
            return below(depth - 1)
        return [x.code for text in texts for x in refused(text)]

    assert below(500) == ["LD602", "LD602", "LD602"]


def test_a_text_of_any_size_is_refused_at_once() -> None:
    (found,) = refused("a" * 1_000_000)
    assert found.code == "LD601"


@given(generate.mutated())
def test_mutated_texts_end_in_findings(text: str) -> None:
    check_findings(text, refused(text))


@given(st.text(max_size=40))
def test_any_text_ends_in_findings(text: str) -> None:
    for parse in (parse_signature, parse_type, parse_program):
        check_findings(text, parse(Source(text))[1])


def check_findings(text: str, found: tuple[Diagnostic, ...]) -> None:
    """Hold that findings are few, have places in the text, and speak the user's language."""
    assert len(found) <= DEFAULT_LIMITS.diagnostics
    for one in found:
        assert one.span is not None
        assert 0 <= one.span.start <= one.span.end <= len(text)
        assert not one.message.startswith("the parser")
        ours = re.sub(r"`[^`]*`", "", one.message.replace(text, ""))
        assert not TERMINALS.keys() & set(re.findall(r"[A-Z_]{2,}", ours)), one.message


def test_threads_share_the_parser() -> None:
    texts = [f"a{n} + b{n} + " if n % 3 == 0 else f"a{n} + b{n}" for n in range(60)]
    alone = [parse_program(Source(text)) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(parse_program, map(Source, texts))) == alone
