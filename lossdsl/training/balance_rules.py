"""How the weights of terms move: what each rule keeps, and what it makes of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lossdsl.training.term_gradients import unit

Numbers = Mapping[str, jax.Array]
Kept = Mapping[str, Any]

# A weight below this share of the mean weight would not be moved back by its own gradient.
LEAST = 1e-3

# A ratio of losses that is still far from the end of f32.
LARGEST = 1e30


@dataclass(frozen=True, slots=True)
class Measured:
    """What each term is worth at a step, f32[], and its derivatives by the trained leaves."""

    values: Numbers
    slopes: Mapping[str, Sequence[jax.Array]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule under its name and version: what it keeps at first, after a step, and the weights."""

    key: str
    start: Callable[[Measured], Kept]
    step: Callable[[Kept, Measured], Kept]
    weights: Callable[[Kept], Numbers]
    reads_gradients: bool = False


def uncertainty(optimizer: optax.GradientTransformation) -> Rule:
    """Return the rule of learned variances: `s` falls along the slope of `exp(-s)*L + s`."""

    def start(measured: Measured) -> Kept:
        logs = {name: jnp.zeros_like(value) for name, value in measured.values.items()}
        return {"log_variance": logs, "optimizer": _packed(optimizer.init(logs))}

    def step(kept: Kept, measured: Measured) -> Kept:
        logs = kept["log_variance"]
        slopes = {name: 1 - jnp.exp(-s) * measured.values[name] for name, s in logs.items()}
        moved, state = _moved(optimizer, slopes, logs, kept["optimizer"])
        return {"log_variance": moved, "optimizer": state}

    def weights(kept: Kept) -> Numbers:
        return {name: jnp.exp(-s) for name, s in kept["log_variance"].items()}

    return Rule("uncertainty 1", start, step, weights)


def gradnorm(alpha: float, optimizer: optax.GradientTransformation) -> Rule:
    """Return the rule of gradients of one length."""

    def start(measured: Measured) -> Kept:
        weights = _ones(measured)
        return {
            "weight": weights,
            "initial": dict(measured.values),
            "optimizer": _packed(optimizer.init(weights)),
        }

    def step(kept: Kept, measured: Measured) -> Kept:
        weights = kept["weight"]
        lengths = {name: unit(measured.slopes[name])[1] for name in weights}
        ratios = {name: _ratio(measured.values[name], kept["initial"][name]) for name in weights}
        mean_ratio = _mean(ratios)
        mean = _mean({name: weights[name] * lengths[name] for name in weights})
        slopes = {
            name: jnp.sign(
                weights[name] * lengths[name] - mean * (ratios[name] / mean_ratio) ** alpha
            )
            * lengths[name]
            for name in weights
        }
        moved, state = _moved(optimizer, slopes, weights, kept["optimizer"])
        positive = {name: jnp.maximum(weight, LEAST) for name, weight in moved.items()}
        total = _mean(positive)
        scaled = {name: weight / total for name, weight in positive.items()}
        return {"weight": scaled, "initial": kept["initial"], "optimizer": state}

    return Rule("gradnorm 1", start, step, lambda kept: kept["weight"], reads_gradients=True)


def relobralo(alpha: float, temperature: float, lookback: float, seed: int) -> Rule:
    """Return the rule of relative losses, with looks back at random."""

    def start(measured: Measured) -> Kept:
        values = dict(measured.values)
        key = jax.random.key_data(jax.random.key(seed))
        return {"weight": _ones(measured), "previous": values, "initial": values, "key": key}

    def step(kept: Kept, measured: Measured) -> Kept:
        values = measured.values
        key, drawn = jax.random.split(jax.random.wrap_key_data(kept["key"]))
        keeps = jax.random.bernoulli(drawn, lookback)
        since_last = _softmax(values, kept["previous"], temperature)
        since_first = _softmax(values, kept["initial"], temperature)
        weights = {
            name: alpha * jnp.where(keeps, weight, since_first[name])
            + (1 - alpha) * since_last[name]
            for name, weight in kept["weight"].items()
        }
        return {
            "weight": weights,
            "previous": dict(values),
            "initial": kept["initial"],
            "key": jax.random.key_data(key),
        }

    return Rule("relobralo 1", start, step, lambda kept: kept["weight"])


def annealing(reference: str, momentum: float) -> Rule:
    """Return the rule of derivatives of one size.

    The mean is of magnitudes: derivatives of both signs would cancel.
    """

    def start(measured: Measured) -> Kept:
        return {"weight": _ones(measured)}

    def step(kept: Kept, measured: Measured) -> Kept:
        largest = jnp.max(jnp.stack([jnp.max(jnp.abs(g)) for g in measured.slopes[reference]]))
        weights = {
            name: momentum * weight
            + (1 - momentum) * _ratio(largest, _mean_magnitude(measured.slopes[name]))
            for name, weight in kept["weight"].items()
        }
        return {"weight": {**weights, reference: kept["weight"][reference]}}

    return Rule("annealing 1", start, step, lambda kept: kept["weight"], reads_gradients=True)


def _ones(measured: Measured) -> dict[str, jax.Array]:
    return {name: jnp.ones_like(value) for name, value in measured.values.items()}


def _mean(numbers: Numbers) -> jax.Array:
    return jnp.mean(jnp.stack([*numbers.values()]))


def _mean_magnitude(leaves: Sequence[jax.Array]) -> jax.Array:
    total = sum(jnp.sum(jnp.abs(leaf)) for leaf in leaves)
    return jnp.asarray(total / max(sum(leaf.size for leaf in leaves), 1))


def _ratio(value: jax.Array, before: jax.Array) -> jax.Array:
    """Return how large a number is beside another one, finite: of two that are 0 it is 1."""
    both_zero = (value == 0) & (before == 0)
    ratio = jnp.where(both_zero, 1, value / jnp.where(both_zero, 1, before))
    return jnp.clip(ratio, -LARGEST, LARGEST)


def _softmax(values: Numbers, before: Numbers, temperature: float) -> Numbers:
    ratios = [_ratio(value, before[name]) / temperature for name, value in values.items()]
    shares = jax.nn.softmax(jnp.stack(ratios)) * len(ratios)
    return dict(zip(values, shares, strict=True))


def _moved(
    optimizer: optax.GradientTransformation, slopes: Numbers, numbers: Numbers, packed: Any
) -> tuple[Any, Any]:
    """Return numbers after a step of an optimizer, and its state."""
    shape = jax.tree.structure(jax.eval_shape(optimizer.init, numbers))
    state = jax.tree.unflatten(shape, list(packed))
    updates, state = optimizer.update(dict(slopes), state, dict(numbers))
    return optax.apply_updates(dict(numbers), updates), _packed(state)


def _packed(state: Any) -> tuple[Any, ...]:
    """Return the state of an optimizer as a checkpoint of any kind brings it back."""
    return tuple(jax.tree.leaves(state))
