"""The spiking example: what it reaches, what its regularizers do, and what its README says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_examples import EXAMPLES, run, run_each

import lossdsl

SPIKING = EXAMPLES / "spiking_digits"
ROW = r"│ +(\d) │ ([01]) +│ +([\d.]+) │ +(\d+) \+ (\d+) │ +([\d.]+) \+ ([\d.]+) │"


def rows(text: str) -> list[tuple[float, ...]]:
    """Return seed, strict, accuracy, silent neurons and spikes of both layers, run by run."""
    return [tuple(map(float, cells)) for cells in re.findall(ROW, text)]


def check(table: list[tuple[float, ...]]) -> None:
    """Hold what the regularizers are for: no neuron is silent, and the digits are told apart."""
    for _, strict, accuracy, first, second, spikes, more in table:
        assert accuracy >= 0.95
        assert (first + second == 0) == bool(strict)
        if strict:
            assert spikes < 1.1
            assert more < 1.1
        else:
            assert second > 40


@pytest.mark.long
def test_digits_are_told_apart_by_neurons_none_of_which_is_silent(tmp_path: Path) -> None:
    done = run(SPIKING, "--seeds", 1, "--epochs", 20, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    table = rows(done.stdout)
    assert len(table) == 2
    check(table)
    pictures = {path.name: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert pictures.keys() == {"raster.png", "rates.png", "terms.png"}
    assert min(pictures.values()) > 10_000


def test_a_wrong_surrogate_is_reported(tmp_path: Path) -> None:
    config = tmp_path / "train.yaml"
    config.write_text((SPIKING / "train.yaml").read_text().replace("superspike", "superspark"))
    ((code, output),) = run_each(SPIKING, [("--config", config, "--out", tmp_path)])
    assert code == 1
    assert "LD112" in output
    assert "did you mean `superspike`?" in output


def test_the_readme_shows_what_runs() -> None:
    readme = (SPIKING / "README.md").read_text()
    assert lossdsl.load(SPIKING / "train.yaml").text.strip() in readme
    table = rows(readme)
    assert len(table) == 6
    check(table)
    pictures = re.findall(r"\]\((pictures/\w+\.png)\)", readme)
    assert len(pictures) == 3
    assert all((SPIKING / one).exists() for one in pictures)
