"""Losses of variational autoencoders."""

from __future__ import annotations

from typing import Any

import numpy as np


def normal_divergence(mu: Any, logvar: Any) -> Any:
    """Return the divergence of each latent from the standard normal distribution."""
    return -0.5 * (1 + logvar - mu**2 - np.exp(logvar))


def log_normal(x: Any, mu: Any, logvar: Any) -> Any:
    return -0.5 * np.log(2 * np.pi) - 0.5 * logvar - 0.5 * (x - mu) ** 2 / np.exp(logvar)


def log_bernoulli(x: Any, z: Any) -> Any:
    p = 1 / (1 + np.exp(-z))
    return x * np.log(p) + (1 - x) * np.log(1 - p)


def logsumexp(x: Any, axis: int) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis))


def vae(x: Any, z: Any, q: Any) -> float:
    total = 0.0
    for image, scores, mu, logvar in zip(x, z, q["mu"], q["logvar"], strict=True):
        total += np.sum(normal_divergence(mu, logvar)) - np.sum(log_bernoulli(image, scores))
    return total / len(x)


def beta_vae(x: Any, out: Any, q: Any) -> float:
    total = 0.0
    for image, mean, mu, logvar in zip(x, out, q["mu"], q["logvar"], strict=True):
        total -= np.sum(log_normal(image, mean, 0.0))
        total += 4 * np.sum(normal_divergence(mu, logvar))
    return total / len(x)


def beta_tcvae(x: Any, z: Any, q: Any, code: Any) -> float:
    """Weigh every code of the minibatch as if it stood for the whole training set."""
    batch, latents = code.shape
    size = 60000
    total = 0.0
    for i in range(batch):
        own = np.sum(log_normal(code[i], q["mu"][i], q["logvar"][i]))
        under = np.array([log_normal(code[i], q["mu"][j], q["logvar"][j]) for j in range(batch)])
        joint = np.log(np.sum(np.exp(under.sum(1))) / (size * batch))
        apart = sum(np.log(np.sum(np.exp(under[:, d])) / (size * batch)) for d in range(latents))
        prior = np.sum(log_normal(code[i], 0.0, 0.0))
        total -= np.sum(log_bernoulli(x[i], z[i]))
        total += (own - joint) + 6 * (joint - apart) + (apart - prior)
    return total / batch


def infovae(x: Any, out: Any, q: Any, code: Any, prior: Any) -> float:
    def kernel(a: Any, b: Any) -> float:
        distance = np.sum((a - b) ** 2)
        return sum(np.exp(-distance / (2 * width**2)) for width in (1.0, 2.0))

    def mean_kernel(xs: Any, ys: Any) -> float:
        return float(np.mean([[kernel(a, b) for b in ys] for a in xs]))

    batch = len(x)
    likelihood = np.sum(log_normal(x, out, 0.0)) / batch
    divergence = np.sum(normal_divergence(q["mu"], q["logvar"])) / batch
    apart = mean_kernel(code, code) + mean_kernel(prior, prior) - 2 * mean_kernel(code, prior)
    return -likelihood + (1 - 0.5) * divergence + (0.5 + 10 - 1) * apart


def free_bits(x: Any, out: Any, q: Any) -> float:
    likelihood = np.sum(log_normal(x, out, 2 * np.log(0.5))) / len(x)
    each = np.mean(normal_divergence(q["mu"], q["logvar"]), axis=0)
    return -likelihood + sum(max(0.25, nats) for nats in each)


def iwae(x: Any, z: Any, q: Any, noise: Any) -> float:
    total = 0.0
    for image, scores, mu, logvar, samples in zip(x, z, q["mu"], q["logvar"], noise, strict=True):
        weights = []
        for score, sample in zip(scores, samples, strict=True):
            code = mu + np.exp(logvar / 2) * sample
            joint = np.sum(log_bernoulli(image, score)) + np.sum(log_normal(code, 0.0, 0.0))
            weights.append(joint - np.sum(log_normal(code, mu, logvar)))
        total -= logsumexp(np.array(weights), 0) - np.log(len(weights))
    return total / len(x)
