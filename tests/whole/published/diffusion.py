"""Losses of diffusion models."""

from __future__ import annotations

from typing import Any

import numpy as np


def ddpm(out: Any, noise: Any) -> float:
    return float(np.mean((noise - out) ** 2))


def min_snr(out: Any, noise: Any, snr: Any) -> float:
    weights = np.minimum(snr, 5) / snr
    errors = [np.mean((a - b) ** 2) for a, b in zip(out, noise, strict=True)]
    return float(np.mean(weights * errors))


def draw_min_snr(random: Any, inputs: Any) -> Any:
    return {"snr": np.exp(random.normal(1.5, 1.5, inputs["snr"].shape))}


def v_prediction(out: Any, x: Any, noise: Any, angle: Any) -> float:
    """Err in the image by alpha*noisy - sigma*v, and weigh that by 1 + alpha**2/sigma**2."""
    total = 0.0
    for v, image, eps, phi in zip(out, x, noise, angle, strict=True):
        alpha, sigma = np.cos(phi), np.sin(phi)
        found = alpha * (alpha * image + sigma * eps) - sigma * v
        total += (1 + alpha**2 / sigma**2) * np.mean((found - image) ** 2)
    return total / len(x)


def draw_v_prediction(random: Any, inputs: Any) -> Any:
    return {"angle": random.uniform(0.2, 1.4, inputs["angle"].shape)}


def edm(net: Any, x: Any, noise: Any, sigma: Any) -> float:
    data = 0.5
    total = 0.0
    for raw, image, eps, s in zip(net, x, noise, sigma, strict=True):
        skip = data**2 / (s**2 + data**2)
        out = s * data / np.sqrt(data**2 + s**2)
        denoised = skip * (image + s * eps) + out * raw
        total += (s**2 + data**2) / (s * data) ** 2 * np.mean((denoised - image) ** 2)
    return total / len(x)


def draw_edm(random: Any, inputs: Any) -> Any:
    return {"sigma": np.exp(random.normal(-1.2, 1.2, inputs["sigma"].shape))}


def p2(out: Any, noise: Any, snr: Any) -> float:
    errors = np.mean((out - noise) ** 2, axis=1)
    return float(np.mean(errors / (1 + snr)))


draw_p2 = draw_min_snr


def score_matching(score: Any, x: Any, noisy: Any, sigma: Any) -> float:
    total = 0.0
    for slope, clean, given, s in zip(score, x, noisy, sigma, strict=True):
        total += s**2 * 0.5 * np.sum((slope + (given - clean) / s**2) ** 2)
    return total / len(x)


draw_score_matching = draw_edm


def improved_ddpm(
    out: Any,
    noise: Any,
    mu: Any,
    posterior_mu: Any,
    share: Any,
    beta: Any,
    beta_tilde: Any,
    held: Any,
) -> float:
    bound = 0.0
    for i in range(len(beta)):
        for d in range(mu.shape[1]):
            var = np.exp(share[i, d] * np.log(beta[i]) + (1 - share[i, d]) * np.log(beta_tilde[i]))
            apart = (posterior_mu[i, d] - held["mu"][i, d]) ** 2
            bound += 0.5 * (np.log(var / beta_tilde[i]) + (beta_tilde[i] + apart) / var - 1)
    return float(np.mean((out - noise) ** 2) + 0.001 * bound / len(beta))


def draw_improved_ddpm(random: Any, inputs: Any) -> Any:
    beta = random.uniform(0.1, 0.5, inputs["beta"].shape)
    share = random.uniform(0, 1, inputs["share"].shape)
    return {"beta": beta, "beta_tilde": 0.7 * beta, "share": share}


def consistency(later: Any, earlier: Any, gap: Any, held: Any) -> float:
    c = 0.00054 * np.sqrt(later.shape[1])
    total = 0.0
    for a, b, between in zip(later, held["earlier"], gap, strict=True):
        total += (np.sqrt(np.sum((a - b) ** 2) + c**2) - c) / between
    return total / len(gap)


def draw_consistency(random: Any, inputs: Any) -> Any:
    return {"gap": random.uniform(0.1, 2, inputs["gap"].shape)}
