"""The benchmark of `make mutants`: each of its mistakes changes a loss, and many are found."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from mutants.measure import Mutant, mutants, original
from mutants.operators import OPERATORS
from mutants.rules import rewritten
from mutants.specs import printed, published
from mutants.values import worth

import lossdsl
from lossdsl.syntax import ast

# Few specs in which every mistake can be made.
SAMPLE = (
    "classification/distillation",
    "classification/fixmatch",
    "contrastive/moco",
    "detection/centernet",
    "rl/c51",
    "rl/sac",
    "segmentation/hed",
    "segmentation/nnunet",
    "survival/deepsurv",
)
MOST = 3  # of each mistake
FOUND = 0.3  # the share of their mutants that is found; it may only rise


@cache
def made() -> dict[str, list[Mutant]]:
    specs = [one for right in published() if right.name in SAMPLE if (one := printed(right))]
    assert len(specs) == len(SAMPLE)
    return {one.name: mutants(one, specs, set(), MOST, 1) for one in OPERATORS}


@pytest.mark.parametrize("name", [operator.name for operator in OPERATORS])
def test_every_mistake_changes_a_loss(name: str) -> None:
    assert made()[name]


def test_the_share_that_is_found_does_not_fall() -> None:
    every = [one for several in made().values() for one in several]
    share = sum(bool(one.codes) for one in every) / len(every)
    assert share >= FOUND, share


def test_a_mutant_is_worth_something_else_than_its_spec() -> None:
    for one in made()["sum for mean"]:
        right = original(one.right)
        assert right is not None
        assert worth(one.text, right.inputs).differs(right.worth)
        assert not worth(one.right.text, right.inputs).differs(right.worth)


def test_a_gradient_that_is_no_longer_stopped_is_a_change() -> None:
    inputs: list[Any] = [{"a": np.ones((2, 3)) * seed, "b": np.zeros((2, 3))} for seed in (1, 2)]
    text = "a, b: f32[B, C]\nloss = mse(a, sg(b))"
    stopped, free = worth(text, inputs), worth(text.replace("sg(b)", "b"), inputs)
    assert np.array_equal(stopped.values, free.values)
    assert free.differs(stopped)


RULES = (
    ("log(x) -> x", "log(a + 1)", ["(a + 1)"]),
    ("log(x) -> x", "exp(a)", []),
    ("log(x) -> x", "log(a, b)", []),
    ("log(x) -> x", "mean(a, axis=0)", []),
    ("mean(x, etc=etc) -> sum(x, etc=etc)", "mean(a, axis=0)", ["sum(a, axis=0)"]),
    ("f(x, where=m, etc=etc) -> f(x*m, etc=etc)", "max(a, where=b, axis=0)", ["max(a*b, axis=0)"]),
    ("f(x, where=m, etc=etc) -> f(x*m, etc=etc)", "max(a, axis=0)", []),
    ("R(x, axis=a) -> R(x)", "softmax(b, axis=1)", []),
    ("R(x, axis=a) -> R(x)", "sum(b, axis=1)", ["sum(b)"]),
    ("L(x, y) -> L(y, x)", "mse(a, b)", ["mse(b, a)"]),
    ("L(x, y) -> L(y, x)", "maximum(a, b)", []),
    ("x/norm(x, etc=etc) -> x", "a/norm(a, axis=0)", ["a"]),
    ("L(x, sg(y), etc=etc) -> L(y, x, etc=etc)", "mse(a, sg(b), where=c)", ["mse(b, a, where=c)"]),
    ("x/norm(x, etc=etc) -> x", "a/norm(b, axis=0)", []),
    ("maximum(x, e) -> x", "maximum(a, 1e-6)", ["a"]),
    ("maximum(x, e) -> x", "maximum(a, 0.5)", []),
    ("-x -> x", "-a", ["a"]),
    ("x if m else y -> y if m else x", "a if c else b", ["b if c else a"]),
)


@pytest.mark.parametrize(("rule", "text", "wanted"), RULES)
def test_a_rule_rewrites_what_it_matches(rule: str, text: str, wanted: list[str]) -> None:
    (statement,) = lossdsl.parse(f"loss = {text}").statements
    assert isinstance(statement, ast.Result)
    assert [*rewritten(rule, statement.value)] == wanted
