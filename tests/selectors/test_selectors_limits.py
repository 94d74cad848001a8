"""Limits of selectors, and what matching costs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path as File
from types import FrameType
from typing import Any

import pytest
from test_selectors import matched, parsed

import lossdsl.selectors
from lossdsl.limits import Limits
from lossdsl.selectors import Problem, Selector, parse_selector

FOLDER = File(lossdsl.selectors.__file__).parent


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * 256, True),
        ("a" * 257, False),
        ("a" * 25_600, False),
        ("/a".join(["**"] * 16), True),
        (" | ".join(["a/**/b"] * 17), False),
        ("/a".join(["**"] * 17), False),
    ],
)
def test_limits_of_a_selector(text: str, fits: bool) -> None:
    text = text.replace("**/a", "**/a/")
    found = parse_selector(text)
    assert isinstance(found, Selector) if fits else isinstance(found, Problem) and found.limit


def test_limits_are_raised_from_python() -> None:
    limits = Limits(selector_length=1_000, selector_runs=20)
    assert isinstance(parse_selector("/a/".join(["**"] * 20), limits), Selector)
    assert isinstance(parse_selector("a" * 999, limits), Selector)


def steps(text: str, tree: list[tuple[str, ...]]) -> int:
    """Count the instructions that the package executes to match a selector."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        if File(frame.f_code.co_filename).parent != FOLDER:
            return None
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        matched(parsed(text), tree)
    finally:
        sys.settrace(before)
    return count


HOSTILE_PATTERN = "a" + "/**/a" * 15 + "/**/b"


@pytest.mark.parametrize(
    "grow",
    [
        lambda n: (HOSTILE_PATTERN, [("a",) * 20] * (8 * n)),
        lambda n: (HOSTILE_PATTERN, [("a",) * (50 * n)] * 3),
        lambda n: ("*a" * 60 + "b", [("a" * (400 * n),)]),
        lambda n: ("a[a-c]?" * 5 + "*b", [("a" * (400 * n),)]),
    ],
    ids=["leaves", "depth", "segment", "classes"],
)
def test_matching_is_linear(grow: Callable[[int], tuple[str, list[tuple[str, ...]]]]) -> None:
    costs = [steps(*grow(n)) for n in (1, 2, 4)]
    assert costs[0] > 1_000
    assert costs[2] - costs[1] <= 2.02 * (costs[1] - costs[0])


def test_sixteen_runs_against_twelve_thousand_leaves() -> None:
    tree = [("a",) * 17 + (str(n % 100), "b" if n % 2 else "c") for n in range(12_000)]
    assert len(matched(parsed(HOSTILE_PATTERN), tree)) == 6_000


def test_nothing_in_the_package_backtracks() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Import(names=[ast.alias(name="re" | "fnmatch")]):
                    pytest.fail(f"{file.name} imports {ast.unparse(node)}")
                case ast.ImportFrom(module="re" | "fnmatch"):
                    pytest.fail(f"{file.name} imports {ast.unparse(node)}")
