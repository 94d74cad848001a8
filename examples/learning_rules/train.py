"""Train one network on handwritten digits by every learning rule in `train.yaml`.

python examples/learning_rules/train.py                      # print the table, draw the picture
python examples/learning_rules/train.py --write \\
    --out examples/learning_rules/pictures                   # and put both into README.md
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from plots import draw
from report import summary, write
from rich.console import Console
from rich.progress import Progress
from ruamel.yaml import YAML
from rules import learner
from training import Run, Training, trainer

import lossdsl

HERE = Path(__file__).parent


def main(
    config: Annotated[Path, typer.Option(help="Loss, rules, network.")] = HERE / "train.yaml",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to train, from 0.")] = 3,
    epochs: Annotated[int, typer.Option(help="Override the file's number; an even one.")] = 0,
    out: Annotated[Path, typer.Option(help="Where the picture goes.")] = HERE / "out",
    into_readme: Annotated[bool, typer.Option("--write", help="Put the table into README.md.")] = (
        False
    ),
) -> None:
    """Train every rule on every seed, and compare what they learn and how."""
    console = Console(highlight=False)
    settings = YAML(typ="safe").load(config)
    units = tuple(settings["network"]["units"])
    training = Training(**settings["training"])
    training = replace(training, epochs=epochs or training.epochs)
    try:
        loss = lossdsl.compile(lossdsl.load(config))
        rules = {
            name: learner(loss, len(units) + 1, **rule) for name, rule in settings["rules"].items()
        }
    except ValueError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None

    runs: dict[str, list[Run]] = {}
    with Progress(console=console) as progress:
        for name, rule in rules.items():
            run = trainer(rule, units, training)
            runs[name] = [run(seed) for seed in progress.track(range(seeds), description=name)]
    table = summary(runs)
    console.print(table, markup=False, soft_wrap=True)
    draw(runs, out / "rules.png")
    console.print(f"saved {out / 'rules.png'}", soft_wrap=True)
    if into_readme:
        write(table, HERE / "README.md")


if __name__ == "__main__":
    typer.run(main)
