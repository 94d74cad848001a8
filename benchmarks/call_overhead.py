"""Time of calling a compiled loss against a hand-written `jax.jit`, both by keyword.

    python benchmarks/call_overhead.py

The variants are interleaved; a line gives the ratio of the minima and of the medians over rounds.
The parameters are tiny, so that calling is what takes the time.
"""

from __future__ import annotations

import operator
import statistics
import time
from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp

import lossdsl

ROUNDS = 15
SPEC = """
out, tgt: float[B, C]
params: tree
decay: float = 1e-3
mse(out, tgt) + decay*l2sqr(params)
"""


def by_hand(out: Any, tgt: Any, params: Any, decay: Any) -> Any:
    """The same loss without lossdsl."""
    squares = jax.tree.leaves(jax.tree.map(lambda leaf: jnp.mean(jnp.square(leaf)), params))
    return jnp.mean(jnp.square(out - tgt)) + decay * (reduce(operator.add, squares) / len(squares))


def seconds(call: Callable[[], Any], calls: int) -> float:
    """Return the time of one call, over a run of several."""
    start = time.perf_counter()
    for _ in range(calls):
        result = call()
    result.block_until_ready()
    return (time.perf_counter() - start) / calls


def ratios(leaves: int) -> tuple[float, float, float]:
    """Return the ratio of the minima, that of the medians, and the time by hand."""
    compiled, raw = lossdsl.compile(SPEC), jax.jit(by_hand)
    out, decay = jnp.ones((4, 3)), jnp.float32(1e-3)
    params = {f"layer{at}": jnp.full(2, 0.1) for at in range(leaves)}
    ours: Callable[[], Any] = lambda: compiled(out=out, tgt=out, params=params)  # noqa: E731
    theirs: Callable[[], Any] = lambda: raw(out=out, tgt=out, params=params, decay=decay)  # noqa: E731
    calls = max(20, 20_000 // (leaves + 20))
    for warm in (ours, theirs):
        seconds(warm, calls)
    times = [(seconds(ours, calls), seconds(theirs, calls)) for _ in range(ROUNDS)]
    mine, plain = zip(*times, strict=True)
    middle = statistics.median
    return min(mine) / min(plain), middle(mine) / middle(plain), min(plain)


if __name__ == "__main__":
    print("leaves   min  median  raw call")
    for leaves in (4, 100, 1000):
        least, middle, raw = ratios(leaves)
        print(f"{leaves:6}  {least:.3f}  {middle:.3f}  {raw * 1e6:6.1f} µs")
