"""Train a recurrent network on handwritten digits with the loss in `train.yaml`.

python examples/digits/train.py
python examples/digits/train.py --without bounds
python examples/digits/train.py --without bounds --tau-rate 3e-4
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import jax
import typer
from network import Network
from plots import draw
from report import outside, summary, terms_table
from rich.console import Console
from rich.progress import Progress
from ruamel.yaml import YAML
from training import Training, train

import lossdsl

HERE = Path(__file__).parent


def without(text: str, label: str) -> str:
    """Return a spec less the addend labeled `label`, by the positions in its syntax tree."""
    for statement in lossdsl.parse(text).statements:
        addends = getattr(getattr(statement, "value", None), "addends", ())
        for addend in addends[1:]:
            if addend.label == label:
                return text[: addend.span.start] + text[addend.span.end :]
    raise typer.BadParameter(f"no term after the first is labeled `{label}`")


def shortest_allowed(loss: lossdsl.CompiledLoss, network: Network) -> float:
    """Return the lower bound of `tau`: the allowed value nearest to zero."""
    params = network.initialize(jax.random.key(0))
    params["recurrent"]["tau"] = 0 * params["recurrent"]["tau"]
    return float(loss.project(params)["recurrent"]["tau"].max())


def main(
    config: Annotated[Path, typer.Option(help="Loss, network, optimizer.")] = HERE / "train.yaml",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to train, from 0.")] = 3,
    drop: Annotated[str, typer.Option("--without", help="Leave out the term so labeled.")] = "",
    epochs: Annotated[int, typer.Option(help="Override the file's number of epochs.")] = 0,
    tau_rate: Annotated[float, typer.Option(help="Override the file's rate of `tau`.")] = 0.0,
    out: Annotated[Path, typer.Option(help="Where the plots go.")] = HERE / "out",
) -> None:
    """Check the loss, train, and report what every term did."""
    console = Console(highlight=False)
    try:
        spec = lossdsl.load(config)
    except lossdsl.LossError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    declared = lossdsl.compile(spec)
    for warning in declared.diagnostics:
        console.print(str(warning), markup=False, soft_wrap=True)
    loss = lossdsl.compile(without(spec.text, drop)) if drop else declared

    settings = YAML(typ="safe").load(config)
    network, training = Network(**settings["network"]), Training(**settings["training"])
    training = replace(
        training, epochs=epochs or training.epochs, tau_rate=tau_rate or training.tau_rate
    )
    limit = shortest_allowed(declared, network)

    runs = []
    with Progress(*Progress.get_default_columns(), console=console) as progress:
        for seed in range(seeds):
            track = partial(progress.track, description=f"seed {seed}")
            runs.append(train(loss, network, training, seed, track))
    for run in runs:
        console.print(terms_table(run))
    console.print(summary(runs, limit))
    for run in runs:
        for path, distance in declared.violations(run.params).items():
            console.print(f"seed {run.seed}: {path} {outside(float(distance))}")
    for path in draw(runs, limit, out / f"without-{drop}" if drop else out):
        console.print(f"saved {path}", soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
