"""One training run: data, jitted epochs, and how the rule's gradients compare on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from network import CLASSES, Params, initialize
from rules import Learner
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

Batch = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Training:
    """The optimizer's settings."""

    epochs: int
    batch: int
    rate: float


@dataclass(frozen=True)
class Alignment:
    """A rule's gradient against backpropagation's at the same parameters, layer by layer."""

    cosine: np.ndarray
    norm: np.ndarray


@dataclass(frozen=True)
class Run:
    """What a rule leaves behind for one seed.

    `accuracy` is that of the test set after each epoch, `residual` the median of the last epoch's
    batches. The alignments are over all images to train on, before training and after half of the
    epochs. `seconds` are those of training, compilation included where it was the first.
    """

    accuracy: np.ndarray
    residual: float
    start: Alignment
    halfway: Alignment
    seconds: float


def digits(seed: int) -> tuple[Batch, Batch]:
    """Return images and labels to train on, then to test on: a fifth, drawn anew for each seed."""
    pixels, labels = load_digits(return_X_y=True)
    train, test, known, asked = train_test_split(
        (pixels / 16).astype(np.float32), labels, test_size=0.2, random_state=seed, stratify=labels
    )
    mean, one_hot = train.mean(axis=0), np.eye(CLASSES, dtype=np.float32)
    return {"x": train - mean, "digit": one_hot[known]}, {"x": test - mean, "digit": one_hot[asked]}


def trainer(learner: Learner, units: tuple[int, ...], training: Training) -> Callable[[int], Run]:
    """Return what trains a seed with one rule."""
    examples = len(digits(0)[0]["x"])
    steps = training.epochs * (examples // training.batch)
    optimizer = optax.adam(optax.cosine_decay_schedule(training.rate, steps))

    @jax.jit
    def train(params: Params, state: Any, data: Batch, test: Batch, orders: Any, keys: Any) -> Any:
        def step(carried: Any, drawn: Any) -> Any:
            (params, state), (order, key) = carried, drawn
            batch = {name: jnp.asarray(values)[order] for name, values in data.items()}
            result = learner.grads(params, batch, key)
            change, state = optimizer.update(result.grads, state)
            return (optax.apply_updates(params, change), state), result.residual

        def epoch(carried: Any, drawn: Any) -> Any:
            carried, residuals = jax.lax.scan(step, carried, drawn)
            tested = learner.evaluate(carried[0], test)[1].metrics["accuracy"]
            return carried, (tested, jnp.median(residuals))

        return jax.lax.scan(epoch, (params, state), (orders, keys))

    @jax.jit
    def compare(params: Params, data: Batch, key: jax.Array) -> tuple[Any, Any]:
        # Through the settling, if there is one.
        expected = jax.grad(lambda params: learner.evaluate(params, data)[0])(params)
        found = learner.grads(params, data, key).grads
        layers = [
            (ravel_pytree(a)[0], ravel_pytree(b)[0]) for a, b in zip(found, expected, strict=True)
        ]
        sizes = [(jnp.linalg.norm(a), jnp.linalg.norm(b)) for a, b in layers]
        cosines = [a @ b / (m * n) for (a, b), (m, n) in zip(layers, sizes, strict=True)]
        return jnp.stack(cosines), jnp.stack([m / n for m, n in sizes])

    def run(seed: int) -> Run:
        data, test = digits(seed)
        params = initialize(units, jax.random.key(seed))
        state, orders = optimizer.init(params), batches(examples, training, seed)
        keys = jax.random.split(jax.random.key(seed), orders.shape[:2])
        aligned, accuracy, residual, seconds = [], [], [], 0.0
        # Both halves are compiled once where they are equally long.
        for half, key in zip(np.array_split(np.arange(training.epochs), 2), keys[0], strict=False):
            aligned.append(Alignment(*map(np.asarray, compare(params, data, key))))
            begun = time.perf_counter()
            (params, state), seen = jax.block_until_ready(
                train(params, state, data, test, orders[half], keys[half])
            )
            seconds += time.perf_counter() - begun
            accuracy, residual = [*accuracy, *np.asarray(seen[0])], seen[1][-1]
        return Run(np.array(accuracy), float(residual), *aligned, seconds)

    return run


def batches(examples: int, training: Training, seed: int) -> np.ndarray:
    """Return the examples of each epoch's batches, `[epochs, batches, batch]`."""
    shuffle = np.random.default_rng(seed)
    count = examples // training.batch
    orders = [shuffle.permutation(examples) for _ in range(training.epochs)]
    return np.stack(orders)[:, : count * training.batch].reshape(-1, count, training.batch)
