"""The rules of the config, each with the layers that it wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from network import Params, both_ways, energies, layers, linear

import lossdsl
from lossdsl.learning import (
    BackProp,
    BiPredictiveCoding,
    EquilibriumPropagation,
    LearningResult,
    PredictiveCoding,
)
from lossdsl.terms import Terms


@dataclass(frozen=True)
class Learner:
    """A rule over the layers of the network."""

    rule: Any
    layers: Sequence[Any]

    def grads(self, params: Params, batch: Mapping[str, Any], key: jax.Array) -> LearningResult:
        """Return the rule's gradients; the key is for one that draws."""
        draws = getattr(self.rule, "sign", "fixed") == "random"
        return self.rule.grads(self.layers, params, batch, **({"key": key} if draws else {}))

    def evaluate(self, params: Params, batch: Mapping[str, Any]) -> tuple[jax.Array, Terms]:
        """Return the loss of what the network settles to, and its terms."""
        return self.rule.evaluate(self.layers, params, batch)


def learner(
    loss: lossdsl.CompiledLoss, depth: int, rule: str, energy: str = "gaussian", **settings: Any
) -> Learner:
    """Return a rule by the name of its class; ValueError for a name or a setting that is wrong."""
    settle = partial(EquilibriumPropagation, energy=_chosen("energy", energy, energies(depth)))
    make, wanted = _chosen(
        "rule",
        rule,
        {
            "BackProp": (BackProp, layers(depth)),
            "PredictiveCoding": (PredictiveCoding, layers(depth)),
            "BiPredictiveCoding": (BiPredictiveCoding, both_ways(depth)),
            "EquilibriumPropagation": (settle, [linear] * depth),
        },
    )
    try:
        return Learner(make(loss, **settings), wanted)
    except TypeError as problem:
        raise ValueError(f"{rule}: {problem}") from None


def _chosen(kind: str, name: str, choices: Mapping[str, Any]) -> Any:
    if name not in choices:
        raise ValueError(f"no {kind} `{name}`; there are {', '.join(choices)}")
    return choices[name]
