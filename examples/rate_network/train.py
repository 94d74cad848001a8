"""Compare four losses on the rate network of Rockpool's JAX tutorial.

python examples/rate_network/train.py              # print the table
python examples/rate_network/train.py --write      # and put it into README.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import optax
import typer
from network import CLASSES, Params, evolve, initialize, task
from rich.progress import Progress
from ruamel.yaml import YAML

import lossdsl

HERE = Path(__file__).parent
BOUND = np.float32(0.01)
MARKS = "<!-- table: begin -->\n", "<!-- table: end -->"
HEADINGS = "spec", "median loss", "shortest tau (ms)", "steps below 10 ms", "seeds ending in NaN"


@dataclass(frozen=True)
class Run:
    """One seed's training, step by step: the loss and, after the update, the shortest `tau`."""

    losses: np.ndarray
    shortest: np.ndarray

    @property
    def settled(self) -> float:
        """The median loss of the last hundred epochs: the very last one is chaotic."""
        return float(np.median(self.losses[-100 * CLASSES :]))

    @property
    def broken(self) -> bool:
        """Whether the training ended in NaN."""
        return bool(np.isnan(self.losses[-1]) or np.isnan(self.shortest[-1]))

    @property
    def below(self) -> int:
        """The number of steps after which some `tau` was below its bound."""
        return int(np.sum(self.shortest < BOUND))


def trainer(
    loss: lossdsl.CompiledLoss, project: bool, epochs: int
) -> Callable[[Params, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    """Return the whole training of one seed as a single jitted function."""
    optimizer = optax.adam(1e-4)
    objective = loss.objective(
        lambda params, noise, signal: {
            "out": evolve(params, noise),
            "tgt": signal,
            "params": params,
        }
    )

    @jax.jit
    def train(params: Params, noise: jax.Array, signals: jax.Array):
        def step(carry, sample):
            params, state = carry
            gradient = jax.value_and_grad(objective, has_aux=True)
            (value, _), slope = gradient(params, noise[sample], signals[sample])
            change, state = optimizer.update(slope, state, params)
            params = optax.apply_updates(params, change)
            if project:
                params = loss.project(params)
            return (params, state), (value, jnp.min(params["rate"]["tau"]))

        order = jnp.tile(jnp.arange(CLASSES), epochs)
        return jax.lax.scan(step, (params, optimizer.init(params)), order)[1]

    return train


def cells(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    """Return one row of the table: medians over the seeds that stayed finite, with their range."""
    finite = [run for run in runs if not run.broken]
    return (
        name,
        spread([run.settled for run in finite], ".2g"),
        spread([1e3 * run.shortest[-1] for run in finite], ".2f"),
        spread([run.below for run in finite], ".0f"),
        f"{len(runs) - len(finite)} of {len(runs)}",
    )


def spread(values: Sequence[float], style: str) -> str:
    """Format the median and the range, or the one value that all share."""
    if not values:
        return "-"
    middle, low, high = (f"{f(values):{style}}" for f in (np.median, np.min, np.max))
    return middle if low == high else f"{middle} ({low} to {high})"


def main(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to train, from 0.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of three samples each.")] = 1000,
    write: Annotated[bool, typer.Option(help="Put the table into README.md.")] = False,
) -> None:
    """Train every spec on every seed and print the table."""
    specs = YAML(typ="safe").load(HERE / "specs.yaml")
    rows = [HEADINGS, ("---",) * len(HEADINGS)]
    with Progress() as progress:
        for name, entry in specs.items():
            loss = lossdsl.compile(lossdsl.load(HERE / "specs.yaml", key=f"{name}.loss"))
            train = trainer(loss, entry["project"], epochs)
            runs = []
            for seed in progress.track(range(seeds), description=f"{name:12}"):
                losses, shortest = train(initialize(seed), *task(seed))
                runs.append(Run(np.asarray(losses), np.asarray(shortest)))
            rows.append(cells(name, runs))
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    print(table)
    if write:
        readme = HERE / "README.md"
        before, rest = readme.read_text().split(MARKS[0])
        _, after = rest.split(MARKS[1])
        readme.write_text(before + MARKS[0] + table + MARKS[1] + after)


if __name__ == "__main__":
    typer.run(main)
