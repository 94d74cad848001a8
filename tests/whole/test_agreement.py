"""`check` and the call agree over random programs: given the call's types both accept the same."""

from __future__ import annotations

from collections import Counter
from random import Random

import jax
import pytest
from agreement import drawn, verdicts

import lossdsl

PROGRAMS = 150


@pytest.mark.parametrize("seed", range(4))
def test_check_and_the_call_agree(seed: int) -> None:
    random = Random(seed)
    counts: Counter[str] = Counter()
    for _ in range(PROGRAMS):
        text, inputs = drawn(random)
        untyped, typed, called = verdicts(text, inputs)
        assert "LD999" not in {*untyped, *typed, *called}, text
        if any("[B" in line for line in text.split("\n")):
            # A size that only a call knows may clash with another; nothing else may.
            assert not typed or untyped or called, text
        else:
            assert bool(typed) == bool(called), (text, typed, called)
            assert called or not untyped, (text, untyped)
        counts["refused" if called else "accepted"] += 1
    assert counts["accepted"] >= PROGRAMS // 10, counts


@pytest.mark.parametrize("seed", range(2))
def test_what_check_accepts_can_be_traced(seed: int) -> None:
    random = Random(100 + seed)
    traced = 0
    while traced < 12:
        text, inputs = drawn(random)
        if not any(verdicts(text, inputs)):
            value = jax.eval_shape(lambda: lossdsl.compile(text)(**inputs))  # noqa: B023
            assert value.shape == ()
            traced += 1
