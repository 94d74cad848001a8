"""One training run: data, optimizer, jitted step, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import optax
from network import Network, Params, groups
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossdsl

Track = Callable[[Sequence[np.ndarray]], Iterable[np.ndarray]]


@dataclass(frozen=True)
class Training:
    """The optimizer's settings; `tau_rate` is the learning rate of the time constants."""

    epochs: int
    batch: int
    rate: float
    tau_rate: float


@dataclass(frozen=True)
class Run:
    """What one seed leaves behind, with the regularizers or without.

    `history` has each weighted term of the loss, `[epochs, batches]`. The rest is over the test
    set: `counts` are the spikes of each hidden layer, `[images, units]`; `spikes` and `trace` are
    those of its first image, which shows a `digit`.
    """

    seed: int
    regularized: bool
    history: Mapping[str, np.ndarray]
    params: Params
    accuracy: float
    counts: Sequence[np.ndarray]
    digit: int
    spikes: Sequence[np.ndarray]
    trace: np.ndarray

    @property
    def tau(self) -> np.ndarray:
        """The time constants of all layers after training, in steps."""
        return np.concatenate([layer["tau"] for layer in self.params])


def digits(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return images and labels to train on, then to test on: a fifth, drawn anew for each seed."""
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32)
    train, test, train_labels, test_labels = train_test_split(
        images, labels.astype(np.int32), test_size=0.2, random_state=seed, stratify=labels
    )
    return train, train_labels, test, test_labels


def trainer(
    loss: lossdsl.CompiledLoss, network: Network, training: Training
) -> Callable[[int, bool, Track], Run]:
    """Return what trains a seed, with the regularizers or without: one compiled step for all."""
    examples = len(digits(0)[0])
    rate = optax.cosine_decay_schedule(
        training.rate, training.epochs * (examples // training.batch)
    )
    optimizer = optax.multi_transform(
        {"weights": optax.adam(rate), "tau": optax.adam(training.tau_rate)}, groups
    )

    def inputs(params: Params, images: Any, digit: Any, strict: Any) -> Any:
        hidden, traces = network.respond(params, images)
        return {
            "traces": traces,
            "digit": digit,
            "hidden": hidden,
            "params": params,
            "strict": strict,
        }

    objective, respond = loss.objective(inputs), jax.jit(network.respond)

    @jax.jit
    def update(params: Params, state: Any, *batch: Any) -> Any:
        (_, terms), slope = jax.value_and_grad(objective, has_aux=True)(params, *batch)
        change, state = optimizer.update(slope, state, params)
        return optax.apply_updates(params, change), state, terms

    def train(seed: int, regularized: bool, track: Track) -> Run:
        images, labels, test_images, test_labels = digits(seed)
        strict = float(regularized)
        params = network.initialize(jax.random.key(seed))
        state, records = optimizer.init(params), []
        for batch in track(batches(examples, training, seed)):
            params, state, terms = update(params, state, images[batch], labels[batch], strict)
            records.append(terms)

        hidden, traces = respond(params, test_images)
        _, terms = loss.with_terms(
            traces=traces, digit=test_labels, hidden=hidden, params=params, strict=strict
        )
        history = {
            name: np.array([record.weighted[name] for record in records]) for name in terms.weighted
        }
        return Run(
            seed=seed,
            regularized=regularized,
            history={name: values.reshape(training.epochs, -1) for name, values in history.items()},
            params=params,
            accuracy=float(terms.metrics["accuracy"]),
            counts=[np.asarray(layer.sum(axis=1)) for layer in hidden],
            digit=int(test_labels[0]),
            spikes=[np.asarray(layer[0]) for layer in hidden],
            trace=np.asarray(traces[0]),
        )

    return train


def batches(examples: int, training: Training, seed: int) -> list[np.ndarray]:
    """Return the examples of every batch, shuffled anew in each epoch."""
    shuffle = np.random.default_rng(seed)
    whole = examples // training.batch * training.batch
    orders = [shuffle.permutation(examples)[:whole] for _ in range(training.epochs)]
    return list(np.concatenate(orders).reshape(-1, training.batch))
