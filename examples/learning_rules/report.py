"""The table: one row a rule, medians over the seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from training import Run

MARKS = "<!-- table: begin -->\n", "<!-- table: end -->"
HEADINGS = (
    "rule", "test accuracy", "cosine, start", "cosine, halfway", "norm, start", "norm, halfway",
    "residual", "seconds",
)  # fmt: skip


def summary(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return the table as Markdown."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(cells(name, of) for name, of in runs.items())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def cells(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    """Return one row; the range of the accuracy stands behind it."""
    accuracy = [run.accuracy[-1] for run in runs]
    return (
        name,
        f"{np.median(accuracy):.3f} ({min(accuracy):.3f} to {max(accuracy):.3f})",
        layers([run.start.cosine for run in runs]),
        layers([run.halfway.cosine for run in runs]),
        layers([run.start.norm for run in runs]),
        layers([run.halfway.norm for run in runs]),
        f"{np.median([run.residual for run in runs]):.0e}",
        f"{max(run.seconds for run in runs):.0f}",
    )


def layers(values: Sequence[np.ndarray]) -> str:
    """Return the median over the seeds for each layer, the first layer first."""
    return " ".join(f"{value:.2f}" for value in np.median(values, axis=0))


def write(table: str, readme: Path) -> None:
    """Put the table into a page, between its marks."""
    before, rest = readme.read_text().split(MARKS[0])
    _, after = rest.split(MARKS[1])
    readme.write_text(before + MARKS[0] + table + MARKS[1] + after)
