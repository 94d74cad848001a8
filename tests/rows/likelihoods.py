"""Negative logarithms of densities and probabilities, against SciPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special, stats

from rows.row import Row


def mixture(z: Any, mu: Any, var: Any, y: Any) -> Any:
    shares = special.softmax(z, axis=-1)
    parts = stats.norm.logpdf(y[..., None], mu, np.sqrt(var))
    return -special.logsumexp(parts, b=shares, axis=-1)


def mixture_of_vectors(z: Any, mu: Any, var: Any, y: Any) -> Any:
    found = np.empty(y.shape[:-1])
    for at in np.ndindex(found.shape):
        parts = [
            stats.multivariate_normal.logpdf(y[at], mean, np.diag(spread))
            for mean, spread in zip(mu[at], var[at], strict=True)
        ]
        found[at] = -special.logsumexp(special.log_softmax(z[at]) + np.array(parts))
    return found


def vectors(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Two dims for each component of a mixture."""
    shape = drawn["z"].shape
    return {
        "mu": random.normal(size=(*shape, 2)),
        "var": random.uniform(0.5, 2.0, (*shape, 2)),
        "y": random.normal(size=(*shape[:-1], 2)),
    }


def counts(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {"y": random.poisson(3.0, drawn["y"].shape).astype(float)}


def each(*names: str) -> Any:
    """Give every element its own value of parameters that may also be one number."""

    def given(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
        return {name: random.uniform(0.5, 4.0, drawn["y"].shape) for name in names}

    return given


def poisson(rate: Any, y: Any) -> Any:
    return rate - special.xlogy(y, rate) + special.gammaln(y + 1)


def negative_binomial(mu: Any, r: Any, y: Any) -> Any:
    coefficient = special.gammaln(y + r) - special.gammaln(r) - special.gammaln(y + 1)
    return -(coefficient + special.xlogy(r, r / (r + mu)) + special.xlogy(y, mu / (r + mu)))


def gamma(concentration: Any, rate: Any, y: Any) -> Any:
    return -stats.gamma.logpdf(y, concentration, scale=1 / rate)


# Discrete distributions of SciPy have whole counts only, so that no difference of theirs exists.
ROWS = [
    Row(
        "gaussian_nll(mu, var, y)",
        lambda mu, var, y: -stats.norm.logpdf(y, mu, np.sqrt(var)),
        given=each("var"),
    ),
    Row("gaussian_nll(mu, 0.25, y)", lambda mu, y: -stats.norm.logpdf(y, mu, 0.5)),
    Row(
        "laplace_nll(mu, scale, y)",
        lambda mu, scale, y: -stats.laplace.logpdf(y, mu, scale),
        given=each("scale"),
    ),
    Row("laplace_nll(mu, 0.5, y)", lambda mu, y: -stats.laplace.logpdf(y, mu, 0.5)),
    Row(
        "student_nll(mu, scale, y, df)",
        lambda mu, scale, y, df: -stats.t.logpdf(y, df, mu, scale),
        given=each("scale", "df"),
    ),
    Row("student_nll(mu, 0.5, y, df=3)", lambda mu, y: -stats.t.logpdf(y, 3, mu, 0.5)),
    Row("student_nll(mu, 2.0, y, df=200)", lambda mu, y: -stats.t.logpdf(y, 200, mu, 2.0)),
    Row("student_nll(mu, 1.0, y, df=1e30)", lambda mu, y: -stats.norm.logpdf(y, mu)),
    Row("poisson_nll(rate, y)", poisson),
    Row(
        "poisson_nll(rate, y)",
        lambda rate, y: -stats.poisson.logpmf(y, rate),
        gradient=False,
        given=counts,
    ),
    Row(
        "poisson_nll_log(log_rate, y)",
        lambda log_rate, y: np.exp(log_rate) - y * log_rate + special.gammaln(y + 1),
    ),
    Row("negative_binomial_nll(mu, r, y)", negative_binomial, given=each("r")),
    Row("negative_binomial_nll(mu, 2.5, y)", lambda mu, y: negative_binomial(mu, 2.5, y)),
    Row(
        "negative_binomial_nll(mu, 2.5, y)",
        lambda mu, y: -stats.nbinom.logpmf(y, 2.5, 2.5 / (2.5 + mu)),
        gradient=False,
        given=counts,
    ),
    Row("gamma_nll(concentration, rate, y)", gamma, given=each("concentration")),
    Row("gamma_nll(2.0, rate, y)", lambda rate, y: gamma(2.0, rate, y)),
    Row("beta_nll(a, b, y)", lambda a, b, y: -stats.beta.logpdf(y, a, b)),
    Row("mixture_gaussian_nll(z, mu, var, y)", mixture),
    Row("mixture_gaussian_nll(z, mu, var, y)", mixture_of_vectors, given=vectors),
]
