"""The surrogate gradients of neurai, `neurai.grads.surrogate_grad`, by the laws of `spike(…)`.

Classes have the names, arguments and defaults of neurai's documentation. An instance is called with
the potential less its threshold, and fires from 0 on; with `spiking=False` its value is the
integral of the surrogate, so that both always agree.

>>> import jax, jax.numpy as jnp
>>> sigmoid = Sigmoid(alpha=4.0, spiking=True)
>>> sigmoid(jnp.array([-1, 0, 2])).tolist(), float(jax.grad(sigmoid)(0.0))
([0.0, 1.0, 1.0], 1.0)
"""

from __future__ import annotations

from typing import Any, cast

import jax

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.surrogate import Surrogate, named

__all__ = [
    "Gaussian",
    "MultiGaussian",
    "Polynomial",
    "Rectangular",
    "Sigmoid",
    "SingleExponential",
    "SlayerPdf",
    "SuperSpike",
    "SurrogateFunctionBase",
]


class SurrogateFunctionBase:
    """What the classes have: one of the laws of `lossdsl.learning.surrogate`, as `law`.

    Instances of one class and equal numbers are equal and hash alike.
    """

    law: Surrogate

    def __call__(self, x: Any) -> jax.Array:
        """Return the spikes of an array, in its dtype; integers become floats."""
        return self.law(x)

    def derivative(self, x: Any) -> jax.Array:
        """Return the surrogate itself, which is the derivative at each element."""
        return self.law.derivative(x)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.law == getattr(other, "law", None)

    def __hash__(self) -> int:
        return hash((type(self), self.law))

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.law!r}"


class Gaussian(SurrogateFunctionBase):
    """The normal density of variance `alpha`."""

    def __init__(self, alpha: Any = 1.0):
        self.law = named("gaussian", alpha=alpha)


class MultiGaussian(SurrogateFunctionBase):
    """A normal density of deviation `lens`, less two wider ones beside it, of height `hight`."""

    def __init__(self, lens: Any = 0.5, scale: Any = 6.0, hight: Any = 0.15):
        self.law = named("multi_gaussian", lens=lens, scale=scale, height=hight)


class Polynomial(SurrogateFunctionBase):
    """`sqrt(alpha)/2 - alpha/4*|x|`, 0 where that is negative."""

    def __init__(self, alpha: Any = 1.0, spiking: bool = True):
        self.law = _law("polynomial", spiking, alpha=alpha)


class Rectangular(SurrogateFunctionBase):
    """`1/alpha` where `|x| < alpha/2`, else 0."""

    def __init__(self, alpha: Any = 1.0, spiking: bool = True):
        self.law = _law("rectangular", spiking, alpha=alpha)


class Sigmoid(SurrogateFunctionBase):
    """The derivative of `sigmoid(alpha*x)`."""

    def __init__(self, alpha: Any = 4.0, spiking: bool = True):
        self.law = _law("sigmoid", spiking, alpha=alpha)


class SingleExponential(SurrogateFunctionBase):
    """`grad_scale/grad_width*exp(-|x|/grad_width)`."""

    def __init__(self, grad_width: Any = 0.5, grad_scale: Any = 1.0):
        self.law = named("single_exponential", grad_width=grad_width, grad_scale=grad_scale)


class SlayerPdf(SurrogateFunctionBase):
    """`scale/tau*exp(-|x|/tau)`."""

    def __init__(self, scale: Any = 1, tau: Any = 10.0, spiking: bool = True):
        self.law = _law("slayer_pdf", spiking, scale=scale, tau=tau)


class SuperSpike(SurrogateFunctionBase):
    """`(1 + alpha*|x|)**-2`."""

    def __init__(self, alpha: Any = 1.0):
        self.law = named("superspike", beta=alpha)


def _law(name: str, spiking: bool, **parameters: Any) -> Surrogate:
    if not isinstance(cast("Any", spiking), bool):
        raise LossError([at("LD112", f"`spiking` is True or False; this is {spiking!r}", None)])
    return named(name, smooth=not spiking, **parameters)
