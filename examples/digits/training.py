"""One training run: data, optimizer, jitted step, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from network import COLUMNS, ROWS, Network, Params, groups
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossdsl


@dataclass(frozen=True)
class Training:
    """The optimizer's settings; `tau_rate` is the learning rate of the time constants."""

    epochs: int
    batch: int
    rate: float
    tau_rate: float


@dataclass(frozen=True)
class Term:
    """One term of the loss over the test set."""

    raw: float
    weight: float
    weighted: float


@dataclass(frozen=True)
class Run:
    """What one seed leaves behind.

    `history` holds all that the loss reports and `shortest` the shortest `tau`, step by step;
    `start` is `tau` before training; `terms`, `accuracy` and `confusion` are over the test set.
    """

    seed: int
    history: Mapping[str, np.ndarray]
    shortest: np.ndarray
    start: np.ndarray
    params: Params
    terms: Mapping[str, Term]
    accuracy: float
    confusion: np.ndarray

    @property
    def tau(self) -> np.ndarray:
        """The time constants after training, in seconds."""
        return np.asarray(self.params["recurrent"]["tau"])

    @property
    def broke_at(self) -> int | None:
        """The first step whose `tau` is NaN, if there is one."""
        broken = np.flatnonzero(np.isnan(self.shortest))
        return int(broken[0]) if broken.size else None


def digits(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return images and labels to train on, then to test on: a fifth, drawn anew for each seed."""
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 8).reshape(-1, ROWS, COLUMNS).astype(np.float32)
    train, test, train_labels, test_labels = train_test_split(
        images, labels.astype(np.int32), test_size=0.2, random_state=seed, stratify=labels
    )
    return train, train_labels, test, test_labels


def train(
    loss: lossdsl.CompiledLoss,
    network: Network,
    training: Training,
    seed: int,
    track: Callable[[Sequence[np.ndarray]], Iterable[np.ndarray]],
) -> Run:
    """Train one seed; the batches pass through `track`, which may show how far it got."""
    images, labels, test_images, test_labels = digits(seed)
    params = network.initialize(jax.random.key(seed))
    start = np.asarray(params["recurrent"]["tau"])
    chosen = batches(len(images), training, seed)
    optimizer = optax.multi_transform(
        {
            "weights": optax.adam(optax.cosine_decay_schedule(training.rate, len(chosen))),
            "tau": optax.adam(training.tau_rate),
        },
        groups,
    )
    objective = loss.objective(
        lambda params, images, labels: {
            "scores": network.scores(params, images),
            "digit": labels,
            "params": params,
        }
    )

    @jax.jit
    def update(params: Params, state: optax.OptState, images: jax.Array, labels: jax.Array):
        gradient = jax.value_and_grad(objective, has_aux=True)
        (_, terms), slope = gradient(params, images, labels)
        change, state = optimizer.update(slope, state, params)
        params = optax.apply_updates(params, change)
        return params, state, (terms, jnp.min(params["recurrent"]["tau"]))

    state = optimizer.init(params)
    records = []
    for batch in track(chosen):
        params, state, record = update(params, state, images[batch], labels[batch])
        records.append(record)

    flat = [terms.flat() for terms, _ in records]
    scores = network.scores(params, test_images)
    _, terms = loss.with_terms(scores=scores, digit=test_labels, params=params)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (test_labels, np.argmax(scores, axis=-1)), 1)
    return Run(
        seed=seed,
        history={name: np.array([record[name] for record in flat]) for name in flat[0]},
        shortest=np.array([shortest for _, shortest in records]),
        start=start,
        params=params,
        terms={
            name: Term(float(raw), float(terms.weight[name]), float(terms.weighted[name]))
            for name, raw in terms.raw.items()
        },
        accuracy=float(terms.metrics["accuracy"]),
        confusion=confusion,
    )


def batches(examples: int, training: Training, seed: int) -> list[np.ndarray]:
    """Return the examples of every batch, shuffled anew in each epoch."""
    shuffle = np.random.default_rng(seed)
    whole = examples // training.batch * training.batch
    orders = [shuffle.permutation(examples)[:whole] for _ in range(training.epochs)]
    return list(np.concatenate(orders).reshape(-1, training.batch))
