"""The settings of learning rules: what is of another kind, or out of range, is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from learning_networks import LAYERS, batch, parameters

import lossdsl
from lossdsl import LossError
from lossdsl.learning import (
    BackProp,
    BiPredictiveCoding,
    EquilibriumPropagation,
    Hopfield,
    PredictiveCoding,
)

LOSS = lossdsl.compile("mse(out, tgt)")
RULES = {
    "backprop": BackProp,
    "predictive": PredictiveCoding,
    "two ways": BiPredictiveCoding,
    "equilibrium": EquilibriumPropagation,
}
NAN, INF = float("nan"), float("inf")
OF_A_KIND: dict[str, tuple[Any, ...]] = {
    "loss": ("mse(out, tgt)", None, lambda out: out),
    "loss_back": ("mse(out, x)", 1),
    "input": (0, None),
    "output": (0, None),
    "target": (0, None),
    "check": ("yes", 1, None),
    "tolerance": (NAN, -1, 0, "a", None, True),
    "eta": (NAN, INF, -1, 0, "a", None, True, [0.1]),
    "dt": (NAN, INF, 0, "a"),
    "tau": (NAN, 0, "a"),
    "beta": (NAN, INF, 0, "1", None, True),
    "stop": (NAN, INF, -1, "a"),
    "discriminative": (NAN, INF, 0, "a"),
    "generative": (NAN, INF, -1, "a"),
    "steps": (0, -1, 2.5, "20", None, True, NAN),
    "mode": ("loose", 1, None, ["strict"]),
    "phases": ("three", 2),
    "start": ("ones", None),
    "sign": ("both", True),
    "energy": ("hopfield", Hopfield, None),
}


def settings(rule: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(rule)}


def test_every_setting_is_tried() -> None:
    assert set().union(*map(settings, RULES.values())) == set(OF_A_KIND)


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        (rule, name, value)
        for rule in RULES.values()
        for name, values in OF_A_KIND.items()
        for value in values
        if name in settings(rule) and (name, value) != ("loss_back", None)
    ],
)
def test_a_setting_of_another_kind(rule: Any, name: str, value: Any) -> None:
    with pytest.raises(LossError, match=f"`{name}` is ") as error:
        rule(**{"loss": LOSS, name: value})
    assert error.value.codes == ("LD904",)


def test_settings_may_be_numbers_of_numpy() -> None:
    rule = PredictiveCoding(LOSS, eta=np.float32(0.5), steps=np.int64(3), tolerance=1)
    assert np.isfinite(rule.grads(LAYERS, parameters(), batch()).residual)
