"""Energies of networks that settle: functions of layers, parameters and the state of all units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.layers import Layer, apply, is_array, named, shown
from lossdsl.learning.rule_settings import described, refuse

Activation = Callable[[Any], Any]


class Energy(Protocol):
    """An energy of the units `[x, u_1, ..., u_L]`, summed over the batch; hashable."""

    @property
    def rests_forward(self) -> bool:
        """Whether a feed-forward pass is at rest, with an energy that no parameter changes."""
        ...

    def forward(self, layers: Sequence[Layer], params: Sequence[Any], x: Any) -> list[Any]:
        """Return the units of a feed-forward pass."""
        ...

    def total(self, layers: Sequence[Layer], params: Sequence[Any], units: Sequence[Any]) -> Any:
        """Return the energy."""
        ...


def identity(x: Any) -> Any:
    """Return the value itself."""
    return x


@dataclass(frozen=True)
class ConditionalGaussian:
    """The sum over layers of `|u_{l+1} - f_l(phi(u_l))|^2`, as predictive coding has it.

    `phi` is one function for all units, or one for each of the input and the layers' outputs.
    Bogacz 2017, doi:10.1016/j.jmp.2015.11.003.
    """

    phi: Activation | tuple[Activation, ...] = identity
    rests_forward: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        """Raise LD904 for an activation that is no function."""
        _hold(self.phi)

    def forward(self, layers: Sequence[Layer], params: Sequence[Any], x: Any) -> list[Any]:
        """Return the units of a feed-forward pass."""
        return _forward(layers, params, _each(self.phi, layers), x)

    def total(self, layers: Sequence[Layer], params: Sequence[Any], units: Sequence[Any]) -> Any:
        """Return the energy."""
        total: Any = 0.0
        own = named(layers)
        rows = zip(own, layers, params, _each(self.phi, layers), units, units[1:], strict=False)
        for name, layer, own, phi, below, above in rows:
            total += jnp.sum(jnp.square(above - apply(name, layer, own, phi(below))))
        return total


@dataclass(frozen=True)
class Hopfield:
    """`sum_l |u_l|^2/2 - sum_l phi(u_{l+1}) . f_l(phi(u_l))`, with linear layers `f_l`.

    `phi` is one function for all units, or one for each of the input and the layers' outputs; one
    that saturates keeps the energy bounded below. Hopfield 1984, doi:10.1073/pnas.81.10.3088, in
    layers as Scellier and Bengio 2017 use it.
    """

    phi: Activation | tuple[Activation, ...] = jax.nn.sigmoid
    rests_forward: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Raise LD904 for an activation that is no function."""
        _hold(self.phi)

    def forward(self, layers: Sequence[Layer], params: Sequence[Any], x: Any) -> list[Any]:
        """Return the units of a feed-forward pass; LD902 for an input that is no array."""
        if not is_array(x):
            message = f"a Hopfield network reads one array of rates; the input is {shown(x)}"
            raise LossError([at("LD902", message, None)])
        return _forward(layers, params, _each(self.phi, layers), x)

    def total(self, layers: Sequence[Layer], params: Sequence[Any], units: Sequence[Any]) -> Any:
        """Return the energy."""
        phis = _each(self.phi, layers)
        rates = [phi(unit) for phi, unit in zip(phis, units, strict=True)]
        total: Any = sum(jnp.sum(jnp.square(unit)) for unit in units) / 2
        rows = zip(named(layers), layers, params, rates, rates[1:], strict=False)
        for name, layer, own, below, above in rows:
            total -= jnp.sum(above * apply(name, layer, own, below))
        return total


def _hold(phi: Any) -> None:
    for function in phi if isinstance(phi, tuple) else (phi,):
        if not callable(function):
            help = "a function such as `jnp.tanh`, or a tuple of functions"
            raise refuse(f"`phi` is {described(function)}; it is a function", help)


def _forward(
    layers: Sequence[Layer], params: Sequence[Any], phis: Sequence[Activation], x: Any
) -> list[Any]:
    units = [x]
    for (name, layer), own, phi in zip(named(layers).items(), params, phis, strict=False):
        units.append(apply(name, layer, own, phi(units[-1])))
    return units


def _each(
    phi: Activation | tuple[Activation, ...], layers: Sequence[Layer]
) -> tuple[Activation, ...]:
    """Return one activation for each of the input and the outputs of the layers."""
    if not isinstance(phi, tuple):
        return (phi,) * (len(layers) + 1)
    if len(phi) != len(layers) + 1:
        message = f"{len(phi)} activations `phi` for {len(layers)} layers"
        help = "one for the input and one for the output of each layer"
        raise LossError([at("LD901", message, None, help=help)])
    return phi
