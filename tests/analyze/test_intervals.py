"""Intervals hold the values that they are said to hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import values_of
from programs import INPUTS, core_of, programs

import lossdsl
from lossdsl.analyze.dataflow import forward
from lossdsl.analyze.intervals import Intervals
from lossdsl.core.graph import Apply, operands
from lossdsl.elaborate.program import elaborate
from lossdsl.library.declare import builtins, primitives
from lossdsl.library.domains import Interval
from lossdsl.library.images import Reach, interval, within
from lossdsl.source import Source
from lossdsl.syntax.parse import parse_program

EDGES = (-math.inf, -2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 3.0, math.inf)
DECLARED = [function for function in primitives().values() if function.image is not None]


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, high = sorted(draw(st.lists(st.sampled_from(EDGES), min_size=2, max_size=2)))
    if low == high:
        return Interval(low, high) if math.isfinite(low) else interval("[0, 1]")
    opening = "(" if math.isinf(low) else draw(st.sampled_from("(["))
    closing = ")" if math.isinf(high) else draw(st.sampled_from(")]"))
    return Interval(low, high, opening, closing)


def inside(draw: st.DrawFn, within: Interval) -> float:
    """Return a number of an interval, an end of it where it has one."""
    low, high = max(within.low, -9.0), min(within.high, 9.0)
    ends = [edge for edge in (within.low, within.high) if edge in within and math.isfinite(edge)]
    middle = [low + (high - low) * share for share in (0.001, 0.3, 0.5, 0.999)]
    return draw(st.sampled_from([*ends, *(one for one in middle if one in within), *ends]))


@pytest.mark.parametrize("function", DECLARED, ids=lambda function: function.name)
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_an_image_holds_the_values(function: Any, data: st.DataObject) -> None:
    count = sum(one.required for one in function.signatures[0].parameters)
    operands = [data.draw(intervals()) for _ in range(count)]
    numbers = [data.draw(st.composite(inside)(operand)) for operand in operands]
    known = [data.draw(st.sampled_from([operand, None])) for operand in operands]
    image = function.image(*known)
    if function.name == "clip" and operands[1].low > operands[2].high:
        return
    required = (one for one in function.signatures[0].parameters if one.required)
    arrays = [
        np.int32(0) if one.type.dtype == "int" else np.full(2, number, np.float64)
        for one, number in zip(required, numbers, strict=True)
    ]
    with np.errstate(all="ignore"):
        values = np.asarray(function.kernel(*arrays), np.float64)
    for value in values[np.isfinite(values)]:
        assert image is None or _about(image, float(value)), (numbers, known, str(image))


def _about(image: Interval, value: float) -> bool:
    """Say whether an interval has a number or one that rounding tells from it."""
    slack = 1e-6 * max(1.0, abs(value))
    return image.low - slack <= value <= image.high + slack


@given(text=programs())
def test_values_of_random_programs_lie_in_their_intervals(text: str) -> None:
    core = core_of(text, INPUTS)
    roots = [outcome.value for outcome in core.results]
    facts = forward(roots, Intervals(core.graph, {}))
    with np.errstate(all="ignore"):
        values = values_of(core.graph, roots, INPUTS, None)
    for node, fact in facts.items():
        array = values.get(node)
        if fact is None or not isinstance(array, np.ndarray | float | int):
            continue
        for value in np.ravel(np.asarray(array, np.float64)):
            assert not math.isfinite(value) or _about(fact, float(value)), (text, node, str(fact))


REACHES: Sequence[tuple[Sequence[str], str, Reach | None]] = (
    (("(0, inf)",), "[0, 1]", Reach(0, 0.0)),
    (("(0, inf)",), "(0, 1]", None),
    (("(0, inf)",), "[-2, -1]", Reach(0, 0.0, below=True)),
    (("(-1, inf)",), "[-1, 0]", Reach(0, -1.0)),
    (("(-inf, 0)", "(0, inf)"), "[0, 1]", Reach(0, 0.0)),
    (("(-inf, 0)", "(0, inf)"), "[-1, 1]", Reach(0, 0.0)),
    (("(-inf, 0)", "(0, inf)"), "(0, 1]", None),
)


@pytest.mark.parametrize(("allowed", "known", "reach"), REACHES)
def test_what_an_operand_reaches(allowed: Sequence[str], known: str, reach: Reach | None) -> None:
    assert within(*allowed)(interval(known)) == reach
    assert within(*allowed)(None) is None


# A sum, where its values lie, and that of a role whose entries sum to 1 along the classes alone.
SUMS: Sequence[tuple[str, str]] = (
    ("sum(y, axis=C)", "(0, 1e+100]"),
    ("sum(y, axis=N)", "[0, 1e+100]"),
    ("sum(y, axis=C, where=m)", "[0, 1e+100)"),
    ("exp(-sum(square(tanh(x)), axis=C))", "(1.295e-100, 1]"),
    ("square(tanh(x) - 1)", "(0, 4)"),
    ("abs(tanh(x) + 3)", "(2, 4)"),
)


@pytest.mark.parametrize(("text", "expected"), SUMS)
def test_where_values_lie(text: str, expected: str) -> None:
    head = "y: one_hot f32[N, C]\nx: f32[N, C]\nm: bool[N, C]\n"
    program, _ = parse_program(Source(f"{head}q = {text}\nloss = mean(q)"))
    assert program is not None
    core = elaborate(program, builtins()).core
    assert core is not None
    (outcome,) = core.results
    facts = forward([outcome.value], Intervals(core.graph, {}))
    assert isinstance(outcome.value, Apply)
    assert str(facts[operands(outcome.value)[0]]) == expected


# What a user declares of where values lie, and what is said of `log` of such a function.
DECLARATIONS: Sequence[tuple[dict[str, Any], str, str]] = (
    ({"image": lambda _: interval("[0, 1]")}, "LD420", "`f(x)` can be 0"),
    ({"image": lambda _: interval("(0, 1]")}, "", ""),
    ({"image": lambda _: None, "finite": lambda _: None}, "", ""),
    ({"finite": lambda _: Reach(0, 2.0)}, "LD420", "`x` can be 2, where `f`"),
    ({"image": lambda _: (0, 1)}, "LD806", "returns a `tuple`; expected an `Interval` or `None`"),
    ({"finite": lambda _: 0.0}, "LD806", "returns a `float`; expected a `Reach` or `None`"),
    ({"finite": lambda: None}, "LD807", "raised a `TypeError`"),
)


@pytest.mark.parametrize(("facts", "code", "message"), DECLARATIONS)
def test_a_user_declares_where_values_lie(facts: Any, code: str, message: str) -> None:
    declared = lossdsl.primitive("f(x: float) -> float", elementwise=True, **facts)
    library = lossdsl.Library.of(declared(lambda: lambda x: x))
    found = lossdsl.check("x: f32[B]\n-mean(log(f(x)))", library=library).diagnostics
    assert [one.code for one in found] == [code] * bool(code)
    assert all(message in one.message for one in found)


def test_a_power_of_an_infinite_number_is_no_defect() -> None:
    assert lossdsl.check("x: f32[B]\ne: float in [inf, inf]\nmean(x**e)").ok
