"""A chain of predictions: layers in one direction, beliefs between them, and the errors of both.

From a clamped `start`, each layer predicts the next belief out of the one before; the error of a
prediction is the prediction less the belief. What the last layer predicts meets the `end`, which
gives an energy and the derivative by the prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.descent import norm, ratio, squares
from lossdsl.learning.layers import Layer, apply, shown


class End(Protocol):
    """What the last prediction of a chain meets."""

    def __call__(self, prediction: Any) -> tuple[Any, Any]:
        """Return the energy of a prediction, and the derivative by it."""
        ...

    def direct(self, prediction: Any) -> Any:
        """Return the derivative of that energy by all parameters, at a fixed prediction."""
        ...


class Errors(NamedTuple):
    """The errors of the predictions of a chain, and the energy of its end."""

    each: list[Any]
    end: Any

    @property
    def energy(self) -> Any:
        """The energy of the end and of the beliefs together."""
        return self.end + squares(self.each[:-1]) / 2


class State(NamedTuple):
    """A chain at given beliefs: its errors, the derivative of the energy by each belief, and how
    an error at the output of a layer acts on the belief below."""

    errors: Errors
    slope: list[Any]
    pulls: list[Any]

    def residuals(self, slope: Sequence[Any] | None = None) -> list[Any]:
        """Return for each layer how far its error is from what the output's error makes of it.

        That is the error that the layer has where all beliefs are at rest and that of the output
        is as it stands. A `slope` other than that of the chain is of an energy that it is part of.
        """
        apart = deviations(self.slope if slope is None else slope, self.pulls)
        rest = [error - by for error, by in zip(self.errors.each, apart, strict=False)]
        hidden = [ratio(norm(by), norm(error)) for by, error in zip(apart, rest, strict=True)]
        return [*hidden, jnp.zeros((), jnp.float32)]


@dataclass(frozen=True)
class Chain:
    """Layers by the names that messages give them, their parameters, a clamped start, an end."""

    layers: Mapping[str, Layer]
    params: Sequence[Any]
    start: Any
    end: End

    def state(self, beliefs: Sequence[Any]) -> State:
        """Return the errors at given beliefs, and what they make of the energy."""
        predicted, pulls = predictions(self.layers, self.params, [self.start, *beliefs])
        for name, prediction, belief in zip(self.layers, predicted, beliefs, strict=False):
            if prediction.shape != belief.shape:
                message = (
                    f"{name} predicts {shown(prediction)}; what it predicts is {shown(belief)}"
                )
                raise LossError([at("LD901", message, None)])
        errors = [
            prediction - belief for prediction, belief in zip(predicted, beliefs, strict=False)
        ]
        energy, last = self.end(predicted[-1])
        errors.append(last)
        return State(Errors(errors, energy), slopes(errors, pulls), pulls)

    def gradients(self, beliefs: Sequence[Any], errors: Errors) -> list[Any]:
        """Return the derivative of the energy by the parameters of each layer, at given errors."""
        layers = list(self.layers.values())
        return local_gradients(layers, self.params, [self.start, *beliefs], errors.each)

    def direct(self, beliefs: Sequence[Any]) -> Any:
        """Return the derivative of the end by all parameters, at what the last layer predicts."""
        name, last = list(self.layers.items())[-1]
        return self.end.direct(apply(name, last, self.params[-1], [self.start, *beliefs][-1]))


def predictions(
    layers: Mapping[str, Layer], params: Sequence[Any], inputs: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Return what layers make of their inputs, and of all but the first the pullback to these.

    The first input is clamped, and may be of integers.
    """
    rows = list(zip(layers, layers.values(), params, inputs, strict=True))
    predicted, pulls = [apply(*rows[0])], list[Any]()
    for name, layer, own, value in rows[1:]:
        prediction, pull = jax.vjp(lambda x, f=layer, p=own, n=name: apply(n, f, p, x), value)
        predicted.append(prediction)
        pulls.append(pull)
    return predicted, pulls


def slopes(errors: Sequence[Any], pulls: Sequence[Any]) -> list[Any]:
    """Return the derivative of `sum |error|^2 / 2` by each belief between the layers."""
    after = [pull(error)[0] for pull, error in zip(pulls, errors[1:], strict=True)]
    return [pulled - error for pulled, error in zip(after, errors, strict=False)]


def deviations(slope: Sequence[Any], pulls: Sequence[Any]) -> list[Any]:
    """Return how far each error below the output is from rest, given what is left of the slope.

    An error `e_l` is at rest where it is what that above pulls down, `e_l = J e_{l+1}`; what is
    left of one slope is pulled down further, so that small remainders add up over layers.
    """
    apart = list[Any]()
    for left, pull in reversed(list(zip(slope, pulls, strict=True))):
        apart.insert(0, pull(apart[0])[0] - left if apart else -left)
    return apart


def local_gradients(
    layers: Sequence[Layer], params: Sequence[Any], inputs: Sequence[Any], errors: Sequence[Any]
) -> list[Any]:
    """Return for each layer how the error of its output changes with its own parameters."""
    return [
        jax.vjp(lambda own, f=layer, x=value: f(own, x), own)[1](error)[0]
        for layer, own, value, error in zip(layers, params, inputs, errors, strict=True)
    ]


def plus(a: Any, b: Any) -> Any:
    """Return the sum of two trees."""
    return jax.tree.map(jnp.add, a, b)


def like(params: Any, gradients: Sequence[Any]) -> Any:
    """Return gradients of the layers in the container that the parameters are in."""
    return jax.tree.unflatten(jax.tree.structure(params), jax.tree.leaves(list(gradients)))
