"""Preference learning and policy gradients, against NumPy by the cited formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from rows.row import Row


def log_sigmoid(x: Any) -> Any:
    return -np.logaddexp(0, -x)


def dpo(
    chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any, smoothing: float = 0
) -> Any:
    h = 0.1 * ((chosen - rejected) - (ref_chosen - ref_rejected))
    return -(1 - smoothing) * log_sigmoid(h) - smoothing * log_sigmoid(-h)


def ipo(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any) -> Any:
    h = (chosen - rejected) - (ref_chosen - ref_rejected)
    return (h - 1 / (2 * 0.3)) ** 2


def kto(logp: Any, ref_logp: Any, good: Any, kl: float = 0.0, bad_weight: float = 1.0) -> Any:
    reward, baseline = logp - ref_logp, max(kl, 0)
    value = np.where(
        good,
        special.expit(0.1 * (reward - baseline)),
        bad_weight * special.expit(0.1 * (baseline - reward)),
    )
    return np.where(good, 1, bad_weight) - value


def odds(logp: Any) -> Any:
    return np.exp(logp) / (1 - np.exp(logp))


def orpo(chosen: Any, rejected: Any) -> Any:
    return -chosen - 0.1 * np.log(special.expit(np.log(odds(chosen) / odds(rejected))))


def ppo(
    logp: Any, old_logp: Any, advantage: Any, epsilon: float = 0.2, high: float | None = None
) -> Any:
    ratio = np.exp(logp - old_logp)
    with np.errstate(invalid="ignore"):
        gains = np.where(advantage == 0, 0, ratio * advantage)
    return -np.minimum(gains, np.clip(ratio, 1 - epsilon, 1 + (high or epsilon)) * advantage)


def dual(logp: Any, old_logp: Any, advantage: Any, most: float) -> Any:
    """The clipped gain, with a negative advantage no less than that many times it."""
    gain = -ppo(logp, old_logp, advantage)
    return -np.where(advantage < 0, np.maximum(gain, most * np.minimum(advantage, 0)), gain)


def k3(logp: Any, ref_logp: Any) -> Any:
    return np.exp(ref_logp) / np.exp(logp) - 1 - (ref_logp - logp)


def grpo(
    logp: Any,
    old_logp: Any,
    ref_logp: Any,
    advantage: Any,
    token_where: Any = None,
    high: float | None = None,
) -> Any:
    kept = np.ones(logp.shape, bool) if token_where is None else token_where
    found = np.zeros(advantage.shape)
    for at in np.ndindex(advantage.shape):
        terms = [
            ppo(logp[at][t], old_logp[at][t], advantage[at], high=high)
            + 0.04 * k3(logp[at][t], ref_logp[at][t])
            for t in np.flatnonzero(kept[at])
        ]
        found[at] = np.mean(terms) if terms else 0
    return found


def whitened(reward: Any) -> Any:
    spread = reward.std(-1, keepdims=True)
    return np.where(
        spread == 0, 0, (reward - reward.mean(-1, keepdims=True)) / np.maximum(spread, 1e-300)
    )


def near(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Policies that have not gone far from each other."""
    return {name: 0.2 * drawn[name] for name in drawn if name.endswith("logp")}


# Differences of numbers around 1e30 keep no digit of the others in float32.
SMALL = (0.0, -0.0, 1e-30)

ROWS = [
    Row("dpo(chosen, rejected, ref_chosen, ref_rejected)", dpo, extremes=SMALL),
    Row(
        "dpo(chosen, rejected, ref_chosen, ref_rejected, smoothing=0.2)",
        lambda **given: dpo(**given, smoothing=0.2),
        extremes=SMALL,
    ),
    Row("ipo(chosen, rejected, ref_chosen, ref_rejected, tau=0.3)", ipo, extremes=SMALL),
    Row("kto(logp, ref_logp, good)", kto),
    Row(
        "kto(logp, ref_logp, good, kl=0.7, bad_weight=1.5)",
        lambda logp, ref_logp, good: kto(logp, ref_logp, good, 0.7, 1.5),
    ),
    Row(
        "kto(logp, ref_logp, good, kl=-0.7)", lambda logp, ref_logp, good: kto(logp, ref_logp, good)
    ),
    Row(
        "simpo(chosen, rejected, beta=2.5, gamma=1.2)",
        lambda chosen, rejected: -log_sigmoid(2.5 * chosen - 2.5 * rejected - 1.2),
    ),
    Row("orpo(chosen, rejected)", orpo),
    Row("ppo_clip(logp, old_logp, advantage)", ppo, given=near),
    Row(
        "ppo_clip(logp, old_logp, advantage, epsilon=0.1)",
        lambda logp, old_logp, advantage: ppo(logp, old_logp, advantage, 0.1),
    ),
    Row(
        "ppo_clip(logp, old_logp, advantage, epsilon_high=0.28)",
        lambda logp, old_logp, advantage: ppo(logp, old_logp, advantage, high=0.28),
    ),
    Row(
        "ppo_clip(logp, old_logp, advantage, dual_clip=1.5)",
        lambda **given: dual(**given, most=1.5),
    ),
    Row("grpo(logp, old_logp, ref_logp, advantage)", grpo, given=near),
    Row(
        "grpo(logp, old_logp, ref_logp, advantage, dual_clip=1.1)",
        lambda logp, old_logp, ref_logp, advantage: (
            dual(logp, old_logp, advantage[..., None], 1.1) + 0.04 * k3(logp, ref_logp)
        ).mean(-1),
        given=near,
    ),
    Row(
        "grpo(logp, old_logp, ref_logp, advantage, epsilon_high=0.28)",
        lambda **given: grpo(**given, high=0.28),
        given=near,
    ),
    Row(
        "grpo(logp, old_logp, ref_logp, advantage, token_where=token_where)",
        grpo,
        given=near,
    ),
    Row("group_advantage(reward)", whitened),
    Row("kl_k1(logp, ref_logp)", lambda logp, ref_logp: logp - ref_logp),
    Row("kl_k2(logp, ref_logp)", lambda logp, ref_logp: (ref_logp - logp) ** 2 / 2),
    Row("kl_k3(logp, ref_logp)", k3),
]
