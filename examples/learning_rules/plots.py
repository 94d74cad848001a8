"""One picture of all rules, drawn without a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
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
COLORS = (
    "#222222", "#3b6fb6", "#d1781f", "#5b8c3e", "#b5322f", "#7a5aa6", "#a8772c", "#3a9a9a",
)  # fmt: skip
MARKERS = "osD^vPX*"


def draw(runs: Mapping[str, Sequence[Run]], path: Path) -> None:
    """Save the accuracy of each rule over training, and its gradients against the exact ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 5.4))
        axes = figure.subplot_mosaic("ABC;ADE", width_ratios=(1.6, 1, 1))
        axes["C"].sharey(axes["B"])
        axes["E"].sharey(axes["D"])
        for (name, of), color, marker in zip(runs.items(), COLORS, MARKERS, strict=False):
            style = {"color": color, "marker": marker, "markersize": 4.5, "linewidth": 1.2}
            accuracy = np.stack([run.accuracy for run in of])
            epochs = 1 + np.arange(accuracy.shape[1])
            axes["A"].plot(epochs, np.median(accuracy, axis=0), label=name, **style)
            axes["A"].fill_between(
                epochs, accuracy.min(axis=0), accuracy.max(axis=0), color=color, alpha=0.12
            )
            for panel, values in {
                "B": [run.start.cosine for run in of],
                "C": [run.halfway.cosine for run in of],
                "D": [run.start.norm for run in of],
                "E": [run.halfway.norm for run in of],
            }.items():
                middle = np.median(values, axis=0)
                axes[panel].plot([str(1 + layer) for layer in range(len(middle))], middle, **style)
        axes["A"].set(xlabel="epoch", ylim=(0, 1), title="test accuracy")
        axes["B"].set(ylim=(-1.05, 1.05), title="cosine, at the start")
        axes["C"].set(title="cosine, halfway")
        axes["D"].set(yscale="log", title="norm ratio, at the start")
        axes["E"].set(title="norm ratio, halfway")
        for panel in "DE":
            axes[panel].set(xlabel="layer")
        figure.legend(*axes["A"].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        figure.savefig(path)
