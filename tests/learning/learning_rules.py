"""Every learning rule with a network, and a loss that their tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import learning_networks
import numpy as np
import pytest
from learning_networks import SIZES, batch, shared

from lossdsl.learning import (
    BackProp,
    BiPredictiveCoding,
    EquilibriumPropagation,
    PredictiveCoding,
)

# Two layers, of which the first has a belief: a third would be compiled for each rule again, and
# is where a law depends on it.
SHALLOW = SIZES[1:]
LAYERS, TWO_WAYS = learning_networks.LAYERS[1:], (shared(jnp.tanh),) * 2
RULES: dict[str, tuple[Callable[..., Any], Any]] = {
    "backprop": (BackProp, LAYERS),
    "strict": (PredictiveCoding, LAYERS),
    "fixed": (lambda loss, **more: PredictiveCoding(loss, mode="fixed", **more), LAYERS),
    "exact": (lambda loss, **more: PredictiveCoding(loss, mode="exact", **more), LAYERS),
    "two ways": (BiPredictiveCoding, TWO_WAYS),
    "equilibrium": (EquilibriumPropagation, LAYERS),
    "stopped": (
        lambda loss, **more: EquilibriumPropagation(loss, stop=1e-3, start="forward", **more),
        LAYERS,
    ),
}
LOCAL = {name: RULES[name] for name in ("strict", "fixed", "two ways", "equilibrium", "stopped")}


def settles(rule: Any) -> bool:
    return rule in (RULES["equilibrium"][0], RULES["stopped"][0])


every = pytest.mark.parametrize(("rule", "layers"), RULES.values(), ids=RULES)
every_local = pytest.mark.parametrize(("rule", "layers"), LOCAL.values(), ids=LOCAL)


# Tests of one rule with this text and a batch of `given` share one compiled program.
TEXT = """
keep: bool[B]
out, tgt: float[B, K]
decay: float
params: tree
loss = mse(out, tgt, where=keep) + decay*l2sqr(params["1/w"])
metric peak = max(abs(out))
metric low = min(out)
"""


def given(keep: bool = True, decay: float = 0.1, seed: int = 1) -> dict[str, Any]:
    return {**batch(sizes=SHALLOW, seed=seed), "keep": np.full(6, keep), "decay": np.float32(decay)}
