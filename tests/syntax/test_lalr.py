"""The parser makes of every text what Lark makes of it, and its tables are those of the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import generate
import lark_oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lalr_tables import STARTS, TABLES, generated
from spelled import spelled

import lossdsl
from lossdsl.diagnostics.codes import CODES
from lossdsl.limits import DEFAULT_LIMITS
from lossdsl.source import Source
from lossdsl.syntax import lalr
from lossdsl.syntax.building import BUILDING, Building
from lossdsl.syntax.parse import build

LIBRARY = Path(lossdsl.__file__).parent / "library" / "losses"
ERRORS = Path(__file__).with_name("syntax_errors.txt").read_text(encoding="utf-8")
PAGES = Path(__file__).parents[1] / "conformance"

Parse = Callable[[str, str, lalr.Build], Any]


def outcome(parse: Parse, text: str, start: str) -> object:
    """Return the tree, or where the text stops, and what is told of it in either case."""
    building = Building(Source(text), DEFAULT_LIMITS, ())
    token = BUILDING.set(building)
    try:
        made = parse(text, start, build)
    except lalr.Stopped as stopped:
        return stopped.position
    finally:
        BUILDING.reset(token)
    return spelled(made), building.diagnostics


def hold(text: str, starts: tuple[str, ...] = STARTS) -> None:
    """Hold the parser to Lark's tree, or to the place where Lark stops."""
    for start in starts:
        assert outcome(lalr.parse, text, start) == outcome(lark_oracle.parse, text, start)


def test_the_tables_are_those_of_the_grammar() -> None:
    """`make tables` writes them."""
    assert TABLES.read_text(encoding="utf-8") == generated()


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.loss")), ids=lambda path: path.name)
def test_library(path: Path) -> None:
    hold(path.read_text(encoding="utf-8"), ("program",))


def test_signatures() -> None:
    for name in lossdsl.BUILTINS:
        for text in lossdsl.BUILTINS[name].texts:
            hold(text, ("signature", "given_type"))


def test_cases() -> None:
    texts = [text for row in CODES.values() for text in (row.bad, row.good)]
    texts += [text.partition("\n")[2] for text in ERRORS[:-1].split("\n--------\n")]
    for page in PAGES.glob("*.md"):
        texts += re.findall(r"```loss\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(texts) > 500
    for text in texts:
        hold(text, ("program",))


# What one lexer for all states would read otherwise: a word is a type only where one is expected,
# and `1e3` no number where a whole one is.
WORDS = (
    "labels, mask: tree[f32[B]]\nmean(labels - mask) + text.shape*axis",
    "def f(float: float[*S], *axes: int) -> float[*S] = float[axes[0], ...]\nloss = f(static)",
    "f(x: axis[B] | constraint[x] | function[2] | 'a' | \"b\"?, k: static int = 3) -> text",
    "lossdsl 1e3",
    "lossdsl 1.5",
    "tree[f32[2.5]]",
    "f32[1e3]",
    "f32[B**2, *S, ..., _] in (-inf, 1e3]",
    "f32[B, **S]",
    "x[..., 0:1.5:none, a==1][1:][:2]...",
    "a.b.5",
    "a-->b->c",
    "a====b//c*** d",
    "ünïcode + x²",
    "",
    " # nothing",
)


@pytest.mark.parametrize("text", WORDS)
def test_words_and_marks(text: str) -> None:
    hold(text)


@given(generate.commented())
def test_programs(text: str) -> None:
    hold(text, ("program",))


@given(generate.mutated())
def test_mutated(text: str) -> None:
    hold(text, ("program",))


@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    hold(text)
