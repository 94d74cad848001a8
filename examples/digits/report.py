"""Tables of what the terms of the loss did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table
from training import Run


def terms_table(run: Run) -> Table:
    """Show every term of one seed's loss on the test set."""
    table = Table(title=f"seed {run.seed}: the loss on the test set", title_justify="left")
    table.add_column("term")
    for heading in ("raw", "weight", "weighted", "share"):
        table.add_column(heading, justify="right")
    total = sum(abs(term.weighted) for term in run.terms.values())
    for name, term in run.terms.items():
        share = f"{abs(term.weighted) / total:.1%}" if total > 0 else "-"
        table.add_row(name, f"{term.raw:.4g}", f"{term.weight:g}", f"{term.weighted:.4g}", share)
    return table


def summary(runs: Sequence[Run], limit: float) -> Table:
    """Show, seed by seed, how well the digits are told apart and what became of `tau`."""
    table = Table(title=f"tau against its bound of {1e3 * limit:g} ms", title_justify="left")
    for heading in ("seed", "test accuracy", "shortest tau", "below the bound", "steps below"):
        table.add_column(heading, justify="right")
    for run in runs:
        became = "NaN", "-", f"NaN from step {run.broke_at}"
        if run.broke_at is None:
            became = (
                f"{1e3 * np.min(run.tau):.2f} ms",
                f"{np.mean(run.tau < limit):.0%}",
                f"{np.sum(run.shortest < limit)} of {len(run.shortest)}",
            )
        table.add_row(str(run.seed), f"{run.accuracy:.4f}", *became)
    return table


def outside(distance: float) -> str:
    """Say how a leaf ends that breaks its bound by so many seconds."""
    return "ends in NaN" if np.isnan(distance) else f"ends {1e3 * distance:.2f} ms below its bound"
