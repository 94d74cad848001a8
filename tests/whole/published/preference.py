"""Losses of preference learning."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def token_logps(z: Any, y: Any) -> Any:
    return np.array(
        [np.log(np.exp(z[at][y[at]]) / np.exp(z[at]).sum()) for at in np.ndindex(y.shape)]
    ).reshape(y.shape)


def dpo(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any) -> float:
    first = (token_logps(chosen["z"], chosen["y"]) * chosen["answer"]).sum(-1)
    second = (token_logps(rejected["z"], rejected["y"]) * rejected["answer"]).sum(-1)
    gains = 0.1 * (first - ref_chosen) - 0.1 * (second - ref_rejected)
    return float(np.mean(-np.log(sigmoid(gains))))


def ipo(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any) -> float:
    h = np.log(np.exp(chosen) * np.exp(ref_rejected) / (np.exp(rejected) * np.exp(ref_chosen)))
    return float(np.mean((h - 1 / 0.5 / 2) ** 2))


def kto(
    logp: Any, ref_logp: Any, mismatched: Any, ref_mismatched: Any, good: Any, held: Any
) -> float:
    reference = max(0.0, float(np.mean(held["mismatched"] - held["ref_mismatched"])))
    total = 0.0
    for new, old, liked in zip(logp, ref_logp, good, strict=True):
        reward = new - old
        if liked:
            total += 1 - sigmoid(0.1 * (reward - reference))
        else:
            total += 1.33 * (1 - sigmoid(0.1 * (reference - reward)))
    return total / len(logp)


def per_token(answers: Any) -> Any:
    """Return the mean log-probability of the tokens of each answer; 0 of none."""
    logps = token_logps(answers["z"], answers["y"])
    return np.array(
        [
            row[kept].mean() if kept.any() else 0
            for row, kept in zip(logps, answers["answer"], strict=True)
        ]
    )


def simpo(chosen: Any, rejected: Any) -> float:
    return float(np.mean(-np.log(sigmoid(2 * per_token(chosen) - 2 * per_token(rejected) - 0.5))))


def orpo(z_chosen: Any, z_rejected: Any, chosen: Any, rejected: Any) -> float:
    total = 0.0
    first, second = token_logps(z_chosen, chosen), token_logps(z_rejected, rejected)
    for a, b in zip(first, second, strict=True):
        p, q = np.exp(a.mean()), np.exp(b.mean())
        odds_ratio = (p / (1 - p)) / (q / (1 - q))
        total += -a.mean() - 0.1 * np.log(sigmoid(np.log(odds_ratio)))
    return total / len(first)


def grpo(logp: Any, old_logp: Any, ref_logp: Any, reward: Any, present: Any) -> float:
    prompts, answers, steps = logp.shape
    total = 0.0
    for b in range(prompts):
        spread = np.sqrt(np.mean((reward[b] - reward[b].mean()) ** 2))
        for g in range(answers):
            advantage = (reward[b, g] - reward[b].mean()) / spread
            gains = []
            for t in range(steps):
                if not present[b, g, t]:
                    continue
                ratio = np.exp(logp[b, g, t] - old_logp[b, g, t])
                clipped = min(max(ratio, 0.8), 1.2)
                back = np.exp(ref_logp[b, g, t] - logp[b, g, t])
                kl = back - np.log(back) - 1
                gains.append(min(ratio * advantage, clipped * advantage) - 0.04 * kl)
            total -= np.mean(gains) if gains else 0
    return total / (prompts * answers)


def reward_model(reward: Any) -> float:
    prompts, answers = reward.shape
    total = 0.0
    for row in reward:
        for better in range(answers):
            for worse in range(better + 1, answers):
                total -= np.log(sigmoid(row[better] - row[worse]))
    return total / (prompts * answers * (answers - 1) / 2)
