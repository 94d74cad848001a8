"""Losses of generative models against scipy, or their papers' formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

from rows.row import Row

# The square of a float32 is infinite from 1e20 on; beside 1e30, what is added to it is lost.
SMALL = (0.0, -0.0, 1e-30)


def each(x: Any) -> Any:
    """Return an array with one row for each example."""
    return x.reshape(len(x), int(np.prod(x.shape[1:])))


def nonsaturating_critic(real: Any, fake: Any) -> Any:
    return -special.log_expit(real) - special.log_expit(-fake)


def hinge_critic(real: Any, fake: Any) -> Any:
    return np.where(real < 1, 1 - real, 0) + np.where(fake > -1, 1 + fake, 0)


def vq_commit(z: Any, codes: Any, held: Any = None) -> Any:
    at = {"z": z, "codes": codes} if held is None else held
    return (at["z"] - codes) ** 2 + 0.5 * (z - at["codes"]) ** 2


def ddpm(out: Any, tgt: Any) -> Any:
    return (each(out - tgt) ** 2).mean(1)


def min_snr(divisor: Any) -> Any:
    def reference(out: Any, tgt: Any, snr: Any) -> Any:
        weight = np.array([min(one, 1.5) / divisor(one) for one in snr])
        return weight * ddpm(out, tgt)

    return reference


def bernoulli(z: Any, x: Any) -> Any:
    return -each(x * special.log_expit(z) + (1 - x) * special.log_expit(-z)).sum(1)


def gaussian(out: Any, x: Any) -> Any:
    return -each(stats.norm.logpdf(x, loc=out, scale=0.5)).sum(1)


ROWS = [
    Row("gan_generator_nonsaturating(fake)", lambda fake: -special.log_expit(fake)),
    Row("gan_critic_nonsaturating(real, fake)", nonsaturating_critic),
    Row("gan_generator_hinge(fake)", lambda fake: -fake),
    Row("gan_critic_hinge(real, fake)", hinge_critic),
    Row("gan_generator_wasserstein(fake)", lambda fake: -fake),
    Row("gan_critic_wasserstein(real, fake)", lambda real, fake: fake - real),
    Row("gan_generator_least_squares(fake)", lambda fake: (fake - 1) ** 2 / 2),
    Row("gan_critic_least_squares(real, fake)", lambda real, fake: ((real - 1) ** 2 + fake**2) / 2),
    Row(
        "gradient_penalty(slopes)",
        lambda slopes: (np.linalg.norm(each(slopes), axis=1) - 1) ** 2,
        extremes=SMALL,
    ),
    Row("vq_commit(z, codes, beta=0.5)", vq_commit, moving=vq_commit),
    Row("ddpm(out, tgt)", ddpm),
    Row("ddpm(out, tgt, snr, gamma=1.5)", min_snr(lambda snr: snr)),
    Row('ddpm(out, tgt, snr, predict="data", gamma=1.5)', min_snr(lambda snr: 1)),
    Row('ddpm(out, tgt, snr, predict="velocity", gamma=1.5)', min_snr(lambda snr: snr + 1)),
    Row(
        "flow_matching(out, noise, data)",
        lambda out, noise, data: (out - data + noise) ** 2,
        extremes=SMALL,
    ),
    Row(
        "flow_matching(out, noise, data, sigma_min=0.25)",
        lambda out, noise, data: (out - data + 0.75 * noise) ** 2,
        extremes=SMALL,
    ),
    Row("reconstruction_bernoulli(z, x)", bernoulli),
    Row("reconstruction_gaussian(out, x, sigma=0.5)", gaussian),
    Row("free_bits(kl, bits=0.2)", lambda kl: np.maximum(kl.mean(0), 0.2)),
    Row(
        "iwae(log_w)",
        lambda log_w: np.log(log_w.shape[-1]) - special.logsumexp(log_w, axis=-1),
    ),
]
