"""Memory and time of large products in chunks against the same loss without and by hand.

    python benchmarks/fusion.py [NAME …]

Value and gradient, compiled and run interleaved in one process. A line gives the temporary bytes
that XLA counts, in chunks, without them (`chunk_bytes=None`) and by hand, and the ratios of the
smallest processor times to the one without and to the one by hand. The bytes are held by
`tests/library/test_memory.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from losses import gradient, seconds, temporary

import lossdsl

ROUNDS = 7
Inputs = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A loss, what it is called with, and the same by hand as most write it."""

    name: str
    text: str
    inputs: Inputs
    by_hand: Callable[..., Any]


def normal(*shape: int, scale: float = 1.0) -> Any:
    """Return random numbers of a shape."""
    return jnp.asarray(np.random.default_rng(len(shape)).normal(size=shape) * scale, jnp.float32)


def labels(classes: int, *shape: int) -> Any:
    """Return random labels of a shape."""
    return jnp.asarray(np.random.default_rng(0).integers(0, classes, shape), jnp.int32)


def tokens(*leading: int) -> Inputs:
    """Return features of tokens, a matrix of a vocabulary, and labels."""
    w = normal(256, 32000, scale=0.05)
    return {"h": normal(*leading, 256), "w": w, "y": labels(32000, *leading)}


def pairs(rows: int) -> Inputs:
    """Return two views of a batch."""
    a = normal(rows, 128)
    return {"a": a, "b": a + normal(rows, 128)[::-1]}


def unit(x: Any) -> Any:
    """Return rows of length 1."""
    return x / jnp.linalg.norm(x, axis=-1, keepdims=True)


entropy = optax.softmax_cross_entropy_with_integer_labels


def smoothed(h: Any, w: Any, y: Any) -> Any:
    """Cross entropy with smoothed labels."""
    targets = optax.smooth_labels(jax.nn.one_hot(y, w.shape[1]), 0.1)
    return optax.softmax_cross_entropy(h @ w, targets).mean()


def info_nce(a: Any, b: Any) -> Any:
    """InfoNCE of two views."""
    scores = unit(a) @ unit(b).T / 0.1
    return entropy(scores, jnp.arange(len(a))).mean()


def clip(a: Any, b: Any) -> Any:
    """InfoNCE in both directions."""
    scores, own = unit(a) @ unit(b).T / 0.07, jnp.arange(len(a))
    return (entropy(scores, own).mean() + entropy(scores.T, own).mean()) / 2


def siglip(a: Any, b: Any) -> Any:
    """Binary cross entropy of all pairs."""
    scores = unit(a) @ unit(b).T / 0.1 - 10
    signs = 2 * jnp.eye(len(a)) - 1
    return -jax.nn.log_sigmoid(signs * scores).sum(axis=1).mean()


def supcon(z: Any, y: Any) -> Any:
    """Supervised contrastive loss."""
    scores, eye = unit(z) @ unit(z).T / 0.1, jnp.eye(len(z), dtype=bool)
    log_p = jax.nn.log_softmax(jnp.where(eye, -jnp.inf, scores), axis=1)
    alike = (y[:, None] == y[None, :]) & ~eye
    total = jnp.where(alike, log_p, 0).sum(axis=1)
    return -(total / jnp.maximum(alike.sum(axis=1), 1)).mean()


ROWS = [
    Row(
        "cross_entropy 4096 x 256 x 32k",
        "cross_entropy(h @ w, y)",
        tokens(4096),
        lambda h, w, y: entropy(h @ w, y).mean(),
    ),
    Row(
        "smoothed, the same",
        "cross_entropy(h @ w, y, smoothing=0.1)",
        tokens(4096),
        smoothed,
    ),
    Row(
        "twice: no one number",
        "max(cross_entropy(h @ w, y, reduce='none'))",
        tokens(4096),
        lambda h, w, y: entropy(h @ w, y).max(),
    ),
    Row(
        "lm_cross_entropy 8 x 512",
        "lm_cross_entropy(h @ w, y)",
        tokens(8, 512),
        lambda h, w, y: entropy((h @ w)[:, :-1], y[:, 1:]).mean(),
    ),
    Row("info_nce 8192 x 128", "info_nce(a, b)", pairs(8192), info_nce),
    Row("clip_loss 4096 x 128", "clip_loss(a, b)", pairs(4096), clip),
    Row("siglip 8192 x 128", "siglip(a, b)", pairs(8192), siglip),
    Row(
        "supcon 2048 x 128",
        "supcon(z, y)",
        {"z": normal(2048, 128), "y": labels(100, 2048)},
        supcon,
    ),
]


def line(row: Row) -> str:
    """Return the figures of a row."""
    ours = lossdsl.compile(row.text), lossdsl.compile(row.text, chunk_bytes=None)
    programs = [
        gradient(loss, row.inputs).lower(row.inputs).compile() for loss in (*ours, row.by_hand)
    ]
    times = [[seconds(program, row.inputs) for program in programs] for _ in range(ROUNDS)]
    mine, whole, hand = map(min, zip(*times, strict=True))
    sizes = "".join(f"{temporary(program) / 1e6:9.1f}" for program in programs)
    return f"{row.name:32}{sizes} MB   {mine / whole:5.2f} {mine / hand:5.2f}  {mine:6.2f} s"


if __name__ == "__main__":
    print(f"jax {jax.__version__}, optax {optax.__version__}, {jax.devices()[0].platform}")
    print(f"{'':32}{'chunks':>9}{'whole':>9}{'by hand':>9}      of the time of the two")
    for each in ROWS:
        if len(sys.argv) == 1 or any(name in each.name for name in sys.argv[1:]):
            print(line(each), flush=True)
