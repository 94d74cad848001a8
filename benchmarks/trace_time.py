"""Time of tracing a compiled loss against the same loss by hand, jitted, at new batch sizes.

    python benchmarks/trace_time.py

Both are traced, interleaved, each at a batch size of its own, and the processor's time is counted:
JAX keeps what it traced of `jax.numpy` for a shape, so that what comes second at one is faster. A
line gives, for the value and for value and gradient, the ratio of the medians over rounds and the
median of what the loss by hand takes.
"""

from __future__ import annotations

import operator
import statistics
import time
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import count, cycle, islice
from typing import Any

import jax
import jax.numpy as jnp

import lossdsl

ROUNDS = {1: 40, 10: 20, 100: 8}
WARM = 2
INPUTS = "out, tgt: float[B, C]\nlabels: int[B]\nparams: tree\n"

Inputs = dict[str, Any]


def mean_square(leaves: Any) -> Any:
    """Return the mean over the leaves of the mean square of each."""
    squares = [jnp.mean(jnp.square(leaf)) for leaf in leaves]
    return reduce(operator.add, squares) / len(squares)


def huber(out: Any, tgt: Any, delta: float) -> Any:
    """Return the mean Huber loss."""
    error = jnp.abs(out - tgt)
    near = jnp.minimum(error, delta)
    return jnp.mean(0.5 * near**2 + delta * (error - near))


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the mean cross entropy of integer labels."""
    log_p = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(log_p, labels[:, None], axis=-1)[:, 0])


# Terms as text and by hand; `k` tells repetitions apart, so that nothing is shared.
TERMS: tuple[tuple[str, Callable[[float, Inputs], Any]], ...] = (
    ("mse({k}*out, tgt)", lambda k, on: jnp.mean(jnp.square(k * on["out"] - on["tgt"]))),
    (
        "1e-3*l2sqr({k}*params)",
        lambda k, on: 1e-3 * mean_square([k * leaf for leaf in jax.tree.leaves(on["params"])]),
    ),
    ("huber(out, tgt, delta={k})", lambda k, on: huber(on["out"], on["tgt"], k)),
    ("cross_entropy({k}*out, labels)", lambda k, on: cross_entropy(k * on["out"], on["labels"])),
    (
        "0.1*mean(relu(out - {k})**2)",
        lambda k, on: 0.1 * jnp.mean(jnp.square(jax.nn.relu(on["out"] - k))),
    ),
)


def losses(terms: int) -> tuple[Callable[[Inputs], Any], Callable[[Inputs], Any]]:
    """Return a loss of so many terms, compiled and by hand."""
    parts = [(1 + at / 8, *term) for at, term in enumerate(islice(cycle(TERMS), terms))]
    compiled = lossdsl.compile(INPUTS + " + ".join(text.format(k=k) for k, text, _ in parts))
    by_hand = jax.jit(lambda on: reduce(operator.add, [term(k, on) for k, _, term in parts]))
    return lambda on: compiled(**on), by_hand


def inputs(batch: int) -> Inputs:
    """Return inputs of a batch size."""
    out = jnp.ones((batch, 3))
    params = {f"layer{at}": jnp.ones((3, 3)) for at in range(4)}
    return {"out": out, "tgt": out, "labels": jnp.zeros(batch, jnp.int32), "params": params}


def gradient(loss: Callable[[Inputs], Any]) -> Callable[[Inputs], Any]:
    """Return the value and gradient of a loss with respect to its floating inputs."""

    def traced(on: Inputs) -> Any:
        floating = {name: value for name, value in on.items() if name != "labels"}
        return jax.value_and_grad(lambda some: loss({**on, **some}))(floating)

    return traced


def seconds(function: Any, on: Inputs) -> float:
    """Return the processor's time of one trace."""
    start = time.process_time()
    function.trace(on)
    return time.process_time() - start


def ratio(terms: int, of: Callable[..., Any], batches: Iterator[int]) -> tuple[float, float]:
    """Return the ratio of the medians, and the median time by hand."""
    ours, by_hand = (jax.jit(of(loss)) for loss in losses(terms))
    times = [
        (seconds(ours, inputs(next(batches))), seconds(by_hand, inputs(next(batches))))
        for _ in range(WARM + ROUNDS[terms])
    ][WARM:]
    mine, theirs = map(statistics.median, zip(*times, strict=True))
    return mine / theirs, theirs


if __name__ == "__main__":
    print("terms   value  by hand       value and gradient  by hand")
    batches = count(7)
    for terms in ROUNDS:
        value, plain = ratio(terms, lambda loss: loss, batches)
        both, plain_both = ratio(terms, gradient, batches)
        print(
            f"{terms:5}   {value:5.2f}  {plain * 1e3:7.2f} ms"
            f"               {both:5.2f}  {plain_both * 1e3:7.2f} ms"
        )
