"""The first programs of the soak, a few of each property, and what its generator reaches."""

from __future__ import annotations

import re
from random import Random

import pytest
from soak.expr import inline
from soak.identities import examples
from soak.properties import Fault, scalar
from soak.run import PROPERTIES, attempt, report, run
from soak.world import World

import lossdsl

PROGRAMS = 7

# Schedules differ from those of `soak.templates` in their formula only; trees of spikes have a
# test of their own; the likelihood of CTC is what the loss of that name is made of.
ELSEWHERE = {
    "constant_schedule", "cosine_onecycle_schedule", "linear_onecycle_schedule",
    "piecewise_interpolate_schedule", "warmup_constant_schedule",
    "warmup_exponential_decay_schedule", "silence", "sparsity", "ctc_log_likelihood", "bounds",
    "map", "einsum", "concatenate", "stack", "transpose",
}  # fmt: skip


@pytest.mark.parametrize("seed", range(PROGRAMS))
@pytest.mark.parametrize("name", PROPERTIES)
def test_property(name: str, seed: int) -> None:
    attempt(name, seed)


def test_the_generator_reaches_the_vocabulary() -> None:
    reached: set[str] = set()
    for seed in range(1600):
        reached |= set(re.findall(r"(\w+)\(", inline(scalar(World(Random(seed))))))
        reached |= set(re.findall(r"(\w+)\(", inline(examples(Random(seed))[1])))
    assert sorted(set(lossdsl.BUILTINS) - reached - ELSEWHERE) == []


def test_what_does_not_hold_is_counted_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(random: Random) -> None:
        raise Fault("mean(x)\nvalue: 1 where 2 is right")

    monkeypatch.setitem(PROPERTIES, "broken", broken)
    tallies = run(lambda seed: seed < 2, only="broken")
    assert tallies["broken"].faults[1] == "broken, seed 1\nmean(x)\nvalue: 1 where 2 is right"
    assert re.search(r"broken +0 +0 +2\n", report(tallies))
