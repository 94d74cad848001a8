"""Losses of adversarial networks: a critic's and a generator's."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def nonsaturating(real: Any, fake: Any) -> dict[str, float]:
    told = np.mean(np.log(sigmoid(real))) + np.mean(np.log(1 - sigmoid(fake)))
    return {"critic": float(-told), "generator": float(-np.mean(np.log(sigmoid(fake))))}


def lengths(slopes: Any) -> Any:
    return np.array([np.sqrt(np.sum(one**2)) for one in slopes])


def wgan_gp(real: Any, fake: Any, slopes: Any) -> dict[str, float]:
    penalty = np.mean((lengths(slopes) - 1) ** 2)
    critic = np.mean(fake) - np.mean(real) + 10 * penalty
    return {"critic": float(critic), "generator": float(-np.mean(fake))}


def lsgan(real: Any, fake: Any) -> dict[str, float]:
    critic = np.mean((real - 1) ** 2) / 2 + np.mean(fake**2) / 2
    return {"critic": float(critic), "generator": float(np.mean((fake - 1) ** 2) / 2)}


def hinge(real: Any, fake: Any) -> dict[str, float]:
    above = [max(0.0, 1 - one) for one in real.ravel()]
    below = [max(0.0, 1 + one) for one in fake.ravel()]
    critic = np.mean(above) + np.mean(below)
    return {"critic": float(critic), "generator": float(-np.mean(fake))}


def relativistic(real: Any, fake: Any) -> dict[str, float]:
    more_real = sigmoid(real - np.mean(fake))
    more_fake = sigmoid(fake - np.mean(real))
    return {
        "critic": float(-np.mean(np.log(more_real)) - np.mean(np.log(1 - more_fake))),
        "generator": float(-np.mean(np.log(more_fake)) - np.mean(np.log(1 - more_real))),
    }


def stylegan_r1(real: Any, fake: Any, slopes: Any) -> dict[str, float]:
    pair = nonsaturating(real, fake)
    pair["critic"] += float(10 / 2 * np.mean(lengths(slopes) ** 2))
    return pair


def cyclegan(horse: Any, zebra: Any) -> dict[str, float]:
    generators, critics = 0.0, 0.0
    for one in (horse, zebra):
        generators += np.mean((one["fake"] - 1) ** 2)
        generators += 10 * np.mean(np.abs(one["back"] - one["image"]))
        critics += (np.mean((one["real"] - 1) ** 2) + np.mean(one["fake"] ** 2)) / 2
    return {"generators": float(generators), "critics": float(critics)}


def leaves(tree: Any) -> list[Any]:
    """Return the arrays of a tree in the order of their paths."""
    if not isinstance(tree, dict):
        return [tree]
    return [x for key in sorted(tree) for x in leaves(tree[key])]


def feature_matching(
    scores: Any, real_scores: Any, features: Any, real_features: Any, held: Any
) -> dict[str, float]:
    critic, generator = 0.0, 0.0
    for fake, real in zip(leaves(scores), leaves(real_scores), strict=True):
        critic += np.mean((real - 1) ** 2) / 2 + np.mean(fake**2) / 2
        generator += np.mean((fake - 1) ** 2) / 2
    for fake, real in zip(leaves(features), leaves(held["real_features"]), strict=True):
        generator += 10 * np.mean(np.abs(real - fake))
    return {"critic": float(critic), "generator": float(generator)}
