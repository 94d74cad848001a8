"""Train a spiking network on handwritten digits with the loss in `train.yaml`.

python examples/spiking_digits/train.py
python examples/spiking_digits/train.py --seeds 1 --out examples/spiking_digits/pictures
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from network import Network
from plots import draw
from report import summary
from rich.console import Console
from rich.progress import Progress
from ruamel.yaml import YAML
from training import Training, trainer

import lossdsl
from lossdsl.learning import surrogate

HERE = Path(__file__).parent


def main(
    config: Annotated[Path, typer.Option(help="Loss, network, optimizer.")] = HERE / "train.yaml",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to train, from 0.")] = 3,
    epochs: Annotated[int, typer.Option(help="Override the file's number of epochs.")] = 0,
    out: Annotated[Path, typer.Option(help="Where the pictures go.")] = HERE / "out",
) -> None:
    """Train each seed with the regularizers and without, and report what they did."""
    console = Console(highlight=False)
    settings = YAML(typ="safe").load(config)
    shape = settings["network"]
    try:
        loss = lossdsl.compile(lossdsl.load(config))
        fires = surrogate.named(**shape["surrogate"])
    except lossdsl.LossError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    network = Network(
        units=tuple(shape["units"]),
        steps=shape["steps"],
        tau=tuple(shape["tau"]),
        gain=shape["gain"],
        fires=fires,
    )
    training = Training(**settings["training"])
    train = trainer(loss, network, replace(training, epochs=epochs or training.epochs))

    runs = []
    with Progress(*Progress.get_default_columns(), console=console) as progress:
        for seed in range(seeds):
            for regularized in (True, False):
                said = f"seed {seed} {'with' if regularized else 'without'} regularizers"
                runs.append(train(seed, regularized, partial(progress.track, description=said)))
    console.print(summary(runs))
    for path in draw(runs[:2], out):
        console.print(f"saved {path}", soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
