"""Pictures of one seed with the regularizers and without, drawn without a display."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from report import LEAST, MOST
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

Picture = Callable[[Figure, Sequence[Run]], None]


def draw(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Save the three pictures to a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, tuple[tuple[float, float], Picture]] = {
        "raster": ((7.2, 4.6), raster),
        "rates": ((7.2, 4.2), rates),
        "terms": ((7.2, 3.4), terms),
    }
    paths = []
    with mpl.rc_context(STYLE):
        for name, (size, paint) in pictures.items():
            figure = Figure(figsize=size)
            paint(figure, runs)
            paths.append(folder / f"{name}.png")
            figure.savefig(paths[-1])
    return paths


def said(run: Run) -> str:
    """Return which of the two runs a title is about."""
    return "with regularizers" if run.regularized else "without"


def raster(figure: Figure, runs: Sequence[Run]) -> None:
    """All spikes that one image of the test set causes, and the readout's traces beside them."""
    heights = [*(layer.shape[1] for layer in reversed(runs[0].spikes)), 96]
    grid = figure.subplots(len(heights), len(runs), sharex=True, height_ratios=heights[::-1])
    for column, run in zip(grid.T, runs, strict=True):
        read = run.trace.sum(axis=0).argmax()
        column[0].plot(np.delete(run.trace, read, axis=1), color="0.75", linewidth=0.8)
        column[0].plot(run.trace[:, read], color=COLORS[0])
        column[0].set_title(f"{said(run)}: a {run.digit}, read as {read}")
        for axes, layer in zip(column[1:], reversed(run.spikes), strict=True):
            at, unit = np.nonzero(layer)
            axes.plot(at, unit, "|", color="black", markersize=2.5)
            axes.set(ylim=(-1, layer.shape[1]))
        column[-1].set(xlabel="step")
    for axes, label in zip(grid[:, 0], ("readout", "layer 2", "layer 1"), strict=True):
        axes.set_ylabel(label)


def rates(figure: Figure, runs: Sequence[Run]) -> None:
    """Mean spikes over the test set by neuron, and over the neurons by image."""
    layers = len(runs[0].counts)
    grid = figure.subplots(layers, 2, sharex="col", sharey="row", width_ratios=(3, 2))
    for at, (axes, beside) in enumerate(grid):
        for run, color, style in zip(runs, COLORS, ("stepfilled", "step"), strict=False):
            neurons, images = (run.counts[at].mean(axis=axis) for axis in (0, 1))
            for where, values, bins in (
                (axes, neurons, np.arange(0, 6.05, 0.25)),
                (beside, images, np.arange(0, 3.05, 0.1)),
            ):
                where.hist(
                    np.clip(values, 0, bins[-1]), bins, histtype=style, color=color,
                    linewidth=1.4, alpha=0.8, label=said(run),
                )  # fmt: skip
        axes.axvline(LEAST, color=COLORS[2], linestyle="--", label=f"silence below {LEAST:g}")
        beside.axvline(MOST, color=COLORS[4], linestyle="--", label=f"sparsity above {MOST:g}")
        axes.set(ylabel=f"neurons of layer {at + 1}")
        beside.set(ylabel="images")
    grid[0][0].legend()
    handles, labels = grid[0][1].get_legend_handles_labels()
    grid[0][1].legend(handles[-1:], labels[-1:])
    grid[-1][0].set_xlabel("spikes per image, by neuron")
    grid[-1][1].set_xlabel("spikes per neuron, by image")


def terms(figure: Figure, runs: Sequence[Run]) -> None:
    """The mean of every weighted term over each epoch; a term that is 0 has no point."""
    for axes, run in zip(figure.subplots(1, len(runs), sharey=True), runs, strict=True):
        for color, (name, values) in zip(COLORS, run.history.items(), strict=False):
            means = values.mean(axis=1)
            shown = np.where(means > 0, means, np.nan)
            axes.plot(
                1 + np.arange(len(means)), shown, marker=".", markersize=4, color=color, label=name
            )
        axes.set(yscale="log", xlabel="epoch")
        axes.set_title(said(run))
    figure.axes[0].set_ylabel("weighted term")
    figure.axes[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
