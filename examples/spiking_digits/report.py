"""Tables of what the regularizers did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table
from training import Run

# What the loss asks of the spikes that a neuron fires for an image.
LEAST, MOST = 0.5, 1.0


def summary(runs: Sequence[Run]) -> Table:
    """Show each run: how well the digits are told apart, and how the hidden layers fire."""
    table = Table(title="test set", title_justify="left")
    table.add_column("seed", justify="right")
    table.add_column("strict")
    for heading in ("accuracy", "silent", "spikes", "busy", "tau"):
        table.add_column(heading, justify="right")
    for run in runs:
        table.add_row(
            str(run.seed),
            f"{run.regularized:d}",
            f"{run.accuracy:.4f}",
            " + ".join(str(np.sum(layer.mean(axis=0) < LEAST)) for layer in run.counts),
            " + ".join(f"{layer.mean():.2f}" for layer in run.counts),
            " + ".join(f"{np.mean(layer.mean(axis=1) > MOST):.0%}" for layer in run.counts),
            f"{run.tau.min():.1f} - {run.tau.max():.1f}",
        )
    return table
