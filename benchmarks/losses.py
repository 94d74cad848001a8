"""Memory and time of value and gradient of compiled losses against the best hand-written rival.

    python benchmarks/losses.py [NAME …]

Both are compiled and run interleaved in one process. A line gives the temporary bytes and
instructions that XLA counts, ours and the rival's, the ratio of the smallest processor times, and
whether bytes and time are within a twentieth of the rival's; if not, what the rival loses that we
keep. The bytes are held by `tests/library/test_memory.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import optax
from rivals import ROWS, Row

import lossdsl

ROUNDS = 9
# Bytes that no one would notice.
SLACK = 1e5


def gradient(loss: Callable[..., Any], on: dict[str, Any]) -> Callable[..., Any]:
    """Return the value and gradient of a loss with respect to its floating inputs, jitted."""
    floating = [name for name, value in on.items() if _floating(value)]

    def both(given: dict[str, Any]) -> Any:
        rest = {name: value for name, value in given.items() if name not in floating}
        some = {name: given[name] for name in floating}
        return jax.value_and_grad(lambda chosen: loss(**chosen, **rest))(some)

    return jax.jit(both)


def _floating(value: Any) -> bool:
    return all(leaf.dtype.kind in "fV" for leaf in jax.tree.leaves(value))


def compiled(row: Row) -> tuple[Any, Any, dict[str, Any]]:
    """Return the programs of a row, ours and the rival's, and what they are called with."""
    on = row.inputs()
    ours = gradient(lossdsl.compile(row.text), on).lower(on).compile()
    rival = gradient(row.rival, on).lower(on).compile()
    return ours, rival, on


def temporary(program: Any) -> int:
    """Return the bytes of what a program holds beside its arguments and results."""
    return program.memory_analysis().temp_size_in_bytes


def instructions(program: Any) -> int:
    """Return the number of instructions of a program."""
    return sum(" = " in line for line in program.as_text().splitlines())


def seconds(program: Any, on: dict[str, Any]) -> float:
    """Return the processor's time of one call."""
    start = time.process_time()
    jax.block_until_ready(program(on))
    return time.process_time() - start


def line(row: Row) -> str:
    """Return the figures of a row."""
    ours, rival, on = compiled(row)
    times = [(seconds(ours, on), seconds(rival, on)) for _ in range(ROUNDS)]
    mine, theirs = map(min, zip(*times, strict=True))
    sizes = [temporary(program) for program in (ours, rival)]
    within = sizes[0] <= max(1.05 * sizes[1], SLACK) and mine <= 1.05 * theirs
    megabytes = [size / 1e6 for size in sizes]
    counts = [instructions(program) for program in (ours, rival)]
    return (
        f"{row.name:34} {megabytes[0]:9.2f} {megabytes[1]:9.2f} MB"
        f" {counts[0]:6} {counts[1]:6}   {mine / theirs:5.2f}  {theirs * 1e3:7.1f} ms"
        f"  {'as small and fast' if within else row.keeps or 'behind'}"
    )


if __name__ == "__main__":
    print(f"jax {jax.__version__}, optax {optax.__version__}, {jax.devices()[0].platform}")
    print(f"{'':34} {'memory':>9} {'rival':>9}    {'instr.':>6} {'rival':>6}    time")
    for each in ROWS:
        if len(sys.argv) == 1 or any(name in each.name for name in sys.argv[1:]):
            print(line(each), flush=True)
