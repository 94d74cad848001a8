"""Texts that fail at extremes, as they are written in JAX and PyTensor too, with what is true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.nn
import jax.numpy as jnp
from mpmath import mp, mpf

DIGITS = 300
Numbers = Sequence[Any]


@dataclass(frozen=True)
class Probe:
    """A text of `x`, f32[N], at which it fails when computed as it is written.

    `truth` is what it is worth in exact arithmetic. A `kink` has no derivative, or an infinite one:
    the gradient only has to be finite. The same is written with functions of NumPy's names, `np`,
    and with `of` for the others: the softmax and the sigmoid.
    """

    text: str
    at: Numbers
    truth: Callable[[Numbers], Any]
    written: Callable[[Any, Any, Any], Any]
    kink: bool = False


def mean(numbers: Numbers) -> Any:
    """Return the mean of some numbers of arbitrary precision."""
    return mp.fsum(numbers) / len(numbers)


def log_sum_exp(numbers: Numbers) -> Any:
    """Return the logarithm of a sum of exponentials."""
    return mp.log(mp.fsum(map(mp.exp, numbers)))


def log_sigmoid(x: Any) -> Any:
    """Return the logarithm of the sigmoid."""
    return -mp.log1p(mp.exp(-x))


def xlogx(x: Any) -> Any:
    """Return x log x with its limit at 0."""
    return mpf(0) if x == 0 else x * mp.log(x)


PROBES = (
    Probe(
        "mean(log(softmax(x)))",
        (0.0, 200.0, 1.0),
        lambda x: mean([each - log_sum_exp(x) for each in x]),
        lambda np, of, x: np.mean(np.log(of.softmax(x))),
    ),
    Probe(
        "log(sum(exp(x)))",
        (100.0, 99.0, 0.0),
        log_sum_exp,
        lambda np, of, x: np.log(np.sum(np.exp(x))),
    ),
    Probe(
        "log(mean(exp(x)))",
        (100.0, 99.0, 0.0),
        lambda x: log_sum_exp(x) - mp.log(len(x)),
        lambda np, of, x: np.log(np.mean(np.exp(x))),
    ),
    Probe(
        "mean(log(sigmoid(x)))",
        (-100.0, 0.0, 30.0),
        lambda x: mean([log_sigmoid(each) for each in x]),
        lambda np, of, x: np.mean(np.log(of.sigmoid(x))),
    ),
    Probe(
        "mean(log(1 - sigmoid(x)))",
        (20.0, 0.0, -30.0),
        lambda x: mean([log_sigmoid(-each) for each in x]),
        lambda np, of, x: np.mean(np.log(1 - of.sigmoid(x))),
    ),
    Probe(
        "mean(log(1 + exp(x)))",
        (100.0, 0.0, -30.0),
        lambda x: mean([-log_sigmoid(-each) for each in x]),
        lambda np, of, x: np.mean(np.log(1 + np.exp(x))),
    ),
    Probe(
        "mean(log(1 + x))",
        (1e-9, -2e-9, 4e-9),
        lambda x: mean([mp.log1p(each) for each in x]),
        lambda np, of, x: np.mean(np.log(1 + x)),
    ),
    Probe(
        "mean(exp(x) - 1)",
        (1e-9, -2e-9, 4e-9),
        lambda x: mean([mp.expm1(each) for each in x]),
        lambda np, of, x: np.mean(np.exp(x) - 1),
    ),
    Probe(
        "mean(log((exp(x) + exp(-x))/2))",
        (100.0, -200.0, 1.0),
        lambda x: mean([mp.log(mp.cosh(each)) for each in x]),
        lambda np, of, x: np.mean(np.log((np.exp(x) + np.exp(-x)) / 2)),
    ),
    Probe(
        "sqrt(sum(square(x)))",
        (0.0, 0.0, 0.0),
        lambda x: mp.sqrt(mp.fsum(each**2 for each in x)),
        lambda np, of, x: np.sqrt(np.sum(np.square(x))),
        kink=True,
    ),
    Probe(
        "sqrt(mean(square(x)))",
        (0.0, 0.0, 0.0),
        lambda x: mp.sqrt(mean([each**2 for each in x])),
        lambda np, of, x: np.sqrt(np.mean(np.square(x))),
        kink=True,
    ),
    Probe(
        "mean(x/norm(x))",
        (0.0, 0.0, 0.0),
        lambda x: mpf(0),
        lambda np, of, x: np.mean(x / np.sqrt(np.sum(np.square(x)))),
        kink=True,
    ),
    Probe(
        "sum(x*log(x))",
        (0.0, 0.5, 1.0),
        lambda x: mp.fsum(map(xlogx, x)),
        lambda np, of, x: np.sum(x * np.log(x)),
        kink=True,
    ),
    Probe(
        "sum(xlogy(x, x))",
        (0.0, 0.5, 1.0),
        lambda x: mp.fsum(map(xlogx, x)),
        lambda np, of, x: np.sum(of.xlogy(x, x)),
        kink=True,
    ),
    Probe(
        "mean(square(x)) - square(mean(x))",
        (10000.0, 10001.0, 9999.0),
        lambda x: mean([(each - mean(x)) ** 2 for each in x]),
        lambda np, of, x: np.mean(np.square(x)) - np.square(np.mean(x)),
    ),
    Probe(
        "mean(log(1 - tanh(x)**2))",
        (12.0, -15.0, 0.5),
        lambda x: mean([-2 * mp.log(mp.cosh(each)) for each in x]),
        lambda np, of, x: np.mean(np.log(1 - np.tanh(x) ** 2)),
    ),
    Probe(
        "mean(where(x > 0, log(x), 0))",
        (0.0, 0.5, 2.0),
        lambda x: mean([mp.log(each) if each > 0 else mpf(0) for each in x]),
        lambda np, of, x: np.mean(np.where(x > 0, np.log(x), 0)),
        kink=True,
    ),
)


class JaxFunctions:
    """What NumPy has no name for, in JAX."""

    softmax = staticmethod(jax.nn.softmax)
    sigmoid = staticmethod(jax.nn.sigmoid)
    xlogy = staticmethod(lambda x, y: x * jnp.log(jnp.where(x == 0, 1.0, y)))


def truth(probe: Probe) -> tuple[float, list[float] | None]:
    """Return the value of a probe, and its gradient where it has one, of many digits rounded."""
    with mp.workdps(DIGITS):
        x = [mpf(float(jnp.float32(number))) for number in probe.at]
        value = float(probe.truth(x))
        if probe.kink:
            return value, None
        step = mpf(10) ** (-DIGITS // 3)
        slopes: list[float] = []
        for at in range(len(x)):
            ends = [[*x[:at], x[at] + by, *x[at + 1 :]] for by in (step, -step)]
            above, below = map(probe.truth, ends)
            slopes.append(float((above - below) / (2 * step)))
        return value, slopes


def verdict(probe: Probe, value: Any, gradient: Any) -> str:
    """Say what is wrong with a value and gradient in f32: `right`, or what is not."""
    true, slopes = truth(probe)
    wrong: list[str] = []
    if not abs(float(value) - true) <= 2e-5 * max(abs(true), 1e-30):
        wrong.append(f"value {float(value):.6g} for {true:.6g}")
    finite = all(abs(float(slope)) < float("inf") for slope in gradient)
    if not finite:
        wrong.append("gradient " + ("nan" if any(s != s for s in gradient) else "inf"))
    elif slopes is not None and not all(
        abs(float(mine) - theirs) <= 2e-5 * abs(theirs) + 1e-6
        for mine, theirs in zip(gradient, slopes, strict=True)
    ):
        wrong.append("gradient wrong")
    return "right" if not wrong else ", ".join(wrong)
