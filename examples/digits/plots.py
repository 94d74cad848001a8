"""Pictures of a training run, drawn without a display."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from training import Run

STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "legend.frameon": False,
}
COLORS = ("#3b6fb6", "#d1781f", "#b5322f", "#5b8c3e", "#7a5aa6")


def draw(runs: Sequence[Run], limit: float, folder: Path) -> list[Path]:
    """Save the three pictures to a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with mpl.rc_context(STYLE):
        for name, size, paint in (
            ("terms", (6.4, 3.6), terms),
            ("tau", (6.4, 3.6), lambda axes, runs: tau(axes, runs, limit)),
            ("confusion", (4.4, 4.0), confusion),
        ):
            figure = Figure(figsize=size)
            paint(figure.subplots(), runs)
            paths.append(folder / f"{name}.png")
            figure.savefig(paths[-1])
    return paths


def terms(axes: Axes, runs: Sequence[Run]) -> None:
    """Every weighted term over training, one line a seed; dots where a term is mostly 0."""
    for color, name in zip(cycle(COLORS), runs[0].terms):
        for run in runs:
            weighted = run.history[f"weighted/{name}"]
            values = np.where(weighted > 0, weighted, np.nan)
            rare = np.mean(np.isfinite(values)) < 0.5
            axes.plot(
                values,
                linestyle="none" if rare else "-",
                marker="." if rare else None,
                markersize=4,
                linewidth=0.7,
                alpha=0.7,
                color=color,
                label=None if run is not runs[0] else f"{name} (else 0)" if rare else name,
            )
    axes.set(yscale="log", xlabel="step", ylabel="weighted term")
    axes.set_title(f"terms of the loss, {len(runs)} seeds")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def tau(axes: Axes, runs: Sequence[Run], limit: float) -> None:
    """The time constants before and after training, with their bound; NaN has no place here."""
    finite = [run for run in runs if run.broke_at is None]
    before = 1e3 * np.concatenate([run.start for run in finite or runs])
    after = 1e3 * np.concatenate([run.tau for run in finite or runs])
    after = after[np.isfinite(after)]
    bins = np.arange(0, np.ceil(max(before.max(), after.max(initial=0))) + 1)
    axes.hist(after, bins, color=COLORS[0], alpha=0.8, label="after training")
    axes.hist(before, bins, histtype="step", color="black", label="before")
    axes.axvline(1e3 * limit, color=COLORS[2], linestyle="--", label=f"bound, {1e3 * limit:g} ms")
    axes.set(xlabel="time constant tau (ms)", ylabel="units", xlim=(0, None))
    broken = f", {len(runs) - len(finite)} of them in NaN" if len(finite) < len(runs) else ""
    axes.set_title(f"time constants, {len(runs)} seeds{broken}")
    axes.legend()


def confusion(axes: Axes, runs: Sequence[Run]) -> None:
    """Counts of shown against recognized digits, summed over the seeds' test sets."""
    counts = np.sum([run.confusion for run in runs], axis=0)
    axes.imshow(np.sqrt(counts), cmap="Blues")
    for shown, recognized in zip(*np.nonzero(counts), strict=True):
        count = counts[shown, recognized]
        color = "white" if count > counts.max() / 3 else "black"
        axes.text(recognized, shown, str(count), ha="center", va="center", color=color, size=8)
    digits = range(len(counts))
    axes.set(xticks=digits, yticks=digits, xlabel="recognized", ylabel="shown")
    axes.set_title(f"test set, {len(runs)} seeds")
